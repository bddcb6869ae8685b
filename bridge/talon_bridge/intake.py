"""Keeps the scheduler supplied: the shards that this process holds, and their waiting events."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice

from talon_bridge.outbox.protocol import START, Cursor, Entry, Lease, Leases, Outbox, OutboxUnavailable
from talon_bridge.scheduler import QUEUED_AT_MOST, Scheduler

log = logging.getLogger(__name__)

FED_AT_ONCE = 1000
REFILLED_AT_ONCE = 20  # profiles
RETRY = 1.0  # seconds before an outbox that failed is asked again
LONGEST_SLEEP = 900.0  # seconds; no stored time is waited for longer, whatever the wall clock says


class Intake:
    """Reads events behind a cursor per shard while there is room, and again those of profiles that were unloaded.

    `sift` settles those that need no delivery and gives back the rest; `supplied` is called whenever a profile may
    have become ready. `clock` gives Unix seconds.
    """

    def __init__(
        self,
        outbox: Outbox,
        scheduler: Scheduler,
        sift: Callable[[list[Entry]], Awaitable[list[Entry]]],
        supplied: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._outbox = outbox
        self._scheduler = scheduler
        self._sift = sift
        self._supplied = supplied
        self._clock = clock
        self._cursors: dict[int, Cursor] = {}
        self._news = asyncio.Event()
        self._settled: set[tuple[int, int]] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._more_to_read = False
        self.leases = Leases({})
        self.in_flight_of: Callable[[int], bool] = lambda shard: False

    async def start(self) -> None:
        """Begin; raises `OutboxUnavailable` when not even the first lease can be had."""
        self._outbox.subscribe(self._news.set)
        await self._lease()
        self._tasks = [asyncio.create_task(self._feed(), name="feed")]
        if self._outbox.lease_every is not None:
            self._tasks.append(asyncio.create_task(self._keep_leases(self._outbox.lease_every), name="leases"))

    async def stop(self) -> None:
        """Supply nothing more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def lease_of(self, shard: int) -> Lease | None:
        """The lease of a shard, if this process has one that counts."""
        return self.leases.held.get(shard) if shard in self._cursors else None

    def settled(self, entries: Sequence[Entry]) -> None:
        """Events were settled: a page that was read before must not bring them back."""
        self._settled.update((entry.seq, entry.mark) for entry in entries)

    def room(self) -> None:
        """There may be room for more, or profiles to be read again."""
        self._news.set()

    def more_to_come(self, in_flight: bool) -> bool:
        """Whether more profiles become ready by reading on; what is in flight will make room for them."""
        if not self._more_to_read and not self._scheduler.hungry:
            return False
        return in_flight or (self._scheduler.room > 0 if self._more_to_read else not self._scheduler.full)

    async def _feed(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self._refill()
                await self._read_on()
            except Exception as error:  # whatever it is, events go on to be read
                _warn("the outbox cannot be read", "feed_failed", error)
                self._more_to_read = False
                self._supplied()
                await asyncio.sleep(RETRY)
                self._news.set()

    async def _refill(self) -> None:
        """Read again the events of profiles that were unloaded."""
        hungry = self._scheduler.hungry
        while hungry and not self._scheduler.full:
            some = list(islice(hungry, REFILLED_AT_ONCE))
            asked = (self._outbox.queue(profile.key, profile.base, QUEUED_AT_MOST) for profile in some)
            for profile, entries in zip(some, await asyncio.gather(*asked), strict=True):
                if hungry and hungry[0] is profile:  # else its shard was dropped meanwhile
                    hungry.popleft()
                    self._scheduler.fill(profile, entries, time.monotonic(), self._clock(), LONGEST_SLEEP)
            self._supplied()

    async def _read_on(self) -> None:
        room = self._scheduler.room
        if not room or not self._cursors:
            return
        if self._scheduler.look_again_at <= time.monotonic():
            self._scheduler.look_again(time.monotonic())
            self._cursors = dict.fromkeys(self._cursors, START)
        self._settled.clear()
        asked = dict(self._cursors)
        fences = {shard: self.leases.held[shard].fence for shard in asked}
        limit = min(room, FED_AT_ONCE)
        page = await self._outbox.feed(asked, limit)
        self._more_to_read = len(page.entries) >= limit
        ours = await self._sift([entry for entry in page.entries if entry.shard in self._cursors])
        # Meanwhile a shard may have been lost, given up, or begun anew: what was read of it counts for nothing.
        current = {
            shard
            for shard, fence in fences.items()
            if self._cursors.get(shard) == asked[shard] and self.leases.held[shard].fence == fence
        }
        fresh = [entry for entry in ours if entry.shard in current and (entry.seq, entry.mark) not in self._settled]
        self._scheduler.add(fresh, time.monotonic(), self._clock(), LONGEST_SLEEP, page.followed)
        read_on = {shard: cursor for shard, cursor in page.cursors.items() if shard in current}
        if any(self._cursors[shard] != cursor for shard, cursor in read_on.items()):
            self._cursors.update(read_on)
            self._news.set()
        elif current == set(self._cursors):
            self._scheduler.all_read()
        self._supplied()  # also where there was nothing more: who waits for more goes now

    async def _keep_leases(self, every: float) -> None:
        while True:
            await asyncio.sleep(every)
            try:
                await self._lease()
            except Exception as error:  # whatever it is, leases go on to be renewed
                _warn("leases cannot be renewed", "lease_failed", error)

    async def _lease(self) -> None:
        """Renew leases; forget the events of lost shards, begin to read those of new ones, give up surplus ones."""
        before = self.leases
        leases = await self._outbox.lease()
        held = before.held
        kept = {shard for shard, lease in leases.held.items() if shard in held and held[shard].fence == lease.fence}
        for shard in set(self._cursors) - kept:
            del self._cursors[shard]
            self._scheduler.drop(shard)
        self.leases = leases
        given_up = set(sorted(kept)[: leases.surplus]) if leases.surplus else set()
        for shard in given_up & set(self._cursors):
            del self._cursors[shard]
            self._scheduler.drop(shard)
        free = [shard for shard in given_up if not self.in_flight_of(shard)]
        if free:
            await self._outbox.release(free)
            self.leases = Leases(
                {shard: lease for shard, lease in leases.held.items() if shard not in free}, leases.workers, 0
            )
        for shard in set(self.leases.held) - set(self._cursors) - given_up:
            if not self.in_flight_of(shard):
                self._cursors[shard] = START
        self._news.set()
        self._supplied()


def _warn(what: str, action: str, error: Exception) -> None:
    """Say what failed; with a traceback where it is a bug of ours and not the store."""
    log.warning("%s: %s", what, error, exc_info=not isinstance(error, OutboxUnavailable), extra={"action": action})
