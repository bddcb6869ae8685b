"""Talon.One's attribute types: which JSON values each accepts (ATT-2).

The documentation says only that a value must match the type, and shows a boolean refused for a string; strictness for
the other types is inferred from it (assumed). An attribute of a list type holds strings, numbers, times or locations.
"""

import re
from decimal import Decimal
from typing import Final

from talon_contracts.exact_json import Json

SCALAR_TYPES: Final = ("string", "number", "boolean", "time", "location")
LIST_TYPES: Final = ("(list string)", "(list number)", "(list time)", "(list location)")
ATTRIBUTE_TYPES: Final = SCALAR_TYPES + LIST_TYPES

_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]+)?"
    r"(?:Z|[+-]([0-9]{2}):([0-9]{2}))"
)
_COORDINATES = re.compile(r" *-?[0-9]+(?:\.[0-9]+)? *, *-?[0-9]+(?:\.[0-9]+)? *")
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def accepts_value(attribute_type: str, value: Json) -> bool:
    """Whether an attribute of that type takes the value; null is not a value here (it deletes, ATT-4).

    Raises ValueError for a type that Talon.One does not have.
    """
    if attribute_type in LIST_TYPES:
        item_type = attribute_type.removeprefix("(list ").removesuffix(")")
        return isinstance(value, list) and all(accepts_value(item_type, item) for item in value)
    if attribute_type == "string":
        return isinstance(value, str)
    if attribute_type == "number":
        return isinstance(value, int | Decimal) and not isinstance(value, bool)
    if attribute_type == "boolean":
        return isinstance(value, bool)
    if attribute_type == "time":
        return isinstance(value, str) and _is_time(value)
    if attribute_type == "location":
        return isinstance(value, dict) and _is_location(value)
    raise ValueError(f"Talon.One has no attribute type {attribute_type!r}")


def _is_time(text: str) -> bool:
    """RFC 3339 as Go reads it: capital T and Z, a day that exists, no leap second, any number of fraction digits."""
    match = _TIME.fullmatch(text)
    if match is None:
        return False
    year, month, day, hour, minute, second = (int(match[group]) for group in range(1, 7))
    offset_hour, offset_minute = int(match[7] or "0"), int(match[8] or "0")
    if not 1 <= month <= 12 or hour > 23 or minute > 59 or second > 59 or offset_hour > 23 or offset_minute > 59:
        return False
    leap_day = 1 if month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 0
    return 1 <= day <= _DAYS[month - 1] + leap_day


def _is_location(value: dict[str, Json]) -> bool:
    """The one form seen in Talon.One's own client code: `{"format": "point", "object": "5, 7.2"}` (observed)."""
    coordinates = value.get("object")
    return (
        value.keys() == {"format", "object"}
        and value.get("format") == "point"
        and isinstance(coordinates, str)
        and _COORDINATES.fullmatch(coordinates) is not None
    )
