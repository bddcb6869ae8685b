"""The vectors: examples of the rules as JSON data that any language can read, and their loader.

Each file has `title`, `reading` (how numbers are written), what `input` and `expected` are, and `cases`; its shape is
the schema `vector-file`.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from typing import Any

import msgspec

from talon_contracts.exact_json import Json, Object, decode


@dataclass(frozen=True, slots=True)
class Vector:
    """One example: `rules` are the ids it illustrates; what `input` and `expected` are, the file says."""

    id: str
    rules: tuple[str, ...]
    note: str
    input: Json
    expected: Json


@functools.cache
def names() -> tuple[str, ...]:
    """The name of every vector file, sorted."""
    found = (entry.name for entry in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".json") for name in found if name.endswith(".json")))


def document(name: str) -> dict[str, Any]:
    """One vector file as it stands, numbers as text included; raises KeyError for an unknown name."""
    parsed: dict[str, Any] = msgspec.json.decode(_read(name))
    return parsed


def load(name: str) -> tuple[Vector, ...]:
    """The vectors of one file, numbers written as text turned into exact ones; raises KeyError for an unknown name."""
    parsed = decode(_read(name))
    assert isinstance(parsed, dict)
    return tuple(_vectors(parsed))


def _read(name: str) -> bytes:
    if name not in names():
        raise KeyError(f"no vector file named {name!r}; there are {', '.join(names())}")
    return (files(__name__) / f"{name}.json").read_bytes()


def _vectors(parsed: Object) -> Iterator[Vector]:
    cases = parsed["cases"]
    assert isinstance(cases, list)
    for case in cases:
        assert isinstance(case, dict)
        rules = case["rules"]
        assert isinstance(rules, list)
        yield Vector(
            id=str(case["id"]),
            rules=tuple(str(rule) for rule in rules),
            note=str(case["note"]),
            input=_with_numbers(case["input"]),
            expected=_with_numbers(case["expected"]),
        )


def _with_numbers(value: Json) -> Json:
    if isinstance(value, list):
        return [_with_numbers(item) for item in value]
    if not isinstance(value, dict):
        return value
    text = value.get("$number")
    if len(value) == 1 and isinstance(text, str):
        return Decimal(text) if any(sign in text for sign in ".eE") else int(text)
    return {key: _with_numbers(item) for key, item in value.items()}
