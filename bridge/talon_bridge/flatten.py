"""Nested traits as flat, named leaves (MAP-1, MAP-2)."""

from collections.abc import Iterator
from typing import Any

import msgspec

SEPARATOR = "_"


class Leaf(msgspec.Struct, frozen=True, gc=False):
    """One value among the traits: the keys that lead to it, its JSON pointer below `traits`, its attribute's name."""

    path: tuple[str, ...]
    pointer: str
    name: str
    value: Any


def leaves(traits: dict[str, Any]) -> tuple[Leaf, ...]:
    """Every value that is no object, in document order; keys are joined untouched, an empty object has no leaf."""
    return tuple(_walk(traits, (), ""))


def _walk(node: dict[str, Any], above: tuple[str, ...], pointer: str) -> Iterator[Leaf]:
    for key, value in node.items():
        path = (*above, key)
        step = key.replace("~", "~0").replace("/", "~1")
        if isinstance(value, dict):
            yield from _walk(value, path, f"{pointer}/{step}")
        else:
            yield Leaf(path, f"{pointer}/{step}", SEPARATOR.join(path), value)
