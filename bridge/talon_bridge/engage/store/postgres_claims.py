"""The claims of one process on the changes that it sends: locks of one connection, which are lost with it."""

import asyncio
import contextlib
from typing import Any

from talon_bridge.databases.postgres_server import CLOSE
from talon_bridge.engage.store.postgres_database import Database
from talon_bridge.engage.store.protocol import StoreUnavailable


class Claims:
    """Which computations this process sends for; another process can do so as soon as it dies."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Any = None
        self._held: dict[str, tuple[str, int]] = {}  # the lock of each id; another one once it is defined anew
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
                with contextlib.suppress(StoreUnavailable):
                    await self._give_back(computation)

    async def close(self) -> None:
        """Give all back."""
        async with self._turn:
            if self._connection is not None:
                with contextlib.suppress(StoreUnavailable):
                    await self._ask("unlock", within=min(CLOSE, self._database.short))
                self._lose()

    async def _claim(self, computation: str) -> bool:
        """Ask the server in any case: only that shows that the connection is there, and the claims with it."""
        [(what, number)] = await self._ask("lock_of", computation)
        if self._held.get(computation) == (what, number):
            return True
        if computation in self._held:
            await self._give_back(computation)
        [(ours,)] = await self._ask("claim", what, number)
        if ours:
            self._held[computation] = what, number
        return bool(ours)

    async def _give_back(self, computation: str) -> None:
        await self._ask("let_go", *self._held.pop(computation))

    async def _ask(self, name: str, *values: Any, within: float | None = None) -> list[Any]:
        try:
            return await self._database.run(name, *values, on=self._connection, within=within or self._database.short)
        except BaseException:  # whether there is a lock now, nobody can tell
            self._lose()
            raise

    def _lose(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
        self._connection = None
        self._held.clear()
