"""The PostgreSQL database of an outbox: its connections, its schema, its statements, and its errors as values."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
import asyncpg.pool

from talon_bridge.outbox.protocol import OutboxUnavailable
from talon_bridge.outbox.queries import named
from talon_bridge.outbox.rows import COLUMNS
from talon_bridge.settings import SettingsError

log = logging.getLogger(__name__)

SCHEMA_VERSION: Final = 1
OLDEST_SERVER: Final = 14  # the oldest that PostgreSQL's makers still maintained in 2026
CONNECT: Final = 10.0  # seconds to wait for a connection
STATEMENT: Final = 10.0  # seconds for one statement
RESTORE: Final = 600.0  # seconds to look through a dump that was restored
CLOSE: Final = 5.0  # seconds that statements get to end
IDLE: Final = "5s"  # a frozen process holds its locks, and back what all others read, no longer than this
CONNECTIONS: Final = 10
DEADLOCKS: Final = 3  # times that a transaction is begun again after one
# What a caller's own values are to blame for; all other errors are of the server.
_OF_THE_DATA = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.ProgramLimitExceededError)
_OF_THE_SERVER = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
_UNREADABLE = (
    "bridge.data is no URL of a database; it must be like postgresql://user:password@localhost:5432/name, "
    "with /, @, # and ? in the password percent-encoded"
)

T = TypeVar("T")


class _Connection(asyncpg.Connection):  # type: ignore[misc]
    def get_reset_query(self) -> str:
        """Nothing to run when the connection goes back: no statement here changes its settings."""
        return ""


class Database:
    """A database given by its URL, whose password is in no message."""

    def __init__(self, url: str) -> None:
        """Nothing is connected before `open`. Raises `SettingsError` for a URL that is none."""
        self.place = _place(url)
        self._url = url
        self._pool: Any = None
        statements = named("postgres.sql")
        self._sql = {
            name: text.replace("{columns}", COLUMNS).replace("{fits}", statements["fits"])
            for name, text in statements.items()
        }

    async def open(self) -> None:
        """Connect and bring the schema up to date. Raises `SettingsError`."""
        try:
            self._pool = asyncpg.create_pool(
                **self._how(), min_size=0, max_size=CONNECTIONS, connection_class=_Connection, init=self._write_through
            )
            await self._pool
            await self._prepare()
        except (*_OF_THE_SERVER, ValueError, OutboxUnavailable) as error:
            await self.close()
            if isinstance(error, SettingsError):
                raise
            raise SettingsError(f"bridge.data: {_reason(self.place, error)}") from None

    async def close(self) -> None:
        """Let go of the connections."""
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                await asyncio.wait_for(pool.close(), CLOSE)
            except _OF_THE_SERVER:  # a time-out too
                pool.terminate()

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
        if isinstance(error, _OF_THE_DATA) or not isinstance(error, _OF_THE_SERVER):
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
                "search_path": "localtalon_bridge",  # a schema of its own: the database may be somebody's
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
        if server < OLDEST_SERVER * 10_000:
            found = f"{self.place} is a PostgreSQL {server // 10_000}"
            raise SettingsError(f"bridge.data: {found}; the outbox needs {OLDEST_SERVER} or newer")
        if not durable:
            log.warning(
                "%s runs with fsync off: what was accepted may be lost when its machine fails",
                self.place,
                extra={"action": "no_fsync"},
            )
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


def _place(url: str) -> str:
    """What messages call the database: its name and where it is, nothing else of the URL."""
    try:
        parts = urlsplit(url)
        port = parts.port or 5432
    except ValueError:
        raise SettingsError(_UNREADABLE) from None
    # An unescaped / or # in a password makes the rest of it look like a path.
    if "@" in parts.path or "@" in parts.query or "@" in parts.fragment:
        raise SettingsError(_UNREADABLE)
    name = unquote(parts.path.lstrip("/")) or unquote(parts.username or "") or "of the user"
    host = parts.hostname or parse_qs(parts.query).get("host", ["localhost"])[0]
    return f"the database {name!r} at {host}:{port}"


def _reason(place: str, error: Exception) -> str:
    if isinstance(error, OutboxUnavailable):
        return str(error)
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return f"cannot use {place}: the server refuses this user and password"
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return f"cannot use {place}: there is no such database; create it, for example with createdb"
    if isinstance(error, TimeoutError):
        return f"cannot use {place}: it does not answer in time"
    if isinstance(error, OSError):
        return f"cannot reach {place}: is the server running, and is this its address?"
    if isinstance(error, asyncpg.PostgresError):
        return f"cannot use {place}: {error}"
    return f"cannot use {place}: the connection or the server's answer is not understood ({type(error).__name__})"
