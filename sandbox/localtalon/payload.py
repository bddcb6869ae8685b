"""A payload: the values that a test gives, as JSON text, numbers digit for digit (MAP-8)."""

import math
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from talon_bridge import codec


class PayloadError(ValueError):
    """A value that JSON has no way to say; the message has its JSON pointer."""


def encode(document: Any) -> bytes:
    """The JSON text; times become RFC 3339, which takes an offset. Raises `PayloadError`."""
    _check(document, "")
    try:
        return codec.encode(document)
    except (TypeError, UnicodeEncodeError) as error:
        raise PayloadError(f"this is no JSON: {error}") from None


def _check(value: Any, pointer: str) -> None:
    """Refuse what the encoder would let through: numbers that JSON does not have, times that nobody can place."""
    if isinstance(value, float | Decimal) and not math.isfinite(value):
        raise PayloadError(f"{pointer} is {value}: JSON has no such number")
    if isinstance(value, datetime) and value.utcoffset() is None:
        raise PayloadError(f"{pointer} is {value} without an offset: give it one, as datetime.now(UTC) has it")
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _check(inner, f"{pointer}/{name}")
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            _check(inner, f"{pointer}/{index}")
