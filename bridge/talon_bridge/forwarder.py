"""The delivery loop: the next profiles, one request, one answer, what it changes."""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence

from talon_bridge.claims import NOT_OURS_WAIT, Claims
from talon_bridge.delivery import TalonOne
from talon_bridge.gate import Gate
from talon_bridge.intake import Intake
from talon_bridge.limiter import Limiter
from talon_bridge.outbox.protocol import Entry, Outbox, Replay, Settlement, State
from talon_bridge.outcome import BUSY, Answer, NoAnswer, Policy, refused
from talon_bridge.parcel import Parcel, planned, sent_by, without
from talon_bridge.recorder import Recorder
from talon_bridge.scheduler import Profile, Scheduler
from talon_bridge.settings import Destination, Settings
from talon_bridge.settlement import settle, unsent
from talon_bridge.standing import Standing
from talon_bridge.tally import Tally

log = logging.getLogger(__name__)

UNRECORDED_PER_SLOT = 4  # requests that are done and wait for the disk, for each that may be under way
BUG_WAIT = 5.0  # seconds before something is tried again after an error of our own
SHORTEST_NAP = 0.01  # seconds; what was to be read again by now may have to wait for room
NEWER_AT_ONCE = 200  # events
LOOK_AGAIN = 0.25  # seconds after which `idle` asks the outbox again: another process may have settled the last event


class Forwarder:
    """Delivers what the outbox holds, in order per profile, many profiles at once.

    A profile is in one place only: with the scheduler, in a group that was taken apart, or in a request. One that is
    blocked therefore blocks nobody else, and has one request in flight at most (DEL-2). `clock` gives Unix seconds.
    """

    def __init__(
        self,
        outbox: Outbox,
        talon: TalonOne,
        limiter: Limiter,
        destination: Callable[[], Destination],
        settings: Settings,
        tally: Tally,
        clock: Callable[[], float],
    ) -> None:
        self._outbox = outbox
        self._talon = talon
        self._limiter = limiter
        self._destination = destination
        self._settings = settings
        self._policy = Policy(
            settings.retry_window, settings.request_timeout, settings.first_wait, settings.probe_every
        )
        self._gate = Gate(limiter, self._policy)
        self._tally = tally
        self._clock = clock
        self._scheduler = Scheduler()
        self._intake = Intake(outbox, self._scheduler, self._sift, self._supplied, clock)
        self._intake.in_flight_of = lambda shard: self._shards[shard] > 0
        self._claims = Claims(self._scheduler, settings.bulk_threshold, destination, self._lease_lasts)
        self._shards: Counter[int] = Counter()
        self._work = asyncio.Event()
        self._recorder = Recorder(outbox, self._scheduler, self._intake, tally, clock)
        self._slots = asyncio.Semaphore(settings.max_concurrent_requests)
        self._unrecorded = asyncio.Semaphore(settings.max_concurrent_requests * UNRECORDED_PER_SLOT)
        self._dispatching: asyncio.Task[None] | None = None
        self._in_flight: set[asyncio.Task[None]] = set()
        self._sending = 0

    async def start(self) -> None:
        """Take up what the outbox still holds and begin to deliver."""
        await self._intake.start()
        self._dispatching = asyncio.create_task(self._dispatch(), name="dispatch")

    async def stop(self, grace: float) -> None:
        """Let requests in flight end, at most `grace` seconds; all else stays in the outbox for the next start."""
        await self._intake.stop()
        if self._dispatching is not None:
            self._dispatching.cancel()
            await asyncio.gather(self._dispatching, return_exceptions=True)
        if self._in_flight:
            _, late = await asyncio.wait(self._in_flight, timeout=grace)
            self._recorder.giving_up = True
            for step in late:
                step.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    @property
    def standing(self) -> Standing:
        """What it is at now."""
        leases, limiter = self._intake.leases, self._limiter
        return Standing(
            in_flight=self._sending,
            ready=self._claims.ready,
            asleep=self._scheduler.asleep,
            rate=limiter.rate,
            paused_for=limiter.closed_for,
            paused_because=limiter.closed_because,
            shards=len(leases.held),
            workers=leases.workers,
        )

    async def idle(self, seconds: float) -> bool:
        """Wait until everything accepted is settled; False when that takes longer than `seconds`."""
        give_up = time.monotonic() + seconds
        while True:
            self._recorder.settled.clear()
            if not (await self._outbox.counts())[State.WAITING]:
                return True
            left = give_up - time.monotonic()
            if left <= 0:
                return False
            try:
                async with asyncio.timeout(min(left, LOOK_AGAIN)):
                    await self._recorder.settled.wait()
            except TimeoutError:
                continue

    def _supplied(self) -> None:
        self._limiter.share(self._settings.max_requests_per_second / max(1, self._intake.leases.workers))
        self._work.set()

    async def _sift(self, entries: list[Entry]) -> list[Entry]:
        """Settle at once what is not sent whatever the settings say (ID-2, ID-3); it has no order to keep."""
        unneeded = [entry for entry in entries if entry.event.type != "identify" or entry.event.user_id is None]
        if not unneeded:
            return entries
        now = self._clock()
        settlements = [unsent(entry, planned(entry, self._destination()), now) for entry in unneeded]
        await self._recorder.settle(settlements)
        gone = {entry.seq for entry in unneeded}
        return [entry for entry in entries if entry.seq not in gone]

    async def _dispatch(self) -> None:
        """One request after the other leaves as soon as a slot, a profile and a token are there."""
        while True:
            await self._unrecorded.acquire()
            await self._slots.acquire()
            parcels: list[Parcel] = []
            try:
                parcels = await self._next()
            except Exception:
                log.exception("the next request cannot be made", extra={"action": "dispatch_bug"})
                await asyncio.sleep(BUG_WAIT)
            if not parcels:
                self._slots.release()
                self._unrecorded.release()
                continue
            step = asyncio.create_task(self._step(parcels))
            self._in_flight.add(step)
            self._shards.update(parcel.profile.shard for parcel in parcels)
            step.add_done_callback(self._done)

    def _done(self, step: "asyncio.Task[None]") -> None:
        self._in_flight.discard(step)
        self._work.set()

    async def _next(self) -> list[Parcel]:
        """What the next request is for, as soon as it may leave."""
        parcels: list[Parcel] = []
        await self._until_ready()
        await self._limiter.wait()
        try:
            parcels = await self._claims.next(time.monotonic(), bool(self._limiter.closed_because))
        finally:
            if not parcels:
                self._limiter.give_back()
        return parcels

    async def _until_ready(self) -> None:
        while True:
            now = time.monotonic()
            next_at = self._scheduler.wake(now)
            if self._scheduler.hungry or self._scheduler.look_again_at <= now:
                self._intake.room()
            if self._claims.worth_sending(self._intake.more_to_come(bool(self._in_flight))):
                return
            self._work.clear()
            try:
                async with asyncio.timeout(None if next_at is None else max(next_at - now, SHORTEST_NAP)):
                    await self._work.wait()
            except TimeoutError:
                continue

    def _lease_lasts(self, profile: Profile) -> bool:
        """Whether this process still owns the profile when a request that begins now has ended at the latest."""
        lease = self._intake.lease_of(profile.shard)
        return lease is not None and lease.until - time.monotonic() > self._settings.request_timeout

    async def _step(self, parcels: list[Parcel]) -> None:
        """Send, decide, record, and let the profiles go on."""
        try:
            await self._deliver(parcels)
        except Exception:
            log.exception("delivery failed; its profiles are tried again", extra={"action": "delivery_bug"})
            self._limiter.give_back()
            for parcel in parcels:
                if parcel.profile.taken is parcel.entries:  # else it has gone on already
                    self._scheduler.put_back(parcel.profile)
                    self._scheduler.sleep(parcel.profile, time.monotonic() + BUG_WAIT)
        finally:
            self._shards.subtract(parcel.profile.shard for parcel in parcels)
            self._unrecorded.release()
            self._intake.room()

    async def _deliver(self, parcels: list[Parcel]) -> None:
        try:
            parcels = self._still_ours([await self._up_to_date(parcel) for parcel in parcels])
            sent = [parcel for parcel in parcels if parcel.request is not None]
            got = await self._send(sent) if sent else None
        finally:
            self._slots.release()
        if got is None:
            self._limiter.give_back()
        else:
            via = "bulk" if len(sent) > 1 else "merged" if len(sent[0].entries) > 1 else ""
            self._tally.requests[via or "single", str(got.status) if isinstance(got, Answer) else "none"] += 1
            await self._conclude(sent, got, via)
        unneeded = [parcel for parcel in parcels if parcel.request is None]
        if unneeded:
            now = self._clock()
            await self._recorder.record(unneeded, [unsent(p.entries[0], p.plans[0], now) for p in unneeded])

    def _still_ours(self, parcels: list[Parcel]) -> list[Parcel]:
        """Put those back whose lease does not last for a request that begins now."""
        lost = [parcel for parcel in parcels if parcel.profile.gone or not self._lease_lasts(parcel.profile)]
        for parcel in lost:
            self._scheduler.put_back(parcel.profile)
            self._scheduler.sleep(parcel.profile, time.monotonic() + NOT_OURS_WAIT)
        return [parcel for parcel in parcels if parcel not in lost] if lost else parcels

    async def _up_to_date(self, parcel: Parcel) -> Parcel:
        """The parcel; of one that is replayed and must not overwrite newer values, what is left to send."""
        first = parcel.entries[0]
        if first.replay is not Replay.KEPT or parcel.request is None:
            return parcel
        names: set[str] = set()
        newer = await self._outbox.newer(first.key, first.seq, NEWER_AT_ONCE)
        while newer and not names.issuperset(parcel.request.attributes):
            names |= sent_by(report for _, report in newer)
            newer = await self._outbox.newer(first.key, newer[-1][0], NEWER_AT_ONCE)
        return without(parcel, names)

    async def _send(self, parcels: Sequence[Parcel]) -> Answer | NoAnswer:
        """One call to Talon.One; one that a stop cuts off may have landed like one that timed out."""
        requests = [parcel.request for parcel in parcels if parcel.request is not None]
        self._sending += 1
        try:
            if len(requests) == 1:
                return await self._talon.update_profile(requests[0])
            return await self._talon.update_profiles(requests)
        except asyncio.CancelledError:
            return NoAnswer("the bridge was stopped while the request was under way", may_have_landed=True)
        finally:
            self._sending -= 1

    async def _conclude(self, parcels: list[Parcel], got: Answer | NoAnswer, via: str) -> None:
        """What the answer changes; a refusal of several events changes nothing but that they go out by themselves.

        So does the answer that a profile is busy, or one would hold up all that came with it.
        """
        now = self._clock()
        busy = isinstance(got, Answer) and got.status in BUSY and len(parcels) > 1
        if isinstance(got, Answer) and via and (busy or refused(got)):
            self._gate.heard(got, now)
            return self._claims.take_apart(parcels, got)
        known = self._destination().custom_attributes
        settlements: list[Settlement] = []
        for parcel in parcels:
            for entry, mapped in zip(parcel.entries, parcel.plans, strict=True):
                settlements.append(settle(entry, mapped, got, self._policy, now, random.random(), known, via))
                if settlements[-1].state is State.DEAD:  # why is in its history: Talon.One's words may quote traits
                    log.warning("event %d is a dead letter", entry.seq, extra={"action": "dead"})
        self._gate.heard(got, now)
        return await self._recorder.record(parcels, settlements)
