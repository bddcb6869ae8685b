"""Memberships: what each sync and each live change must make of them, written slowly and obviously (AUD-4 to AUD-6).

It shares no code with anything it judges. Members are users with their values: true in an audience.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from talon_contracts.exact_json import Json, same_json
from talon_contracts.oracle import LONGEST_INTEGRATION_ID
from talon_contracts.value_types import accepts_value

Members: TypeAlias = Mapping[str, Json]
Sent: TypeAlias = dict[str, Json]
"""Users who must be sent one identify each, and the value in it."""

COUNTED: Final = (
    "read",
    "refused",
    "anonymous",
    "conflicting",
    "duplicates",
    "entered",
    "left",
    "changed",
    "unchanged",
    "membersBefore",
)


@dataclass(frozen=True, slots=True)
class Kind:
    """An audience, or a computed trait with values of a type, which nullifies or does not."""

    type: str = "boolean"
    audience: bool = True
    nullify: bool = False

    @property
    def rule(self) -> str:
        """The rule of its syncs."""
        return "AUD-5" if self.audience else "AUD-6"

    @property
    def leave(self) -> bool:
        """Whether users leave who are missing from a source."""
        return self.audience or self.nullify


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a source: its user ids, none in an anonymous one, and its value; or it is no row at all."""

    ids: tuple[str, ...] = ()
    value: Json = True
    unreadable: bool = False


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync must come to: the members after it, who is sent, what is counted, and the places of refused rows.

    Places are numbers of rows, from 1.
    """

    members: Members
    sent: Sent
    counts: Mapping[str, int]
    refused: tuple[int, ...]


def synced(before: Members, rows: Sequence[Row], kind: Kind) -> Synced:
    """The sync of a whole source, where nothing keeps it from being carried out."""
    present: dict[str, Json] = {}
    refused: list[int] = []
    counts = dict.fromkeys(COUNTED, 0)
    for place, row in enumerate(rows, 1):
        if not row.ids and not row.unreadable:
            counts["anonymous"] += 1
        if row.unreadable or not row.ids or not _usable(row, kind):
            refused.append(place)
            continue
        earlier = [present[user] for user in row.ids if user in present]
        present |= {user: row.value for user in row.ids if user not in present}
        if not all(same_json(value, row.value) for value in earlier):
            counts["conflicting"] += 1
            refused.append(place)
        elif earlier:
            counts["duplicates"] += 1
    members, sent = dict(present), dict[str, Json]()
    for user, value in present.items():
        _come(user, value, before, sent, counts)
    for user, value in before.items():
        if user not in present and kind.leave:
            sent[user] = left(kind)
            counts["left"] += 1
        elif user not in present:
            members[user] = value
    counts |= {"read": len(rows), "refused": len(refused), "membersBefore": len(before)}
    return Synced(members, sent, counts, tuple(refused))


def refusal(
    wanted: Synced, *, allow_empty: bool, force: bool, max_leaving: float
) -> Literal["empty_source", "too_many_leave"] | None:
    """Why a sync must be refused, with nothing changed and nothing sent.

    A source that is empty, and may be, needs no further word; one whose rows were all refused does.
    """
    counts = wanted.counts
    there = counts["membersBefore"]
    if not allow_empty and counts["entered"] + counts["changed"] + counts["unchanged"] == 0:
        return "empty_source"
    if not force and counts["read"] and there and counts["left"] / there > max_leaving:
        return "too_many_leave"
    return None


def changed(before: Members, present: Members, gone: Iterable[str], kind: Kind) -> Synced:
    """A live change: users who come, or have another value now, and users who leave."""
    counts = dict.fromkeys(("entered", "left", "changed", "unchanged"), 0)
    members, sent = {**before, **present}, dict[str, Json]()
    for user, value in present.items():
        _come(user, value, before, sent, counts)
    for user in gone:
        if user in before:
            del members[user]
            sent[user] = left(kind)
            counts["left"] += 1
    return Synced(members, sent, counts, ())


def left(kind: Kind) -> Json:
    """What a user who leaves is sent: false, or null for a computed trait (AUD-4, AUD-6)."""
    return False if kind.audience else None


def _come(user: str, value: Json, before: Members, sent: Sent, counts: dict[str, int]) -> None:
    """Count a user who is there now, and send what is new."""
    if user not in before:
        counts["entered"] += 1
    elif not same_json(before[user], value):
        counts["changed"] += 1
    else:
        counts["unchanged"] += 1
        return
    sent[user] = value


def _usable(row: Row, kind: Kind) -> bool:
    """Whether the ids can be sent (ID-1), and the value is one of the type or null (ATT-2)."""
    if any(user in (".", "..") or len(user) > LONGEST_INTEGRATION_ID for user in row.ids):
        return False
    return row.value is None or accepts_value(kind.type, row.value)
