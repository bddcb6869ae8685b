"""The query string of a request, decoded strictly."""

import re
from datetime import datetime
from urllib.parse import parse_qsl

from talon_emulator import errors
from talon_emulator.errors import Refusal
from talon_emulator.values import is_time

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
# What Go's strconv.ParseBool takes; that the real service uses it is assumed.
_BOOLEANS = dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True) | dict.fromkeys(
    ("0", "f", "F", "FALSE", "false", "False"), False
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_OFFSET = re.compile(r"(?<=[0-9])([+-][0-9]{2})([0-9]{2})\Z", re.ASCII)
_INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)

Query = dict[str, str]


def parse(raw: bytes) -> Query | Refusal:
    """Decode a query string; of a parameter given twice the first one counts, as in Go."""
    if not raw:
        return {}
    if _BAD_ESCAPE.search(raw):
        return errors.bad_query("it has a % that is not followed by two hexadecimal digits")
    try:
        pairs = parse_qsl(raw.decode("utf-8"), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        return errors.bad_query("it is not UTF-8")
    query: Query = {}
    for name, value in pairs:
        query.setdefault(name, value)
    return query


def boolean(query: Query, name: str, default: bool = False) -> bool | Refusal:
    """Read a boolean parameter."""
    value = query.get(name)
    if value is None:
        return default
    if value not in _BOOLEANS:
        return errors.bad_parameter(name, f"{name} must be true or false")
    return _BOOLEANS[value]


def integer(query: Query, name: str, default: int, least: int, most: int) -> int | Refusal:
    """Read an integer parameter between two bounds, both included."""
    value = query.get(name)
    if value is None:
        return default
    if not _INTEGER.fullmatch(value) or not least <= int(value) <= most:
        return errors.bad_parameter(name, f"{name} must be an integer from {least} to {most}")
    return int(value)


def moment(query: Query, name: str) -> datetime | Refusal:
    """Read a parameter that is a time and has to be there."""
    found = optional_moment(query, name)
    return errors.bad_parameter(name, f"{name} is required") if found is None else found


def optional_moment(query: Query, name: str) -> datetime | Refusal | None:
    """Read a parameter that is a time, RFC 3339 or its date alone, which is then its midnight in UTC (documented).

    The vendor's SDK writes the offset without its colon, which must be taken too (observed).
    """
    value = query.get(name)
    if value is None:
        return None
    if _DATE.fullmatch(value):
        value += "T00:00:00Z"
    value = _OFFSET.sub(r"\1:\2", value)
    try:
        if not is_time(value):
            raise ValueError
        return datetime.fromisoformat(value)
    except ValueError:
        return errors.bad_parameter(name, f"{name} must be a time as in RFC 3339")
