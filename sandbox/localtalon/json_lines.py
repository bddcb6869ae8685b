"""The lines on which values of a JSON text begin, by JSON pointer."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import msgspec

# A string is one token, so that what looks like structure inside it is none.
_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[{}\[\],]|[^\s"{}\[\],:]+', re.DOTALL)

_BYTE: Final = re.compile(r"\bbyte (\d+)")


@dataclass(slots=True)
class _Open:
    """An object or array that is being read; `pointer` is None where nothing below it is wanted."""

    pointer: str | None
    index: int = 0
    is_array: bool = False
    wants_key: bool = True


def step(key: str) -> str:
    """A key as one step of a pointer."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def offsets(text: bytes, pointers: Collection[str]) -> dict[str, int]:
    """Where the values at these pointers begin in a text that is JSON; a pointer that leads nowhere is left out."""
    wanted = frozenset(pointers)
    on_the_way = {pointer[:end] for pointer in wanted for end in _ends(pointer)}
    found: dict[str, int] = {}
    outer: list[_Open] = []
    here: str | None = ""
    for match in _TOKEN.finditer(text):
        token = match.group()
        inner = outer[-1] if outer else None
        if token == b",":
            assert inner is not None  # the text is JSON
            inner.index, inner.wants_key = inner.index + 1, True
        elif token in (b"}", b"]"):
            outer.pop()
        elif inner is not None and not inner.is_array and inner.wants_key:
            here, inner.wants_key = _below(inner.pointer, msgspec.json.decode(token), on_the_way), False
        else:
            if inner is not None and inner.is_array:
                here = _below(inner.pointer, str(inner.index), on_the_way)
            if here is not None:
                _record(found, here, match.start(), here in wanted)
            if token in (b"{", b"["):
                outer.append(_Open(here, is_array=token == b"["))
    return found


def lines(text: bytes, pointers: Collection[str]) -> dict[str, int]:
    """The lines, counted from 1, on which the values at these pointers begin."""
    return {pointer: line_at(text, offset) for pointer, offset in offsets(text, pointers).items()}


def line_at(text: bytes, offset: int) -> int:
    """The line of a byte."""
    return text.count(b"\n", 0, offset) + 1


def line_of_error(text: bytes, message: str) -> int:
    """The line of a text that is no JSON on which it stops to be any, as what was said about it tells."""
    byte = _BYTE.search(message)
    if byte is None:
        return line_at(text, len(text.rstrip()) if "too early" in message else 0)
    return line_at(text, int(byte[1]))


def _ends(pointer: str) -> list[int]:
    return [0, *(index for index, char in enumerate(pointer) if char == "/" and index), len(pointer)]


def _below(pointer: str | None, key: str, on_the_way: Collection[str]) -> str | None:
    if pointer is None:
        return None
    full = pointer + step(key)
    return full if full in on_the_way else None


def _record(found: dict[str, int], pointer: str, offset: int, wanted: bool) -> None:
    """Note a value. Of a key that an object has twice the last value counts, so what was below the first goes."""
    for stale in [known for known in found if known.startswith(f"{pointer}/")]:
        del found[stale]
    if wanted:
        found[pointer] = offset
