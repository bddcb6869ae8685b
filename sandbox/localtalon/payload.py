"""A payload: the values that a test gives, as JSON text, numbers digit for digit (MAP-8)."""

import math
from collections.abc import Mapping
from typing import Any

from talon_bridge import codec


class PayloadError(ValueError):
    """A value that JSON has no way to say; the message has its JSON pointer."""


def encode(document: Any) -> bytes:
    """The JSON text; times become RFC 3339. Raises `PayloadError`."""
    _check(document, "")
    try:
        return codec.encode(document)
    except (TypeError, UnicodeEncodeError) as error:
        raise PayloadError(f"this is no JSON: {error}") from None


def _check(value: Any, pointer: str) -> None:
    """Refuse numbers that JSON does not have; the encoder would write null."""
    if isinstance(value, float) and not math.isfinite(value):
        raise PayloadError(f"{pointer} is {value}: JSON has no such number")
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _check(inner, f"{pointer}/{name}")
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            _check(inner, f"{pointer}/{index}")
