"""What an outbox does, whatever keeps it."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from talon_bridge.events import Accepted
from talon_bridge.explanation import Notice, TraitExplanation


class State(StrEnum):
    """Where an event stands. Everything but `waiting` is settled."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    SKIPPED = "skipped"
    DEAD = "dead"


class Attempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """One try at Talon.One: when it ended (Unix seconds), the status if there was an answer, what was wrong."""

    at: float
    status: int | None = None
    error: str = ""


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of an event: the notice for the whole, warnings, each trait, and the path of the request if any."""

    traits: tuple[TraitExplanation, ...] = ()
    reason: Notice | None = None
    warnings: tuple[Notice, ...] = ()
    path: str = ""


class Entry(msgspec.Struct, frozen=True):
    """An event in the outbox. `seq` is the order of acceptance; `report` is None while it waits.

    `duplicates` counts later calls with its messageId that were left out (DEL-3), the last at `duplicate_at`.
    """

    seq: int
    event: Accepted
    state: State
    attempts: tuple[Attempt, ...]
    not_before: float
    report: Report | None
    duplicates: int = 0
    duplicate_at: float | None = None


class Waiting(msgspec.Struct, frozen=True):
    """An unsettled event as the scheduler sees it: its place in the order, its profile, its earliest time."""

    seq: int
    key: str
    not_before: float


class Settlement(msgspec.Struct, frozen=True):
    """A change of one event after an attempt: a new state, or still waiting with a later `not_before`."""

    seq: int
    state: State
    attempts: tuple[Attempt, ...]
    report: Report | None
    not_before: float = 0.0


class OutboxUnavailable(Exception):
    """The outbox could not write (disk full, say). Nothing of the call was stored."""


class Outbox(Protocol):
    """Durable, ordered, deduplicating. Every method returns only after the disk has it (where there is a disk)."""

    async def open(self) -> None:
        """Make ready; raises `SettingsError` when the place is unusable or another process has it."""

    async def close(self) -> None:
        """Finish what was begun and let go."""

    async def append(self, events: Sequence[Accepted]) -> list[Waiting]:
        """Store all of `events` or none; those whose messageId came within 24 hours are left out (DEL-3)."""

    async def waiting(self) -> list[Waiting]:
        """Everything unsettled, in the order of acceptance."""

    async def entry(self, seq: int) -> Entry:
        """One event by its place."""

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Record what became of events."""

    async def find(self, message_id: str) -> Entry | None:
        """The latest event with this messageId."""

    async def recent(self, limit: int, state: State | None = None, user_id: str | None = None) -> list[Entry]:
        """The newest events first, at most `limit`."""

    async def counts(self) -> Mapping[State, int]:
        """How many events are in each state."""
