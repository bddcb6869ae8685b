"""Values of audiences and computed traits: strictly of their attribute type (ATT-2), as canonical JSON text."""

import math
import re
from decimal import Decimal
from typing import Any, Final

from talon_bridge import codec
from talon_bridge.codec import MalformedError
from talon_bridge.engage.computations import ValueType

NULL: Final = b"null"
_TRUTH: Final = {"true": b"true", "t": b"true", "false": b"false", "f": b"false"}
_ITEMS: Final[dict[str, ValueType]] = {"(list string)": "string", "(list number)": "number", "(list time)": "time"}
_HOURS = r"(?:[01][0-9]|2[0-3])"
_TIME = re.compile(
    r"([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    rf"T{_HOURS}:[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?(?:Z|[+-]{_HOURS}:[0-5][0-9])"
)
_NUMBER = re.compile(r"-?[0-9][0-9.eE+-]*")
_PLAIN = re.compile(r"-?[0-9]{1,100}\.[0-9]{0,100}[1-9]")  # as it is to be written
_SHORT_MONTHS = ("04", "06", "09", "11")


def from_value(value: Any, kind: ValueType) -> bytes | None:
    """The JSON text of a value that has a type; None where it is not this one. Null is of every type.

    Equal values have the same text, however their numbers were written: 1.50 is 1.5, and 1e2 is 100.
    """
    if value is None:
        return NULL
    if kind in _ITEMS:
        return _list(value, _ITEMS[kind])
    if kind == "number":
        return _number(value)
    if kind == "boolean":
        return codec.encode(value) if isinstance(value, bool) else None
    if not isinstance(value, str) or (kind == "time" and not _is_time(value)):
        return None
    return codec.encode(value)


def from_text(text: str, kind: ValueType) -> bytes | None:
    """The JSON text of a value that was written without a type; None where it says nothing of this one.

    Empty means null; a number and a list are as JSON has them, a boolean is true, false, t or f in any case.
    """
    if text == "":
        return NULL
    if kind == "boolean":
        return _TRUTH.get(text.lower())
    if kind in ("string", "time"):
        return from_value(text, kind)
    if kind == "number" and not _NUMBER.fullmatch(text):
        return None
    try:
        value = codec.value(text.encode())
    except MalformedError:
        return None
    return None if value is None else from_value(value, kind)


def _list(value: Any, kind: ValueType) -> bytes | None:
    if not isinstance(value, list):
        return None
    texts = [from_value(item, kind) for item in value if item is not None]
    whole = [text for text in texts if text is not None]
    return b"[" + b",".join(whole) + b"]" if len(whole) == len(value) else None


def _number(value: Any) -> bytes | None:
    """The text of a number that a double can be near to: all its digits, but no zeros behind a fraction."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    if isinstance(value, int):
        return codec.encode(value)
    if _PLAIN.fullmatch(text := str(value)):
        return text.encode()
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    if not math.isfinite(float(exact)) or len(exact.as_tuple().digits) > codec.MAX_DIGITS:
        return None
    if exact == exact.to_integral_value():
        return codec.encode(int(exact))
    sign, digits, exponent = exact.as_tuple()
    kept = "".join(map(str, digits)).rstrip("0")
    shorter = int(exponent) + len(digits) - len(kept)
    return codec.encode(Decimal((sign, tuple(map(int, kept)), shorter)))


def _is_time(text: str) -> bool:
    """RFC 3339 as strictly as Talon.One takes it (assumed): `T`, `Z` or an offset, a real date, no leap second."""
    parts = _TIME.fullmatch(text)
    if parts is None:
        return False
    year, month, day = int(parts[1]), parts[2], int(parts[3])
    if month == "02":
        return day <= 28 + (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))
    return day <= 30 or month not in _SHORT_MONTHS
