"""The record of what became of events: written however long the outbox refuses; only then their profiles go on."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from talon_bridge.intake import LONGEST_SLEEP, Intake
from talon_bridge.outbox.protocol import Outbox, OutboxUnavailable, Settlement, State
from talon_bridge.parcel import Parcel
from talon_bridge.scheduler import Scheduler
from talon_bridge.tally import Tally

log = logging.getLogger(__name__)

OUTBOX_RETRY = 1.0  # seconds before a settlement is written again (the request is not sent again)


class Recorder:
    """Settles events in the outbox and counts them. `clock` gives Unix seconds.

    `settled` is set whenever something was settled. With `giving_up`, what the outbox refuses is left to the next
    start, which sends it again.
    """

    def __init__(
        self, outbox: Outbox, scheduler: Scheduler, intake: Intake, tally: Tally, clock: Callable[[], float]
    ) -> None:
        self._outbox = outbox
        self._scheduler = scheduler
        self._intake = intake
        self._tally = tally
        self._clock = clock
        self.settled = asyncio.Event()
        self.giving_up = False

    async def settle(self, settlements: Sequence[Settlement]) -> frozenset[int]:
        """Settle once; what was not recorded. Raises `OutboxUnavailable`."""
        unrecorded = await self._outbox.settle(settlements)
        recorded = (settlement.state for settlement in settlements if settlement.seq not in unrecorded)
        self._tally.settled.update(state.value for state in recorded if state is not State.WAITING)
        self.settled.set()
        return unrecorded

    async def record(self, parcels: Sequence[Parcel], settlements: Sequence[Settlement]) -> None:
        """Settle what was sent, however long the disk refuses: the request is done and must not be sent again."""
        while True:
            try:
                unrecorded = await self.settle(settlements)
                break
            except OutboxUnavailable as error:
                log.warning("the outbox cannot be written: %s", error, extra={"action": "settle_failed"})
                if self.giving_up:
                    return
                await asyncio.sleep(OUTBOX_RETRY)
        waits = {s.seq: s.not_before for s in settlements if s.state is State.WAITING}
        now, wall = time.monotonic(), self._clock()
        for parcel in parcels:
            seqs = frozenset(entry.seq for entry in parcel.entries)
            waiting = seqs & (unrecorded | waits.keys())
            self._intake.settled(parcel.entries)
            self._scheduler.settled(parcel.profile, waiting)
            if waiting:
                again = max(waits.get(seq, 0.0) for seq in waiting)
                self._scheduler.sleep(parcel.profile, now + min(max(0.0, again - wall), LONGEST_SLEEP))
            else:
                self._scheduler.go_on(parcel.profile)
