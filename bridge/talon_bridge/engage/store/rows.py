"""Engage's values as rows of a store, whatever keeps them."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from talon_bridge.engage.computations import Computation
from talon_bridge.engage.rows import Refused
from talon_bridge.engage.syncs import Comparison, Counts, Sync, SyncState

COLUMNS: Final = "number, id, state, trigger, begun_at, counts, sent, decided_at, ended_at, reason"
EXCERPT: Final = 100  # characters
_TRUE: Final = b"true"
_DEFINITION = msgspec.json.Decoder(Computation)
_COUNTS = msgspec.json.Decoder(Counts)


def sync(row: Sequence[Any]) -> Sync:
    """The sync of a row with `COLUMNS`."""
    number, computation, state, trigger, begun_at, counts, sent, decided_at, ended_at, reason = row
    kept = _COUNTS.decode(counts)
    return Sync(number, computation, SyncState(state), trigger, begun_at, kept, sent, decided_at, ended_at, reason)


def computation(definition: bytes) -> Computation:
    """The computation that was kept as JSON."""
    return _DEFINITION.decode(definition)


def kept(value: bytes) -> bytes | None:
    """A value as it is kept: None for `true`, which is what every member of an audience has."""
    return None if value == _TRUE else value


def value(kept: bytes | None) -> bytes:
    """The value that was kept."""
    return _TRUE if kept is None else kept


def text(given: str) -> str:
    """A text for people, without what is none (half of a surrogate pair, as in a file name that is not UTF-8)."""
    return given if given.isascii() else given.encode("utf-8", "replace").decode()


def conflicting(line: int, file: str, user_id: str, kept: bytes | None) -> Refused:
    """The refusal of a row whose user has another value in an earlier one."""
    reason = "the user has another value in an earlier row, which counts"
    return Refused(line, file, reason, f"{user_id}, {value(kept).decode('utf-8', 'replace')}"[:EXCERPT])


def decided(counts: Counts, comparison: Comparison) -> Counts:
    """The counts of a sync with what it came to: members may have changed since it was compared."""
    return msgspec.structs.replace(
        counts,
        entered=comparison.entered,
        left=comparison.left,
        changed=comparison.changed,
        unchanged=comparison.unchanged,
        members_before=comparison.members_before,
    )
