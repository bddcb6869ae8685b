"""Events as rows of PostgreSQL: texts as bytes, since its own hold no NUL; profiles by a digest; shards by a hash."""

import zlib
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from talon_bridge.events import Accepted
from talon_bridge.outbox.protocol import Entry, Selection, Settlement
from talon_bridge.outbox.rows import entry, settled

SHARDS = 64
_TEXTS = (2, 3, 4)  # of `COLUMNS`: message_id, type, user_id
_SETTLED = ("seq", "mark", "state", "attempts", "not_before", "report", "status", "settled_at")


class Row(NamedTuple):
    """A new event, in the order of the parameters of `append`."""

    shard: int
    message_id: bytes
    type: bytes
    profile: bytes | None
    user_id: bytes | None
    body: bytes
    settings: bytes | None
    received_at: float
    timestamp: str


def row(event: Accepted) -> Row:
    """The row of a new event; raises `UnicodeEncodeError` for what is no text."""
    message_id = event.message_id.encode()
    user_id = None if event.user_id is None else event.user_id.encode()
    return Row(
        zlib.crc32(message_id if user_id is None else user_id) % SHARDS,
        message_id,
        event.type.encode(),
        None if event.user_id is None else profile(event.user_id),
        user_id,
        event.body,
        event.settings,
        event.received_at,
        event.timestamp,
    )


def profile(user_id: str) -> bytes:
    """What a profile is found by: a user id may be longer than an entry of an index."""
    return blake2b(user_id.encode(), digest_size=16).digest()


def read(found: Iterable[Any]) -> list[Entry]:
    """The events of rows that hold the shard and then `COLUMNS`."""
    entries = []
    for record in found:
        shard, *values = record
        for place in _TEXTS:
            values[place] = values[place] and values[place].decode()
        entries.append(entry(values, shard))
    return entries


def columns(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    """The columns of rows, as `unnest` takes them."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def changes(settlements: Sequence[Settlement]) -> list[list[Any]]:
    """Settlements as the parameters of `settle`."""
    rows = []
    for settlement in settlements:
        changed = settled(settlement)
        seq, mark, state, attempts, *rest = (changed[name] for name in _SETTLED)
        rows.append((seq, mark, state, attempts, len(settlement.attempts), *rest))
    return columns(rows, 9)


def filters(which: Selection) -> tuple[Any, ...]:
    """A selection as the parameters of `fits`."""
    return (
        None if which.message_id is None else which.message_id.encode(),
        None if which.user_id is None else profile(which.user_id),
        which.status,
        which.received_from,
        which.received_until,
        which.settled_until,
    )
