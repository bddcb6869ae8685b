"""The PostgreSQL database of Engage: short statements on shared connections, and connections of one's own."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, TypeVar

import asyncpg
import asyncpg.pool

from talon_bridge.databases import postgres_server
from talon_bridge.databases.postgres_server import CONNECT, OF_THE_SERVER, SCHEMA, PooledConnection
from talon_bridge.databases.queries import named
from talon_bridge.engage.store.protocol import StoreUnavailable
from talon_bridge.engage.store.rows import COLUMNS
from talon_bridge.settings import SettingsError

SCHEMA_VERSION: Final = 1
STATEMENT: Final = 120.0  # seconds for a short statement: a large sync that is being decided may be in its way
SHORT: Final = 10.0  # seconds for a statement that waits for nobody: longer, and the wire is taken for dead
LONG: Final = 3600.0  # seconds for one statement over millions of rows
CONNECTIONS: Final = 4
_SETTINGS: Final = {
    "search_path": SCHEMA,
    "application_name": "localtalon engage",
    "idle_in_transaction_session_timeout": "60s",
    "default_transaction_isolation": "read committed",
    "jit": "off",
    # A machine that has gone away lets go of its locks.
    "tcp_keepalives_idle": "15",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
# Statements over everything that is staged: never row by row, whatever the statistics say.
_OF_MANY_ROWS: Final = {"enable_nestloop": "off", "work_mem": "64MB"}


T = TypeVar("T")


class Database:
    """A database given by its URL, whose password is in no message."""

    def __init__(self, url: str) -> None:
        """Nothing is connected before `open`. Raises `SettingsError` for a URL that is none."""
        self.token = ""
        self.place = postgres_server.place(url)
        self.short = SHORT
        self._url = url
        self._pool: Any = None
        texts = named("talon_bridge.engage.store", "postgres.sql")
        self._sql = {name: text.replace("{columns}", COLUMNS) for name, text in texts.items()}

    async def open(self) -> None:
        """Connect and bring the schema up to date. Raises `SettingsError`."""
        try:
            self._pool = asyncpg.create_pool(
                **self._how(STATEMENT),
                min_size=0,
                max_size=CONNECTIONS,
                connection_class=PooledConnection,
                init=self._write_through,
            )
            await self._pool
            [(server, durable)] = await self.run("server")
            postgres_server.approve(self.place, server, durable, "Engage")
            async with self.transaction() as on:
                await self._upgrade(on)
            [(self.token,)] = await self.run("token")
        except (*OF_THE_SERVER, ValueError, StoreUnavailable) as error:
            await self.close()
            if isinstance(error, SettingsError):
                raise
            reason = str(error) if isinstance(error, StoreUnavailable) else postgres_server.reason(self.place, error)
            raise SettingsError(f"bridge.data: {reason}") from None

    async def close(self) -> None:
        """Let go of the shared connections."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await postgres_server.closed(pool)

    async def connect(self, many_rows: bool = False) -> Any:
        """A connection of one's own. Raises `StoreUnavailable`."""
        with self.words():
            connection = await asyncpg.connect(**self._how(STATEMENT, _OF_MANY_ROWS if many_rows else {}))
            await self.in_time(connection, self.short, self._write_through(connection))
            return connection

    async def run(self, name: str, *values: Any, on: Any = None, within: float | None = None) -> list[Any]:
        """Run a statement on the connection given, or on a shared one. Raises `StoreUnavailable`.

        A connection that does not answer within so many seconds is given up.
        """
        with self.words():
            if on is not None:
                return await self._fetch(on, within, self._sql[name], *values)
            async with self._acquired() as connection:
                return await self._fetch(connection, within, self._sql[name], *values)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """A transaction on a shared connection, on disk when the block has ended. Raises `StoreUnavailable`."""
        with self.words():
            async with self._acquired() as connection, connection.transaction():
                yield connection

    @asynccontextmanager
    async def own_transaction(self, on: Any, within: float) -> AsyncIterator[None]:
        """A transaction on one's own connection, which gets so many seconds to reach the disk."""
        with self.words():
            await self.in_time(on, self.short, on.execute("BEGIN"))
            try:
                yield
            except BaseException:
                if not on.is_closed():
                    await self.in_time(on, self.short, on.execute("ROLLBACK"))
                raise
            await self.in_time(on, within, on.execute("COMMIT", timeout=within))

    async def in_time(self, on: Any, within: float, answer: Awaitable[T]) -> T:
        """Wait for the answer of a connection, and give it up where there is none: nothing else ends its waiting."""
        try:
            async with asyncio.timeout(within):
                return await answer
        except TimeoutError:
            on.terminate()
            raise

    async def _fetch(self, on: Any, within: float | None, text: str, *values: Any) -> list[Any]:
        if within is None:
            return list(await on.fetch(text, *values))
        return list(await self.in_time(on, within, on.fetch(text, *values, timeout=within)))

    @contextmanager
    def words(self) -> Iterator[None]:
        """Errors of the block as callers know them."""
        try:
            yield
        except Exception as error:
            if postgres_server.of_the_data(error):
                raise
            raise StoreUnavailable(postgres_server.reason(self.place, error)) from error

    @asynccontextmanager
    async def _acquired(self) -> AsyncIterator[Any]:
        if self._pool is None:
            raise StoreUnavailable("the store of Engage is not open")
        async with self._pool.acquire(timeout=CONNECT) as connection:
            yield connection

    def _how(self, seconds: float, settings: dict[str, str] | None = None) -> dict[str, Any]:
        return {
            "dsn": self._url,
            "timeout": CONNECT,
            "command_timeout": seconds,
            "server_settings": {**_SETTINGS, **(settings or {})},
        }

    async def _write_through(self, connection: Any) -> None:
        await connection.execute(self._sql["write_through"])

    async def _upgrade(self, on: Any) -> None:
        await self.run("lock_schema", on=on)  # several processes may start at the same time
        await on.execute(self._sql["schema"])
        [(version,)] = await self.run("find_version", on=on)
        if version > SCHEMA_VERSION:
            raise SettingsError(f"bridge.data: {self.place} was written by a newer localtalon (schema {version})")
        for number in range(version + 1, SCHEMA_VERSION + 1):
            await on.execute(self._sql[f"schema_{number}"])
            await self.run("update_version", number, on=on)
        await self.run("make", secrets.token_hex(16), on=on)
        await self.run("interrupt", on=on)
