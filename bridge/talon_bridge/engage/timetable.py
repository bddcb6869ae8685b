"""Runs each computation when its schedule says so, by the sandbox's clock."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping

from talon_bridge.clock import SandboxClock

log = logging.getLogger(__name__)

LONGEST_LOOK_AWAY = 60.0  # seconds; a machine that was asleep, or whose clock was set, is noticed so late
SHORTEST_LOOK_AWAY = 0.001
AGAIN = 5.0


class Timetable:
    """One task, one run at a time, the longest due first.

    `due` gives the next run of each scheduled computation, in seconds of the clock; `run` carries one out, and sees to
    it that `due` then names a later time. Whatever it raises is logged. One that could not see to it is run again after
    `again` seconds.
    """

    def __init__(
        self,
        clock: SandboxClock,
        due: Callable[[], Mapping[str, float]],
        run: Callable[[str], Awaitable[None]],
        again: float = AGAIN,
    ) -> None:
        self._clock = clock
        self._due = due
        self._run = run
        self._again = again
        self._changed = asyncio.Event()
        self._ended = asyncio.Event()
        self._held: dict[str, float] = {}
        self._task: asyncio.Task[None] | None = None
        self._unsubscribe: Callable[[], None] | None = None

    async def start(self) -> None:
        """Look after the schedules from now on."""
        self._unsubscribe = self._clock.subscribe(self.wake)
        self._task = asyncio.create_task(self._keep(), name="engage timetable")

    async def stop(self) -> None:
        """Run nothing more; a run that is under way is cancelled."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def wake(self) -> None:
        """Look at the clock and at what is due: one of them has changed."""
        self._changed.set()

    @property
    def due_now(self) -> tuple[str, ...]:
        """The computations whose time has come, the longest due first."""
        now = self._clock.now()
        return tuple(id for at, id in sorted((at, id) for id, at in self._due().items()) if at <= now)

    async def stand_by(self, seconds: float) -> None:
        """Wait until a run ends, at most so long."""
        await _set_within(self._ended, seconds)

    async def _keep(self) -> None:
        while True:
            self._changed.clear()
            self._let_go()
            runnable = [id for id in self.due_now if id not in self._held]
            if runnable:
                await self._carry_out(runnable[0])
            else:
                await _set_within(self._changed, self._until_next())

    async def _carry_out(self, id: str) -> None:
        planned = self._due().get(id)
        try:
            await self._run(id)
        except Exception as error:
            log.error("the scheduled sync of %s failed", id, exc_info=error, extra={"action": "engage_schedule"})
        if self._due().get(id) == planned:  # it would run again and again
            self._held[id] = asyncio.get_running_loop().time() + self._again
        self._ended.set()
        self._ended.clear()

    def _let_go(self) -> None:
        """Hold no computation longer than it must be, or one that is no longer scheduled."""
        now, due = asyncio.get_running_loop().time(), self._due()
        self._held = {id: until for id, until in self._held.items() if until > now and id in due}

    def _until_next(self) -> float | None:
        """Seconds that may pass before the next look; None while the clock stands still and nothing is held."""
        loop_now = asyncio.get_running_loop().time()
        waits = [until - loop_now for until in self._held.values()]
        if self._clock.mode != "frozen":
            now = self._clock.now()
            waits += [at - now for id, at in self._due().items() if id not in self._held]
            waits.append(LONGEST_LOOK_AWAY)
        return max(SHORTEST_LOOK_AWAY, min(waits)) if waits else None


async def _set_within(event: asyncio.Event, seconds: float | None) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
