"""The schedules of the config: when each computation runs next, and its runs at that time."""

import logging
from collections.abc import Awaitable, Callable

from talon_bridge.clock import SandboxClock
from talon_bridge.engage import schedule
from talon_bridge.engage.computations import Computation
from talon_bridge.engage.problems import EngageError
from talon_bridge.engage.register import Register
from talon_bridge.engage.store.protocol import Store, StoreUnavailable
from talon_bridge.engage.syncs import Sync
from talon_bridge.engage.timetable import Timetable

log = logging.getLogger(__name__)


class Schedules:
    """Goes by the sandbox's clock. `run` is one sync of a computation from its own source; what it raises is logged."""

    def __init__(
        self, store: Store, register: Register, clock: SandboxClock, run: Callable[[str], Awaitable[Sync]]
    ) -> None:
        self._store = store
        self._register = register
        self._clock = clock
        self._run = run
        self._due: dict[str, float] = {}
        self._timetable = Timetable(clock, lambda: self._due, self._run_on_time)
        self._unsubscribe: Callable[[], None] = lambda: None

    async def start(self) -> None:
        """Plan the first runs, and have them begin when they are due. Raises `StoreUnavailable`."""
        for computation in self._register.all():
            await self._plan_next(computation)
        self._unsubscribe = self._clock.subscribe(self._not_too_far)
        await self._timetable.start()

    async def stop(self) -> None:
        """Run nothing more; a run that is under way is cancelled."""
        self._unsubscribe()
        await self._timetable.stop()

    @property
    def due_now(self) -> tuple[str, ...]:
        """The computations whose time has come."""
        return self._timetable.due_now

    def next_run(self, id: str) -> float | None:
        """When one runs next, in Unix seconds of the sandbox's clock."""
        return self._due.get(id)

    async def stand_by(self, seconds: float) -> None:
        """Wait until a run ends, at most so long."""
        await self._timetable.stand_by(seconds)

    async def _run_on_time(self, id: str) -> None:
        computation, began = self._register.ever(id), self._clock.now()
        assert computation is not None  # only what the config defines is ever due
        try:
            await self._run(id)
        except EngageError as error:
            log.warning("the scheduled sync of %s: %s", id, error.message, extra={"action": "engage_schedule"})
        try:
            await self._plan_next(computation, began)
        except StoreUnavailable as error:  # then it is tried again in a moment
            log.warning("%s", error, extra={"action": "engage_store"})

    async def _plan_next(self, computation: Computation, ran_at: float | None = None) -> None:
        """Say when it runs next: after `ran_at`, or after the last sync that the store knows."""
        if computation.source is None or computation.source.every is None:
            return
        rhythm = schedule.parse(computation.source.every)
        newest = await self._store.syncs(computation.id, 1)
        if ran_at is None and not newest:
            self._due[computation.id] = rhythm.first(self._clock.now(), computation.id)
            return
        last, number = newest[0].begun_at if ran_at is None else ran_at, newest[0].number if newest else 0
        at_the_latest = rhythm.after(self._clock.now(), number, computation.id)  # the clock may have been set back
        self._due[computation.id] = min(rhythm.after(last, number, computation.id), at_the_latest)

    def _not_too_far(self) -> None:
        """Have none wait longer than its rhythm says, where the clock was set back."""
        now = self._clock.now()
        for id, at in self._due.items():
            computation = self._register.ever(id)
            if computation is not None and computation.source is not None and computation.source.every is not None:
                self._due[id] = min(at, schedule.parse(computation.source.every).after(now, 0, id))
