"""What an outbox does, whatever keeps it."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from talon_bridge.events import Accepted
from talon_bridge.explanation import Notice, TraitExplanation

DUPLICATE_WINDOW = 24 * 3600.0  # seconds in which a messageId counts once (DEL-3)
HOLD = 10.0  # seconds in which a request of a run that died may still land


class State(StrEnum):
    """Where an event stands. Everything but `waiting` is settled."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    SKIPPED = "skipped"
    DEAD = "dead"


class Replay(StrEnum):
    """How a dead letter that waits again is sent: `kept` sends nothing that a newer delivered event replaced."""

    NONE = ""
    KEPT = "kept"
    FORCED = "forced"


class Attempt(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One try at Talon.One: when it ended (Unix seconds), the status if there was an answer, what was wrong.

    `via` is empty for a request of its own, else `merged` (with other events of its profile) or `bulk` (with other
    profiles). `times`: so many in a row ended alike, while the destination was paused; `at` is the last's. `over`: the
    retry window was over then.
    """

    at: float
    status: int | None = None
    error: str = ""
    via: str = ""
    times: int = 1
    over: bool = False


class Report(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What became of an event: the notice for the whole, warnings, each trait, and the path of the request if any."""

    traits: tuple[TraitExplanation, ...] = ()
    reason: Notice | None = None
    warnings: tuple[Notice, ...] = ()
    path: str = ""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """An event in the outbox. `seq` is the order of acceptance; `report` is None while it waits.

    `mark` changes whenever the event begins to wait again; a settlement under an old mark is not recorded.
    `duplicates` counts later calls with its messageId that were left out (DEL-3), the last at `duplicate_at`.
    `earlier` is how many of `attempts` were made before the last replay: the retry window begins after them.
    `settled_at` is in Unix seconds.
    """

    seq: int
    shard: int
    mark: int
    event: Accepted
    state: State
    attempts: tuple[Attempt, ...]
    not_before: float
    report: Report | None
    duplicates: int = 0
    duplicate_at: float | None = None
    replay: Replay = Replay.NONE
    earlier: int = 0
    settled_at: float | None = None

    @property
    def last_attempt(self) -> Attempt | None:
        """The last attempt since it was accepted, or replayed."""
        return self.attempts[-1] if len(self.attempts) > self.earlier else None

    @property
    def given_up(self) -> bool:
        """Whether nothing is left but to make it a dead letter: its time was over in a request of its own."""
        last = self.last_attempt
        return last is not None and last.over and not last.via

    @property
    def key(self) -> str:
        """Whose order it keeps: its integration ID, or one of its own where it has none."""
        return self.event.user_id or f"\0{self.seq}"


class Settlement(msgspec.Struct, frozen=True, gc=False):
    """A change of one event after an attempt: a new state, or still waiting with a later `not_before`.

    `at` is when (Unix seconds); `seq`, `shard` and `mark` are the entry's.
    """

    seq: int
    shard: int
    mark: int
    state: State
    attempts: tuple[Attempt, ...]
    report: Report | None
    at: float
    not_before: float = 0.0


Cursor = tuple[int, int]  # a store's own; compare nothing with it
START: Cursor = (0, 0)


class Page(msgspec.Struct, frozen=True):
    """Waiting events in the order in which they began to wait, and per shard the place after the last of them.

    `followed` are the profiles of which a process before this one may have sent more events, merged, than are in
    `entries`: what is sent of them first must take in no less, or older values would be seen again.
    """

    entries: list[Entry]
    cursors: Mapping[int, Cursor]
    followed: frozenset[str] = frozenset()


class Lease(msgspec.Struct, frozen=True):
    """The right to deliver a shard's events, until a moment of `time.monotonic()`. Each owner has a higher fence."""

    fence: int
    until: float


class Leases(msgspec.Struct, frozen=True):
    """The shards that this process holds, how many processes deliver, and how many shards it should give up."""

    held: Mapping[int, Lease]
    workers: int = 1
    surplus: int = 0


class Selection(msgspec.Struct, frozen=True):
    """Which dead letters: all that fit every filter given. Times are Unix seconds, `status` the last answer's."""

    message_id: str | None = None
    user_id: str | None = None
    status: int | None = None
    received_from: float | None = None
    received_until: float | None = None
    settled_until: float | None = None


class Retention(msgspec.Struct, frozen=True):
    """How long settled events stay: at most so many seconds, and bytes for all; dead letters stay for good."""

    age: float
    size: int


class OutboxUnavailable(Exception):
    """The outbox could not write (disk full, say). Nothing of the call was stored."""


class Outbox(Protocol):
    """Durable, ordered, deduplicating. Every method returns only after the disk has it (where there is a disk).

    Every method but `open` and `close` raises `OutboxUnavailable` when the store cannot do it now.
    """

    lease_every: float | None
    """Seconds after which `lease` must be called again; None: once is enough."""

    async def open(self) -> None:
        """Make ready; raises `SettingsError` when the place is unusable or another process has it."""

    async def close(self) -> None:
        """Finish what was begun and let go."""

    def subscribe(self, news: Callable[[], None]) -> None:
        """Have `news` called in the event loop whenever more events may wait."""

    async def append(self, events: Sequence[Accepted]) -> int:
        """Store all of `events` or none, and say how many.

        Those whose messageId came within 24 hours, or twice in `events`, are counted as duplicates of the first and
        left out (DEL-3).
        """

    async def lease(self) -> Leases:
        """Renew what this process holds, and take what is free, up to a fair share."""

    async def release(self, shards: Sequence[int]) -> None:
        """Give shards up. Nothing of them may be in flight."""

    async def feed(self, after: Mapping[int, Cursor], limit: int) -> Page:
        """Waiting events of these shards, behind the cursors, about `limit` of them; none that must not be sent yet
        because a request for it, by a process that died, may still land.
        """

    async def queue(self, key: str, after: int, limit: int) -> list[Entry]:
        """The oldest waiting events of one profile whose seq is above `after`, in the order of acceptance."""

    async def newer(self, key: str, after: int, limit: int) -> list[tuple[int, Report]]:
        """The oldest delivered events of a profile that were accepted after seq `after`: their seqs and reports."""

    async def settle(self, settlements: Sequence[Settlement]) -> frozenset[int]:
        """Record what became of events; gives back the seqs of those that were not recorded.

        That is so when the event began to wait again meanwhile, or when its shard has got another owner: what this
        one sent may then have landed after newer values, so the profile's events wait again from that one on.
        """

    async def find(self, message_id: str) -> Entry | None:
        """The latest event with this messageId."""

    async def recent(
        self, limit: int, state: State | None = None, user_id: str | None = None, before: int | None = None
    ) -> list[Entry]:
        """The newest events first, at most `limit`, of those with a seq below `before`."""

    async def counts(self) -> Mapping[State, int]:
        """How many events are in each state."""

    async def oldest(self) -> float | None:
        """When the longest waiting event was received (Unix seconds), or None."""

    async def dead_letters(self, which: Selection, after: int, limit: int) -> list[Entry]:
        """The oldest dead letters that fit, of those with a seq above `after`."""

    async def count_dead_letters(self, which: Selection) -> int:
        """How many dead letters fit."""

    async def replay(self, which: Selection, how: Replay, limit: int) -> int:
        """Let the oldest dead letters that fit wait again, at most `limit`; says how many.

        Their attempts stay, and count as earlier ones.
        """

    async def discard(self, which: Selection, limit: int) -> int:
        """Delete the oldest dead letters that fit, at most `limit`; says how many."""

    async def prune(self, now: float, retention: Retention) -> int:
        """Delete some of the settled events that may go, oldest first; says how many.

        Delivered events that are newer than a dead letter of their profile stay: they say what a replay of it must
        not overwrite. The messageIds of the last 24 hours are remembered whatever goes.
        """
