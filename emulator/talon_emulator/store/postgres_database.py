"""The PostgreSQL database of several processes: its connections, its schema, and the statements by their names."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import asyncpg
import asyncpg.pool

from talon_emulator.store import statements
from talon_emulator.store.protocol import StoreUnavailable

_HERE = Path(__file__).parent
_SCHEMAS = ("postgres_schema_1.sql",)
_CONNECT: Final = 10  # seconds to wait for a connection
_CLOSE: Final = 5  # seconds that statements get to end
_PREFETCH: Final = 500  # rows that are fetched at a time where there may be many


class Again(Exception):
    """Another process was there first: the transaction has to be begun again."""


class _Connection(asyncpg.Connection):  # type: ignore[misc]
    def get_reset_query(self) -> str:
        """Return nothing to run when the connection goes back: no statement here changes its settings."""
        return ""


class PostgresDatabase:
    """A database given by its URL, whose password is in no message."""

    def __init__(self, url: str) -> None:
        """Remember where; nothing is connected before `open`. Raises StoreUnavailable for a URL that is none."""
        self._url = url
        self._place = _place(url)
        self._pool: Any = None
        self._sql = statements.read(_HERE / "postgres.sql")

    async def open(self) -> None:
        """Connect and bring the schema up to date. Raises StoreUnavailable."""
        if self._pool is not None:
            return
        pool = asyncpg.create_pool(
            self._url,
            min_size=1,
            max_size=10,
            timeout=_CONNECT,
            connection_class=_Connection,
            # A schema of its own, since the database may be somebody's.
            server_settings={"search_path": "localtalon", "application_name": "localtalon"},
        )
        try:
            self._pool = await pool
            await self._upgrade()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError, StoreUnavailable) as error:
            pool.terminate()
            self._pool = None
            raise StoreUnavailable(_reason(self._place, error)) from None

    async def close(self) -> None:
        """Let go of the connections."""
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                await asyncio.wait_for(pool.close(), _CLOSE)
            except TimeoutError:
                pool.terminate()

    def _damaged(self, what: str) -> StoreUnavailable:
        hint = "restore a copy of it, or drop its schema localtalon to start anew"
        return StoreUnavailable(f"{self._place} is damaged: {what}; {hint}")

    async def _run(self, name: str, *values: Any, on: Any = None) -> list[Any]:
        """Run a statement on the connection of a transaction, or on any."""
        assert self._pool is not None, "the store is not open"
        rows: list[Any] = await (on or self._pool).fetch(self._sql[name], *values)
        return rows

    async def _run_each(self, name: str, rows: list[tuple[Any, ...]], on: Any) -> None:
        if rows:
            await on.executemany(self._sql[name], rows)

    async def _iterate(self, name: str, *values: Any) -> AsyncIterator[Any]:
        """Yield rows bit by bit, for what may be long."""
        async with self._transaction() as on:
            async for row in on.cursor(self._sql[name], *values, prefetch=_PREFETCH):
                yield row

    @asynccontextmanager
    async def _transaction(self, isolation: str = "read_committed") -> AsyncIterator[Any]:
        assert self._pool is not None, "the store is not open"
        async with self._pool.acquire() as connection, connection.transaction(isolation=isolation):
            yield connection

    async def _upgrade(self) -> None:
        async with self._transaction() as on:
            # Several processes may start at the same time.
            await self._run("lock_schema", on=on)
            for name in ("create_schema", "create_version", "insert_version"):
                await on.execute(self._sql[name])
            [(version,)] = await self._run("find_version", on=on)
            if version > len(_SCHEMAS):
                raise StoreUnavailable("it was written by a newer version of the emulator")
            for number, file in enumerate(_SCHEMAS[version:], start=version + 1):
                await on.execute((_HERE / file).read_text(encoding="utf-8"))
                await self._run("update_version", number, on=on)


def _place(url: str) -> str:
    """Return what messages call the database: its name and where it is, nothing else of the URL."""
    try:
        parts = urlsplit(url)
        port = parts.port or 5432
    except ValueError:
        raise StoreUnavailable(_UNREADABLE) from None
    # An unescaped / or # in a password makes the rest of it look like a path.
    if "@" in parts.path or "@" in parts.query or "@" in parts.fragment:
        raise StoreUnavailable(_UNREADABLE)
    return f"the database {_database(parts)!r} at {_host(parts)}:{port}"


_UNREADABLE = (
    "this is no URL of a database; it must be like postgresql://user:password@localhost:5432/name, "
    "with /, @, # and ? in the password percent-encoded"
)


def _database(parts: SplitResult) -> str:
    return unquote(parts.path.lstrip("/")) or unquote(parts.username or "") or "of the user"


def _host(parts: SplitResult) -> str:
    return parts.hostname or parse_qs(parts.query).get("host", ["localhost"])[0]


def _reason(place: str, error: Exception) -> str:
    if isinstance(error, StoreUnavailable):
        return f"cannot use {place}: {error}"
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return f"cannot use {place}: the server refuses this user and password"
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return f"cannot use {place}: there is no such database; create it, for example with createdb"
    if isinstance(error, OSError):  # a time-out too
        return f"cannot reach {place}: is the server running, and is this its address?"
    if isinstance(error, asyncpg.PostgresError):
        return f"cannot use {place}: {error}"
    return f"cannot use {place}: the URL or the server's answer is not understood ({type(error).__name__})"
