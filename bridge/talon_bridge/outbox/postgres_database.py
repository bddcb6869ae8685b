"""The PostgreSQL database of an outbox: its connections, its schema, its statements, and its errors as values."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import asyncpg
import asyncpg.pool

from talon_bridge.databases import postgres_server
from talon_bridge.databases.postgres_server import CONNECT, OF_THE_SERVER, SCHEMA, PooledConnection
from talon_bridge.databases.queries import named
from talon_bridge.outbox.protocol import OutboxUnavailable
from talon_bridge.outbox.rows import COLUMNS
from talon_bridge.settings import SettingsError

SCHEMA_VERSION: Final = 1
STATEMENT: Final = 10.0  # seconds for one statement
RESTORE: Final = 600.0  # seconds to look through a dump that was restored
IDLE: Final = "5s"  # a frozen process holds its locks, and back what all others read, no longer than this
CONNECTIONS: Final = 10
DEADLOCKS: Final = 3  # times that a transaction is begun again after one

T = TypeVar("T")


class Database:
    """A database given by its URL, whose password is in no message."""

    def __init__(self, url: str) -> None:
        """Nothing is connected before `open`. Raises `SettingsError` for a URL that is none."""
        self.place = postgres_server.place(url)
        self._url = url
        self._pool: Any = None
        statements = named("talon_bridge.outbox", "postgres.sql")
        self._sql = {
            name: text.replace("{columns}", COLUMNS).replace("{fits}", statements["fits"])
            for name, text in statements.items()
        }

    async def open(self) -> None:
        """Connect and bring the schema up to date. Raises `SettingsError`."""
        try:
            self._pool = asyncpg.create_pool(
                **self._how(),
                min_size=0,
                max_size=CONNECTIONS,
                connection_class=PooledConnection,
                init=self._write_through,
            )
            await self._pool
            await self._prepare()
        except (*OF_THE_SERVER, ValueError, OutboxUnavailable) as error:
            await self.close()
            if isinstance(error, SettingsError):
                raise
            raise SettingsError(f"bridge.data: {_reason(self.place, error)}") from None

    async def close(self) -> None:
        """Let go of the connections."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await postgres_server.closed(pool)

    async def connect(self) -> Any:
        """A connection of one's own, for whoever listens. Raises `OutboxUnavailable`."""
        try:
            return await asyncpg.connect(**self._how())
        except Exception as error:
            raise self.explained(error) from None

    async def run(self, name: str, *values: Any, on: Any = None) -> list[Any]:
        """Run a statement on the connection of a transaction, or on any. Raises `OutboxUnavailable`."""
        try:
            if on is not None:
                rows: list[Any] = await on.fetch(self._sql[name], *values)
                return rows
            async with self._acquired() as connection:
                return list(await connection.fetch(self._sql[name], *values))
        except Exception as error:
            raise self.explained(error) from error

    async def write(self, work: Callable[[Any], Awaitable[T]]) -> T:
        """Do `work` on a connection in a transaction; returns once it is on disk. Raises `OutboxUnavailable`."""
        for left in reversed(range(DEADLOCKS + 1)):
            try:
                async with self._acquired() as connection, connection.transaction():
                    return await work(connection)
            except Exception as error:
                cause = error.__cause__ if isinstance(error, OutboxUnavailable) else error
                if not (left and isinstance(cause, asyncpg.DeadlockDetectedError)):
                    raise self.explained(error) from error
        raise AssertionError("the last turn returns or raises")

    def explained(self, error: Exception) -> Exception:
        """An error as callers know it."""
        if postgres_server.of_the_data(error):
            return error
        return OutboxUnavailable(_reason(self.place, error))

    @asynccontextmanager
    async def _acquired(self) -> AsyncIterator[Any]:
        if self._pool is None:
            raise OutboxUnavailable("the outbox is closed")
        async with self._pool.acquire(timeout=CONNECT) as connection:
            yield connection

    def _how(self) -> dict[str, Any]:
        return {
            "dsn": self._url,
            "timeout": CONNECT,
            "command_timeout": STATEMENT,
            "server_settings": {
                "search_path": SCHEMA,
                "application_name": "localtalon bridge",
                "idle_in_transaction_session_timeout": IDLE,
                "default_transaction_isolation": "read committed",
                "jit": "off",  # every statement here is short
                # Statistics lag behind a backlog that has just formed: what looks small is small no longer.
                "plan_cache_mode": "force_custom_plan",
                "enable_seqscan": "off",
                "enable_bitmapscan": "off",
                "enable_mergejoin": "off",
            },
        }

    async def _write_through(self, connection: Any) -> None:
        await connection.execute(self._sql["write_through"])

    async def _prepare(self) -> None:
        [(server, durable)] = await self.run("server")
        postgres_server.approve(self.place, server, durable, "the outbox")
        await self.write(self._upgrade)

    async def _upgrade(self, on: Any) -> None:
        await self.run("lock_schema", on=on)  # several processes may start at the same time
        await on.execute(self._sql["schema"])
        [(version,)] = await self.run("find_version", on=on)
        if version > SCHEMA_VERSION:
            raise SettingsError(f"bridge.data: {self.place} was written by a newer localtalon (schema {version})")
        for number in range(version + 1, SCHEMA_VERSION + 1):
            await on.execute(self._sql[f"schema_{number}"])
            await self.run("update_version", number, on=on)
        await on.execute(self._sql["restored"], timeout=RESTORE)


def _reason(place: str, error: Exception) -> str:
    return str(error) if isinstance(error, OutboxUnavailable) else postgres_server.reason(place, error)
