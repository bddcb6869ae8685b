"""Syncs of a computation: how one stands, what it counted, and the changes that it makes."""

from enum import StrEnum
from typing import Literal

import msgspec

Trigger = Literal["request", "schedule"]


class SyncState(StrEnum):
    """Where a sync stands. Only `sending` and `finished` ones have changed the members."""

    READING = "reading"
    SENDING = "sending"  # the difference is decided, and goes out whatever happens
    FINISHED = "finished"  # the door has every change of it
    REFUSED = "refused"  # nothing was changed: the source was empty, or too many would leave
    FAILED = "failed"  # nothing was changed: the source could not be read to its end
    INTERRUPTED = "interrupted"  # nothing was changed: the process died while it was reading


RUNNING = frozenset({SyncState.READING, SyncState.SENDING})


class Counts(msgspec.Struct, frozen=True):
    """What a sync counted.

    `read` rows; of these `refused` were not used (the `anonymous` and the `conflicting` among them: rows that give a
    user another value than an earlier row), and `duplicates` said of a user what an earlier row had said. A row counts
    once, however many users it has, also where some of them are new and are used. Then the users: `entered`, `left`,
    `changed` (another value) and `unchanged`; `members_before` were there.
    """

    read: int = 0
    refused: int = 0
    anonymous: int = 0
    conflicting: int = 0
    duplicates: int = 0
    entered: int = 0
    left: int = 0
    changed: int = 0
    unchanged: int = 0
    members_before: int = 0

    @property
    def changes(self) -> int:
        """How many users a sync sends an identify for."""
        return self.entered + self.left + self.changed


class Comparison(msgspec.Struct, frozen=True):
    """What was staged beside the members: how it differs, and how many rows were `duplicates` or `conflicting`."""

    members_before: int
    users: int
    entered: int
    left: int
    changed: int
    unchanged: int
    duplicates: int
    conflicting: int


class Sync(msgspec.Struct, frozen=True):
    """One sync of a computation; `number` counts all syncs of a store, times are Unix seconds of the sandbox's clock.

    `sent` changes have gone through the door. `reason` is why it is refused or failed.
    """

    number: int
    computation: str
    state: SyncState
    trigger: Trigger
    begun_at: float
    counts: Counts = Counts()
    sent: int = 0
    decided_at: float | None = None
    ended_at: float | None = None
    reason: str = ""


class Change(msgspec.Struct, frozen=True, gc=False):
    """One identify that is to be sent: the user, and the JSON text of the value. Numbers are the order of sending.

    `sync` is 0 for a change of live membership; `at` is when it was decided (Unix seconds).
    """

    number: int
    sync: int
    user_id: str
    value: bytes
    at: float


class Live(msgspec.Struct, frozen=True):
    """What a change of live membership did."""

    entered: int = 0
    left: int = 0
    changed: int = 0
    unchanged: int = 0
