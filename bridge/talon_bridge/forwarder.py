"""The delivery loop: take the oldest event of a profile, map it, send it, decide, settle."""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable, Sequence

from talon_bridge import events
from talon_bridge.delivery import TalonOne
from talon_bridge.limiter import Limiter
from talon_bridge.mapping import Plan, Request, plan
from talon_bridge.outbox.protocol import Entry, Outbox, OutboxUnavailable, Settlement, State, Waiting
from talon_bridge.outcome import Answer, Dead, NoAnswer, Policy, RetryAt
from talon_bridge.settings import Destination
from talon_bridge.settlement import settle, unsent

log = logging.getLogger(__name__)

OUTBOX_RETRY = 1.0  # seconds before a settlement is written again (the request is not sent again)
BUG_WAIT = 5.0  # seconds before a profile is tried again after an error of our own


class Forwarder:
    """Delivers what the outbox holds, in order per profile, many profiles at once.

    A profile is in one place only: ready, in a worker's hands, or asleep until its retry. One that is blocked
    therefore blocks nobody else, and has one request in flight at most (DEL-2). `clock` gives Unix seconds.
    """

    def __init__(
        self,
        outbox: Outbox,
        talon: TalonOne,
        limiter: Limiter,
        destination: Callable[[], Destination],
        policy: Policy,
        clock: Callable[[], float],
    ) -> None:
        self._outbox = outbox
        self._talon = talon
        self._limiter = limiter
        self._destination = destination
        self._policy = policy
        self._clock = clock
        self._queues: dict[str, deque[int]] = {}
        self._ready: asyncio.Queue[str] = asyncio.Queue()
        self._asleep: dict[str, asyncio.TimerHandle] = {}
        self._unsettled = 0
        self._settled = asyncio.Condition()
        self._workers: list[asyncio.Task[None]] = []
        self._in_flight: set[asyncio.Task[None]] = set()

    async def start(self, workers: int) -> None:
        """Take up what the outbox still holds and begin to deliver."""
        self.accept(await self._outbox.waiting())
        self._workers = [asyncio.create_task(self._work(), name=f"delivery {n}") for n in range(workers)]

    async def stop(self, grace: float) -> None:
        """Let requests in flight end, at most `grace` seconds; all else stays in the outbox for the next start."""
        for timer in self._asleep.values():
            timer.cancel()
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        if self._in_flight:
            _, late = await asyncio.wait(self._in_flight, timeout=grace)
            for step in late:
                step.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def accept(self, waiting: Sequence[Waiting]) -> None:
        """Events that have just become durable, in the order of acceptance."""
        self._unsettled += len(waiting)
        now = self._clock()
        for item in waiting:
            key = item.key or f"\0{item.seq}"  # no profile: an order of its own
            queue = self._queues.get(key)
            if queue is not None:
                queue.append(item.seq)
                continue
            self._queues[key] = deque((item.seq,))
            self._rest(key, item.not_before - now)

    @property
    def unsettled(self) -> int:
        """How many accepted events are not settled yet."""
        return self._unsettled

    async def idle(self, seconds: float) -> bool:
        """Wait until everything accepted is settled; False when that takes longer than `seconds`."""
        try:
            async with asyncio.timeout(seconds), self._settled:
                await self._settled.wait_for(lambda: self._unsettled == 0)
        except TimeoutError:
            return self._unsettled == 0
        return True

    def _rest(self, key: str, seconds: float) -> None:
        """Put a profile to sleep, or among the ready ones when there is nothing to wait for."""
        if seconds <= 0:
            self._ready.put_nowait(key)
        else:
            self._asleep[key] = asyncio.get_running_loop().call_later(seconds, self._wake, key)

    def _wake(self, key: str) -> None:
        self._asleep.pop(key, None)
        self._ready.put_nowait(key)

    async def _work(self) -> None:
        while True:
            key = await self._ready.get()
            try:
                await self._deliver_head(key)
            except Exception:
                log.exception("delivery failed; the profile is tried again", extra={"action": "delivery_bug"})
                self._rest(key, BUG_WAIT)

    async def _deliver_head(self, key: str) -> None:
        """One attempt for the oldest event of a profile."""
        entry = await self._outbox.entry(self._queues[key][0])
        mapped = plan(events.read(entry.event.body, entry.event.type), self._destination())
        if mapped.request is not None:
            await self._limiter.wait()
        # A task of its own, so that a stop lets a request in flight end and be recorded.
        step = asyncio.create_task(self._attempt(key, entry, mapped))
        self._in_flight.add(step)
        step.add_done_callback(self._in_flight.discard)
        await asyncio.shield(step)

    async def _attempt(self, key: str, entry: Entry, mapped: Plan) -> None:
        """Send, decide, record, and let the profile go on."""
        if mapped.request is None:
            settlement = unsent(entry, mapped)
        else:
            got = await self._send(mapped.request)
            settlement = self._settle(entry, mapped, got)
        await self._record(settlement)
        if settlement.state is State.WAITING:
            self._rest(key, settlement.not_before - self._clock())
        else:
            await self._next(key)

    async def _send(self, request: Request) -> Answer | NoAnswer:
        """One call to Talon.One; one that a stop cuts off may have landed like one that timed out."""
        try:
            return await self._talon.update_profile(request)
        except asyncio.CancelledError:
            return NoAnswer("the bridge was stopped while the request was under way", may_have_landed=True)

    def _settle(self, entry: Entry, mapped: Plan, got: Answer | NoAnswer) -> Settlement:
        """What the answer changes; says on the log what a person should look at."""
        now = self._clock()
        known = self._destination().custom_attributes
        settlement, outcome = settle(entry, mapped, got, self._policy, now, random.random(), known)
        if isinstance(outcome, RetryAt) and outcome.pause:
            if not self._limiter.closed_for:
                log.warning("deliveries pause: %s", outcome.reason, extra={"action": "paused"})
            self._limiter.close_for(outcome.at - now)
        if isinstance(outcome, Dead):
            message_id = entry.event.message_id
            log.warning("event %r is a dead letter: %s", message_id, outcome.reason, extra={"action": "dead"})
        return settlement

    async def _next(self, key: str) -> None:
        """The head of a profile's queue is settled: on to the one behind it."""
        queue = self._queues[key]
        queue.popleft()
        if queue:
            self._ready.put_nowait(key)
        else:
            del self._queues[key]
        self._unsettled -= 1
        if not self._unsettled:
            async with self._settled:
                self._settled.notify_all()

    async def _record(self, settlement: Settlement) -> None:
        """Write a settlement, however long the disk refuses: the request is done and must not be sent again."""
        while True:
            try:
                return await self._outbox.settle([settlement])
            except OutboxUnavailable:
                log.warning("the outbox cannot be written", extra={"action": "settle_failed"})
                await asyncio.sleep(OUTBOX_RETRY)
