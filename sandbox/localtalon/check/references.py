"""The references of a JSON Schema: where in its document each of them leads."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urljoin

from localtalon.json_lines import step


class References:
    """The parts of one document by their addresses: `$id` (`id` of draft 4), `$anchor`, `$dynamicAnchor`."""

    def __init__(self, document: Any) -> None:
        """Look for what has an address."""
        self._document = document
        self._parts = {"": ""}  # pointers by address; the bases are those of whole schemas
        self._bases = {"": ""}  # addresses by pointer
        for pointer, base, anchor in _addresses(document, "", ""):
            self._parts.setdefault(f"{base}#{anchor}" if anchor else base, pointer)
            if not anchor:
                self._bases[pointer] = base

    def at(self, pointer: str) -> Any:
        """What is there."""
        return resolved(self._document, pointer)[1]

    def target(self, reference: str, pointer: str) -> str | None:
        """The pointer to what a reference at a pointer means; None where it is not in the document."""
        # In older drafts an $id beside $ref has no meaning: what is not found below it is sought in the whole.
        for base in dict.fromkeys((self._base(pointer), self._bases[""])):
            address, _, fragment = _joined(base, reference).partition("#")
            fragment = unquote(fragment)
            found = self._parts.get(address) if fragment.startswith("/") or not fragment else None
            if found is not None and resolved(self._document, found + fragment)[0]:
                return found + fragment
            if f"{address}#{fragment}" in self._parts:
                return self._parts[f"{address}#{fragment}"]
        return None

    def _base(self, pointer: str) -> str:
        """The address of the innermost schema with one that a pointer leads into."""
        return self._bases[max((at for at in self._bases if f"{pointer}/".startswith(f"{at}/")), key=len)]


def _joined(base: str, reference: str) -> str:
    """The address that a reference means; one that is none stays as it is."""
    if reference.startswith("#"):
        return base + reference
    try:
        return urljoin(base, reference)
    except ValueError:
        return reference


def resolved(document: Any, pointer: str) -> tuple[bool, Any]:
    """Whether a pointer leads somewhere in a document, and what is there."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict) and key in document:
            document = document[key]
        elif isinstance(document, list) and key.isdecimal() and int(key) < len(document):
            document = document[int(key)]
        else:
            return False, None
    return pointer == "" or pointer.startswith("/"), document


def _addresses(node: Any, pointer: str, base: str) -> Iterator[tuple[str, str, str]]:
    """Of each part with an address: its pointer, the address of the schema around it or its own, its anchor."""
    if isinstance(node, dict):
        own = next((node[k] for k in ("$id", "id") if isinstance(node.get(k), str)), "")
        if own.startswith("#"):
            yield pointer, base, own[1:]
        elif own:
            base = _joined(base, own).partition("#")[0]
            yield pointer, base, ""
        for keyword in ("$anchor", "$dynamicAnchor"):
            if isinstance(node.get(keyword), str):
                yield pointer, base, node[keyword]
        for key, inner in node.items():
            yield from _addresses(inner, pointer + step(key), base)
    elif isinstance(node, list):
        for index, inner in enumerate(node):
            yield from _addresses(inner, f"{pointer}/{index}", base)
