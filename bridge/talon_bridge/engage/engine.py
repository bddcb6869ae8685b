"""Engage at work: syncs from their rows to the difference that is sent, live membership, schedules."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from talon_bridge.clock import SandboxClock
from talon_bridge.engage import live, safety
from talon_bridge.engage.computations import Computation
from talon_bridge.engage.door import Door
from talon_bridge.engage.emitter import Emitter
from talon_bridge.engage.identify import Identifies, space_id
from talon_bridge.engage.misfit import Definitions, Misfit
from talon_bridge.engage.problems import EngageError
from talon_bridge.engage.reading import Reading
from talon_bridge.engage.register import Defined, Register, running
from talon_bridge.engage.rows import Row
from talon_bridge.engage.safety import Options
from talon_bridge.engage.schedules import Schedules
from talon_bridge.engage.store.protocol import Store, StoreUnavailable, SyncRunning
from talon_bridge.engage.syncs import RUNNING, Live, Sync, SyncState, Trigger
from talon_bridge.engage.tally import Tally

log = logging.getLogger(__name__)

LOOK_AGAIN = 0.25  # seconds after which a sync that another process sends is looked at again
NOT_FORCED = Options()


class Engage:
    """Audiences and computed traits. `clock` is the sandbox's; `configured` are the definitions of the config.

    Methods raise `EngageError`.
    """

    def __init__(
        self,
        store: Store,
        door: Door,
        clock: SandboxClock,
        configured: Sequence[Computation] = (),
        definitions: Definitions | None = None,
    ) -> None:
        self.store = store
        self.tally = Tally()
        self._clock = clock
        self._configured = configured
        self._register = Register(store, definitions)
        self._readings: dict[str, Reading] = {}
        self._concluding: set[asyncio.Task[Sync]] = set()
        self._emitter = Emitter(store, door, self._register, self._identifies, clock.now)
        self._schedules = Schedules(store, self._register, clock, lambda id: self.run(id, trigger="schedule"))

    async def start(self) -> None:
        """Open the store, take up the definitions and what still waits to be sent. Raises `SettingsError`."""
        await self.store.open()
        try:
            await self._register.open(self._configured)
            await self._emitter.start()
            await self._schedules.start()
        except BaseException:
            await self._emitter.stop()
            await self.store.close()
            raise

    async def stop(self) -> None:
        """Stop what runs: a sync that was reading changes nothing, one that was decided goes on at the next start."""
        await self._schedules.stop()
        for task in self._concluding:
            task.cancel()
        await asyncio.gather(*self._concluding, return_exceptions=True)
        await self._emitter.stop()
        await self.store.close()

    @property
    def space_id(self) -> str:
        """The Engage space that the identifies name."""
        return space_id(self.store.token)

    def computations(self) -> list[Computation]:
        """Every audience and computed trait, in the order of definition."""
        return self._register.all()

    async def find(self, text: str) -> Computation:
        """The audience or computed trait with this id, key or name, in that order."""
        with _words():
            return await self._register.find(text)

    async def define(self, wanted: Computation) -> Defined:
        """Keep a definition, new or in place of the one with its id."""
        with _words():
            return await self._register.define(wanted)

    async def forget(self, id: str) -> None:
        """Drop a definition with its members. Nothing is sent: Segment documents no exits for a deleted audience."""
        with _words():
            await self._register.forget(id)

    async def misfit(self, computation: Computation, sure: bool = True) -> tuple[Misfit | None, bool]:
        """Why the attribute in Talon.One does not take its values, if so, and whether that could be asked.

        Where it need not be `sure`, what was found a second ago will do.
        """
        return await self._register.misfit(computation, sure)

    async def sync(
        self,
        id: str,
        rows: AsyncIterator[Sequence[Row]],
        options: Options = NOT_FORCED,
        trigger: Trigger = "request",
    ) -> Sync:
        """Make these users the members, and send the difference; returns once the door has all of it.

        Whatever goes wrong before the difference is decided changes nothing, and is raised. From then on it goes on,
        even when whoever called is gone.
        """
        computation = await self.find(id)
        misfit, _ = await self.misfit(computation)
        if misfit is not None:
            raise EngageError("does_not_fit", misfit.message, misfit.hint)
        reading = await self._begin(computation, trigger)
        try:
            await reading.take(rows)
        except BaseException as error:
            await asyncio.shield(self._abandon(reading, SyncState.FAILED, _reason(error)))
            if isinstance(error, StoreUnavailable):
                raise _unavailable(error) from None
            raise
        concluding = asyncio.create_task(self._conclude(reading, options), name=f"engage decides {id}")
        self._concluding.add(concluding)
        concluding.add_done_callback(self._concluding.discard)
        return await asyncio.shield(concluding)

    async def run(self, id: str, options: Options = NOT_FORCED, trigger: Trigger = "request") -> Sync:
        """Sync from the source that the config names."""
        from talon_bridge.engage.sources import open_source  # what no start needs

        computation = await self.find(id)
        source = computation.source
        if source is None:
            hint = "name a source in localtalon.toml, or send the rows to …/sync"
            raise EngageError("no_source", f"the {computation.noun} has no source of its own", hint)
        rows = open_source(
            source.place, source.query, computation.key, now=self._clock.now, type=computation.type, regular=True
        )
        if source.allow_empty:
            options = msgspec.structs.replace(options, allow_empty=True)
        return await self.sync(id, rows, options, trigger)

    async def change(self, id: str, present: Mapping[str, Any], gone: Sequence[str]) -> Live:
        """Change live membership: users who are there, with values (true for an audience), and users who leave."""
        computation = await self.find(id)
        texts = live.checked(computation, present, gone)
        with _words():
            done = await self.store.change(
                computation.id, texts, gone, computation.leaving or b"null", self._clock.now()
            )
        self._emitter.kick(computation.id)
        self.tally.live(done)
        return done

    async def running(self, id: str) -> Sync | None:
        """The sync that is under way, with what it has counted so far."""
        if id in self._readings:
            return self._readings[id].sync
        with _words():
            newest = await self.store.syncs(id, 1)
        return newest[0] if newest and newest[0].state in RUNNING else None

    @property
    def reading(self) -> tuple[str, ...]:
        """The computations that are being read or compared."""
        return tuple(self._readings)

    @property
    def due(self) -> tuple[str, ...]:
        """The computations whose schedule says that they run now."""
        return self._schedules.due_now

    def next_run(self, id: str) -> float | None:
        """When a schedule runs next, in Unix seconds of the sandbox's clock."""
        return self._schedules.next_run(id)

    async def idle(self, seconds: float) -> bool:
        """Wait until no sync is due or under way, and nothing is queued; False when that takes longer."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + seconds
        while True:
            with _words():
                sending = list(await self.store.queued())
            if not (sending or self._readings or self._concluding or self.due):
                return True
            left = min(give_up - loop.time(), LOOK_AGAIN)
            if left <= 0:
                return False
            if self._concluding:
                await asyncio.wait(self._concluding, timeout=left)
            elif sending:
                await self._emitter.stand_by(sending[0], left)
            else:
                await self._schedules.stand_by(left)

    async def _begin(self, computation: Computation, trigger: Trigger) -> Reading:
        try:
            with _words():
                sync = await self.store.begin(computation.id, trigger, self._clock.now())
        except SyncRunning as error:
            raise running(computation, error) from None
        reading = self._readings[computation.id] = Reading(self.store, computation, sync)
        return reading

    async def _conclude(self, reading: Reading, options: Options) -> Sync:
        """Compare, decide if that is safe, and wait until all of it is through the door."""
        computation = reading.computation
        try:
            comparison = await reading.compare()
            refusal = safety.refusal(computation, comparison, reading.counts.read, options)
            if refusal is not None:
                await self._abandon(reading, SyncState.REFUSED, refusal.message)
                raise refusal
            sync = await self.store.decide(reading.sync, reading.counts, computation.leaving, self._clock.now())
            self.tally.take(sync)
        except StoreUnavailable as error:
            await self._abandon(reading, SyncState.FAILED, str(error))
            raise _unavailable(error) from None
        except EngageError:
            raise
        except Exception:
            await self._abandon(reading, SyncState.FAILED, "the bridge has an error; its log says which")
            raise
        finally:
            self._readings.pop(computation.id, None)
        self._emitter.kick(computation.id)
        with _words():
            return await self._sent(sync)

    async def _sent(self, sync: Sync) -> Sync:
        """The sync once nothing of it is queued. What the door refuses for good is raised, and stays queued."""
        while sync.state is SyncState.SENDING:
            if sync.computation in self._emitter.refused:
                why = self._emitter.refused[sync.computation]
                raise EngageError("unavailable", f"the door takes no identifies: {why}", "they stay in the queue")
            await self._emitter.stand_by(sync.computation, LOOK_AGAIN)
            sync = await self.store.sync(sync.computation, sync.number) or sync
        return sync

    async def _abandon(self, reading: Reading, state: SyncState, reason: str) -> None:
        """End a sync that has changed nothing."""
        self._readings.pop(reading.computation.id, None)
        try:
            ended = await self.store.end(reading.sync, state, reading.counts, reason, self._clock.now())
            self.tally.take(ended)
        except StoreUnavailable as error:  # at the latest the next start finds it interrupted
            log.warning("%s", error, extra={"action": "engage_store"})

    def _identifies(self, computation: Computation) -> Identifies:
        return Identifies(computation, self.space_id, self.store.token)


@contextmanager
def _words() -> Iterator[None]:
    """What the store raises, as callers know it."""
    try:
        yield
    except StoreUnavailable as error:
        raise _unavailable(error) from None


def _unavailable(error: StoreUnavailable) -> EngageError:
    return EngageError("unavailable", str(error), "ask again in a moment; what was decided is safe")


def _reason(error: BaseException) -> str:
    if isinstance(error, asyncio.CancelledError):
        return "whoever sent the rows went away"
    return str(error) or type(error).__name__
