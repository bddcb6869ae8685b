"""News of other processes: a connection that listens for what they stored, and is made again when it is lost."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any, Final

import asyncpg

from talon_bridge.outbox.postgres_database import Database
from talon_bridge.outbox.protocol import OutboxUnavailable

log = logging.getLogger(__name__)

CHANNEL: Final = "localtalon_bridge"
AGAIN: Final = 1.0  # seconds before a lost connection is made again
ALIVE: Final = 10.0  # seconds after which the server is asked whether it is still there


class News:
    """Calls `heard` whenever another process than `worker` has stored something, and when something was missed."""

    def __init__(self, database: Database, worker: str, heard: Callable[[], None]) -> None:
        self._database = database
        self._worker = worker
        self._heard = heard
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin to listen."""
        self._task = asyncio.create_task(self._listen_forever(), name="outbox news")

    async def close(self) -> None:
        """Listen no longer."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _listen_forever(self) -> None:
        told = False
        while True:
            try:
                await self._listen()
            except OutboxUnavailable as error:
                if not told:
                    log.warning("no news of other processes: %s", error, extra={"action": "news_lost"})
                told = True
            else:
                told = False
            await asyncio.sleep(AGAIN)

    async def _listen(self) -> None:
        """Hear until the connection is lost; returns then. Raises `OutboxUnavailable` when none can be made."""
        connection = await self._database.connect()
        ended = asyncio.Event()
        try:
            connection.add_termination_listener(lambda *_: ended.set())
            await connection.add_listener(CHANNEL, self._notified)
            self._heard()  # of what was stored before it listened
            while not connection.is_closed():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(ended.wait(), ALIVE)
                    break
                await connection.execute("SELECT 1")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise OutboxUnavailable(str(error)) from None
        finally:
            connection.terminate()

    def _notified(self, _connection: Any, _process: int, _channel: str, worker: str) -> None:
        if worker != self._worker:
            self._heard()
