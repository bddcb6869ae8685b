"""What a store of Engage does, whatever keeps it: definitions, members, syncs, and the changes that wait to be sent."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from talon_bridge.engage.computations import Computation
from talon_bridge.engage.rows import Member, Refused
from talon_bridge.engage.syncs import Change, Comparison, Counts, Live, Sync, SyncState, Trigger


class StoreUnavailable(Exception):
    """The store cannot be used now; the message says why. What it said before is kept."""


class SyncRunning(Exception):
    """Another sync of the computation is under way, here or in another process; `sync` is that one."""

    def __init__(self, sync: Sync) -> None:
        super().__init__(f"sync {sync.number} of {sync.computation} is {sync.state}")
        self.sync = sync


class Store(Protocol):
    """Everything durable of Engage. All methods raise `StoreUnavailable`; `begin` and `change` also without definition.

    The members of a computation are those of the last sync that was decided, changed by what came live since. Whatever
    changes them puts its changes into one queue for each computation, in the same transaction: the queue is what is
    still to be sent, in order, and survives everything. What is staged for a sync is not durable, and is gone with the
    process.
    """

    @property
    def token(self) -> str:
        """A random text made with the store, which makes the messageIds of its changes its own."""
        ...

    @property
    def shared(self) -> bool:
        """Whether other processes may use it at the same time: then one may have to go on where another one died."""
        ...

    async def open(self) -> None:
        """Open it; syncs that a dead process was reading become `interrupted`. Raises `SettingsError`."""
        ...

    async def close(self) -> None:
        """Let go of it; what is staged is gone."""
        ...

    async def computations(self) -> list[Computation]:
        """Every computation that was ever defined and not forgotten, in the order of definition."""
        ...

    async def define(self, computation: Computation) -> None:
        """Keep a definition under its id, in place of an earlier one."""
        ...

    async def forget(self, computation: str) -> bool:
        """Drop a definition, its members, syncs and queue; False where there is none.

        Raises `SyncRunning` while a sync of it is reading. One that is sending goes with its queue: what the door has
        not taken is never sent.
        """
        ...

    async def begin(self, computation: str, trigger: Trigger, now: float) -> Sync:
        """A new sync, reading. Raises `SyncRunning` while another one of the computation is reading or sending.

        A sync that is marked as reading, but whose process is gone, becomes `interrupted` and is in nobody's way. The
        newest `SYNCS_KEPT` syncs of a computation are kept, and the refused rows of the newest `REFUSED_KEPT`.
        """
        ...

    async def stage(self, sync: Sync, members: Sequence[Member], refused: Sequence[Refused]) -> None:
        """Add rows in the order of the source; `refused` ones are kept for `refused()` (the first `MAX_REFUSED`)."""
        ...

    async def compare(self, sync: Sync, leaves: bool) -> Comparison:
        """Compare what was staged with the members, once, after the last `stage`.

        Of several rows of one user the first counts; a later one with the same value is a duplicate, with another
        value it is conflicting and added to the refused ones. The users of one row stand in the same line of a file,
        and the row counts once, as conflicting where it is that for any of them; members without a line (0) are rows of
        their own. Without `leaves` nobody leaves: members who were not staged stay as they are, and are not among the
        `unchanged`.
        """
        ...

    async def decide(self, sync: Sync, counts: Counts, leaving: bytes | None, now: float) -> Sync:
        """Make what was compared the members, and queue the changes, in one transaction.

        Members who were not staged leave with the value `leaving`; with None they stay. Users who entered or changed
        come first, then those who leave, both by user id. A sync without changes is finished at once, others are
        sending. Members may have changed live since they were compared: the sync that is returned counts what it came
        to. Raises `StoreUnavailable` where the sync is not reading any more.
        """
        ...

    async def end(self, sync: Sync, state: SyncState, counts: Counts, reason: str, now: float) -> Sync:
        """End a sync that is reading, without changing anything: refused or failed. What was staged is gone.

        One that is not reading any more stays as it is, and is returned.
        """
        ...

    async def change(
        self, computation: str, present: Mapping[str, bytes], gone: Sequence[str], leaving: bytes, now: float
    ) -> Live:
        """Change live membership, in one transaction: users with their JSON values, and users who leave.

        Only what differs from the members is queued; `leaving` is what leavers are sent.
        """
        ...

    async def queue(self, computation: str, limit: int) -> list[Change]:
        """The first changes that are still to be sent."""
        ...

    async def taken(self, computation: str, upto: int, now: float) -> None:
        """Drop the changes up to a number from the queue: the door has them.

        Their syncs count them as sent; one without further changes is finished.
        """
        ...

    async def queued(self) -> Mapping[str, int]:
        """How many changes wait, for each computation that has any."""
        ...

    async def claim(self, computation: str) -> bool:
        """Whether this process may send the computation's changes: one at a time may, until it lets go or dies.

        Ask again before each portion: where a connection is lost, its claims are lost too; and so they are where the
        computation was forgotten, even if it is defined again. An id of no computation can be claimed just so.
        """
        ...

    async def let_go(self, computation: str) -> None:
        """Give a claim back."""
        ...

    async def sync(self, computation: str, number: int) -> Sync | None:
        """One sync of a computation."""
        ...

    async def syncs(self, computation: str, limit: int, before: int | None = None) -> list[Sync]:
        """The newest syncs of a computation, before a number."""
        ...

    async def refused(self, sync: int, after: int, limit: int) -> list[tuple[int, Refused]]:
        """Refused rows of a sync in order, after a place among them; each with its place."""
        ...

    async def members(self, computation: str, after: str | None, limit: int) -> list[Member]:
        """Members by user id (by code point), after one."""
        ...

    async def count(self, computation: str) -> int:
        """How many members there are."""
        ...


MAX_REFUSED = 100_000  # refused rows that are kept of one sync; all are counted
SYNCS_KEPT = 1000  # of a computation, the newest
REFUSED_KEPT = 10  # syncs of a computation whose refused rows are kept, the newest
