"""Nested traits as flat, named leaves (MAP-1, MAP-2)."""

from collections.abc import Iterator
from typing import Any

import msgspec

SEPARATOR = "_"


class Leaf(msgspec.Struct, frozen=True):
    """One value among the traits: the keys that lead to it, and the attribute name they make."""

    path: tuple[str, ...]
    name: str
    value: Any

    @property
    def pointer(self) -> str:
        """The JSON pointer of the value below `traits`."""
        joined = "/" + "/".join(self.path)
        if "~" not in joined and joined.count("/") == len(self.path):
            return joined
        return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in self.path)


def leaves(traits: dict[str, Any]) -> tuple[Leaf, ...]:
    """Every value that is no object, in document order; keys are joined untouched, an empty object has no leaf."""
    return tuple(_walk(traits, ()))


def _walk(node: dict[str, Any], above: tuple[str, ...]) -> Iterator[Leaf]:
    for key, value in node.items():
        path = (*above, key)
        if isinstance(value, dict):
            yield from _walk(value, path)
        else:
            yield Leaf(path, SEPARATOR.join(path), value)
