"""The claims of one process on the changes that it sends: locks of one connection, which are lost with it."""

import asyncio
import contextlib
from typing import Any

from talon_bridge.engage.store.postgres_database import Database
from talon_bridge.engage.store.protocol import StoreUnavailable


class Claims:
    """Which computations this process sends for; another process can do so as soon as it dies."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Any = None
        self._held: set[str] = set()
        self._turn = asyncio.Lock()

    async def claim(self, computation: str) -> bool:
        """See `Store.claim`."""
        async with self._turn:
            if self._connection is not None:
                with contextlib.suppress(StoreUnavailable):
                    return await self._claim(computation)
            self._connection = await self._database.connect()
            return await self._claim(computation)

    async def let_go(self, computation: str) -> None:
        """See `Store.let_go`."""
        async with self._turn:
            if computation in self._held:
                self._held.discard(computation)
                with contextlib.suppress(StoreUnavailable):  # then it is lost
                    await self._database.run("let_go", computation, on=self._connection)

    async def close(self) -> None:
        """Give all back."""
        async with self._turn:
            if self._connection is not None:
                with contextlib.suppress(StoreUnavailable):
                    await self._database.run("unlock", on=self._connection)
                self._lose()

    async def _claim(self, computation: str) -> bool:
        """Ask the server in any case: only that shows that the connection is there, and the claims with it."""
        try:
            if computation in self._held:
                await self._database.run("alive", on=self._connection)
                return True
            found = await self._database.run("claim", computation, on=self._connection)
        except BaseException:  # whether there is a lock now, nobody can tell
            self._lose()
            raise
        if not found or not found[0][0]:
            return False
        self._held.add(computation)
        return True

    def _lose(self) -> None:
        self._connection.terminate()
        self._connection = None
        self._held.clear()
