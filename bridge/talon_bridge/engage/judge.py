"""What is kept of a row: a member for each id that can be a user (ID-1) with a value of the type, else the reason."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from msgspec import UNSET

from talon_bridge import codec
from talon_bridge.engage import trait_values
from talon_bridge.engage.computations import Computation
from talon_bridge.engage.rows import Member, Refused, Row

MAX_ID: Final = 1000  # characters of an integration ID (documented)
MAX_VALUE: Final = 24 * 1024  # bytes; with more an identify might pass Segment's 32 KB for one event (documented)
EXCERPT: Final = 200  # characters
_TRUE = b"true"
_NOT_OF_TYPE: Final = {
    "string": "the value is no string",
    "number": "the value is no number",
    "boolean": "the value is neither true nor false",
    "time": "the value is no time like 2026-01-31T15:04:05Z",
    "(list string)": "the value is no list of strings, which is a JSON array",
    "(list number)": "the value is no list of numbers, which is a JSON array",
    "(list time)": "the value is no list of times, which is a JSON array of times like 2026-01-31T15:04:05Z",
}


class Judged(msgspec.Struct, frozen=True):
    """Rows, judged: the members among them, and the rows that are not used, so many of them without any id."""

    members: list[Member]
    refused: list[Refused]
    anonymous: int


class Judge:
    """Judges rows for one computation: a row counts with all its ids, or not at all.

    Of an audience's row only the ids count: who is in the source is a member, whatever value stands beside.
    """

    def __init__(self, computation: Computation) -> None:
        self._type = None if computation.kind == "audience" else computation.type

    def judge(self, rows: Sequence[Row]) -> Judged:
        """Judge these rows, in order."""
        members: list[Member] = []
        refused: list[Refused] = []
        anonymous = 0
        for row in rows:
            value = _TRUE if self._type is None else self._value(row)
            reason = row.error or _unfit(row.ids) or self._wrong_value(row, value)
            if reason or value is None:
                anonymous += not row.ids and not row.error
                excerpt = row.excerpt or ", ".join(_parts(row))
                refused.append(Refused(row.line, row.file[:EXCERPT], reason[: 2 * EXCERPT], excerpt[:EXCERPT]))
            elif len(row.ids) == 1:
                members.append(Member(row.ids[0], value, row.line, row.file))
            else:
                members += [Member(user_id, value, row.line, row.file) for user_id in dict.fromkeys(row.ids)]
        return Judged(members, refused, anonymous)

    def _value(self, row: Row) -> bytes | None:
        assert self._type is not None
        if row.value is not UNSET:
            return trait_values.from_value(row.value, self._type)
        return None if row.text is None else trait_values.from_text(row.text, self._type)

    def _wrong_value(self, row: Row, value: bytes | None) -> str:
        if value is not None:
            return "" if len(value) <= MAX_VALUE else f"the value has {len(value)} bytes; the limit is {MAX_VALUE}"
        if self._type is None or (row.text is None and row.value is UNSET):
            return "there is no value"
        return f"{_NOT_OF_TYPE[self._type]} (ATT-2)"


def _unfit(ids: Sequence[str]) -> str:
    """Why these are no user ids; empty where they are."""
    if not ids:
        return "there is no user id: only logged-in users are sent (ID-2)"
    for user_id in ids:
        if user_id in (".", ".."):
            return f"the user id {user_id!r} cannot be part of a path (ID-1)"
        if len(user_id) > MAX_ID:
            return f"the user id has {len(user_id)} characters; an integration ID has at most {MAX_ID} (ID-1)"
    return ""


def _parts(row: Row) -> Iterator[str]:
    yield from row.ids
    if row.value is not UNSET:
        yield codec.encode(row.value).decode()
    elif row.text is not None:
        yield row.text
