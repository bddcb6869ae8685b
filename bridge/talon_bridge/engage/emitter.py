"""Sends what is queued: each computation's changes in order, as identifies through the door."""

import asyncio
import logging
from collections.abc import Callable

from talon_bridge.engage.computations import Computation
from talon_bridge.engage.door import Door, DoorRefused, DoorUnavailable
from talon_bridge.engage.identify import Identifies
from talon_bridge.engage.register import Register
from talon_bridge.engage.store.protocol import Store, StoreUnavailable

log = logging.getLogger(__name__)

AT_ONCE = 1000  # changes
LOOK_EVERY = 5.0  # seconds between looks for queues that another process left behind
STORE_WAIT = 1.0  # seconds before a store that failed is asked again
BUG_WAIT = 5.0  # seconds before something is tried again after an error of our own


class Emitter:
    """One task for each computation that has changes waiting.

    A thousand go through the door, and only then they leave the queue: what a crash has go through twice has the same
    messageIds, and counts once (DEL-3).
    """

    def __init__(
        self,
        store: Store,
        door: Door,
        register: Register,
        identifies: Callable[[Computation], Identifies],
        now: Callable[[], float],
    ) -> None:
        self._store = store
        self._door = door
        self._register = register
        self._identifies = identifies
        self._now = now
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._wanted: set[str] = set()
        self._looking: asyncio.Task[None] | None = None
        self._stopped = False
        self.refused: dict[str, str] = {}
        """Why the door does not take the changes of a computation, by its id."""

    async def start(self) -> None:
        """Take up what waits in the store."""
        await self._look()
        if self._store.shared:
            self._looking = asyncio.create_task(self._look_forever(), name="engage look")

    async def stop(self) -> None:
        """Stop between two portions; the rest stays in the queue."""
        self._stopped = True
        tasks = [task for task in (self._looking, *self._sending.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def kick(self, computation: str) -> None:
        """There is something to send."""
        self._wanted.add(computation)
        if computation not in self._sending and not self._stopped:
            task = asyncio.create_task(self._send_forever(computation), name=f"engage {computation}")
            self._sending[computation] = task

    async def stand_by(self, computation: str, seconds: float) -> None:
        """Wait until nothing is being sent of a computation here, at most so long."""
        task = self._sending.get(computation)
        if task is None:
            await asyncio.sleep(seconds)
        else:
            await asyncio.wait([task], timeout=seconds)

    async def _look_forever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                await self._look()
            except StoreUnavailable as error:
                log.warning("%s", error, extra={"action": "engage_store"})

    async def _look(self) -> None:
        """Begin with what waits; in a shared store a process that died may have left it, and its definition."""
        if self._store.shared:
            await self._register.refresh()
        for computation in await self._store.queued():
            if computation not in self.refused:
                self.kick(computation)

    async def _send_forever(self, computation: str) -> None:
        """Send until nothing waits and nobody has kicked meanwhile."""
        try:
            while computation in self._wanted:
                self._wanted.discard(computation)
                while await self._carried(computation):
                    pass
        finally:
            del self._sending[computation]

    async def _carried(self, computation: str) -> bool:
        """Whether to go on: a portion was sent, or is to be tried again."""
        try:
            return await self._send(computation)
        except StoreUnavailable as error:
            log.warning("%s", error, extra={"action": "engage_store"})
            await asyncio.sleep(STORE_WAIT)
        except DoorUnavailable as error:
            log.warning("the door takes no identifies: %s", error, extra={"action": "engage_door"})
            await asyncio.sleep(error.seconds)
        except DoorRefused as error:
            log.error("the door refuses identifies of Engage: %s", error, extra={"action": "engage_door"})
            self.refused[computation] = str(error)
            return False
        except Exception:
            log.exception("changes of Engage cannot be sent; they are tried again", extra={"action": "engage_bug"})
            await asyncio.sleep(BUG_WAIT)
        return True

    async def _send(self, id: str) -> bool:
        """Send one portion; False when there is none, or another process is at it."""
        computation = self._register.ever(id)
        if computation is None or not await self._store.claim(id):
            return False
        changes = await self._store.queue(id, AT_ONCE)
        if not changes:
            await self._store.let_go(id)
            return False
        identifies = self._identifies(computation)
        await self._door([identifies.text(change) for change in changes])
        self.refused.pop(id, None)
        await self._store.taken(id, changes[-1].number, self._now())
        return True
