"""The nine attribute types: which JSON values each takes, without any coercion (ATT-2).

That a value must match its attribute's type, and that `false` is refused for a string, is documented. That digits in
quotes are no number, and 0 and 1 no booleans, is documented for query parameters and assumed for bodies.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, TypeAlias

Check: TypeAlias = Callable[[Any], bool]

_HOURS = r"(?:[01][0-9]|2[0-3])"
_TIME = re.compile(
    r"([0-9]{4})-(0[1-9]|1[0-2])-([0-9]{2})"
    rf"T{_HOURS}:[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?(?:Z|[+-]{_HOURS}:[0-5][0-9])",
    re.ASCII,
)
_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?"
_POINT = re.compile(rf" *{_NUMBER} *, *{_NUMBER} *", re.ASCII)
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def is_string(value: Any) -> bool:
    """Take any string, the empty one included (observed)."""
    return type(value) is str


def is_number(value: Any) -> bool:
    """Take numbers; a boolean is none."""
    return type(value) is int or type(value) is Decimal


def is_boolean(value: Any) -> bool:
    """Take true and false."""
    return type(value) is bool


def is_time(value: Any) -> bool:
    """Take RFC 3339 as strictly as Go does: `T`, `Z` or an offset, a real date, no leap second (assumed)."""
    if type(value) is not str:
        return False
    parts = _TIME.fullmatch(value)
    if parts is None:
        return False
    year, month, day = parts.groups()
    return 1 <= int(day) <= _days(int(year), int(month))


def is_location(value: Any) -> bool:
    """Take `{"format": "point", "object": "5, 7.2"}` (observed in the vendor's accelerator).

    assumption: location-order
    """
    if type(value) is not dict or value.keys() != {"format", "object"}:
        return False
    point = value["object"]
    return value["format"] == "point" and type(point) is str and _POINT.fullmatch(point) is not None


def _list_of(check: Check) -> Check:
    return lambda value: type(value) is list and all(map(check, value))


CHECKS: Final[dict[str, Check]] = {
    "string": is_string,
    "number": is_number,
    "boolean": is_boolean,
    "time": is_time,
    "(list string)": _list_of(is_string),
    "(list number)": _list_of(is_number),
    "(list time)": _list_of(is_time),
    "location": is_location,
    "(list location)": _list_of(is_location),
}

LONGEST_SHOWN: Final = 200  # characters

# A value of exactly this Python type needs no check.
PLAIN: Final[dict[str, type]] = {"string": str, "number": int, "boolean": bool}

NOUNS: Final[dict[str, str]] = {
    "string": "a string",
    "number": "a number",
    "boolean": "a boolean",
    "time": "a time",
    "(list string)": "a list of strings",
    "(list number)": "a list of numbers",
    "(list time)": "a list of times",
    "location": "a location",
    "(list location)": "a list of locations",
}


def show(value: Any) -> str:
    """Print a JSON value as `text_of` does, but no more of it than fits a message."""
    text = text_of(value)
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "..."


def text_of(value: Any) -> str:
    """Print a JSON value the way Go's `%v` does (documented for `false`), numbers digit for digit."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + " ".join(map(text_of, value)) + "]"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{text_of(value[key])}" for key in sorted(value)) + "]"
    return str(value)


def _days(year: int, month: int) -> int:
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return _DAYS[month - 1] + leap
