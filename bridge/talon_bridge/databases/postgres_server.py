"""A PostgreSQL server given by a URL: what messages call it, which one will do, and its errors in words."""

import asyncio
import logging
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg

from talon_bridge.settings import SettingsError

SCHEMA: Final = "localtalon_bridge"  # of our own: the database may be somebody's
OLDEST_SERVER: Final = 14  # the oldest that PostgreSQL's makers still maintained in 2026
CONNECT: Final = 10.0  # seconds to wait for a connection
CLOSE: Final = 5.0  # seconds that statements get to end
# What a caller's own values are to blame for; all other errors are of the server.
OF_THE_DATA: Final = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.ProgramLimitExceededError)
OF_THE_SERVER: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
_UNREADABLE = (
    "bridge.data is no URL of a database; it must be like postgresql://user:password@localhost:5432/name, "
    "with /, @, # and ? in the password percent-encoded"
)

log = logging.getLogger(__name__)


async def closed(pool: Any) -> None:
    """Close a pool, whose statements get a few seconds to end."""
    try:
        await asyncio.wait_for(pool.close(), CLOSE)
    except OF_THE_SERVER:  # a time-out too
        pool.terminate()


class PooledConnection(asyncpg.Connection):  # type: ignore[misc]
    """A connection of a pool."""

    def get_reset_query(self) -> str:
        """Nothing to run when it goes back: no statement of ours changes its settings."""
        return ""


def place(url: str) -> str:
    """What messages call the database: its name and where it is, nothing else of the URL. Raises `SettingsError`."""
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


def approve(place: str, version: int, durable: bool, noun: str) -> None:
    """Raise `SettingsError` for a server that is too old for `noun`; say so when it may lose what it has."""
    if version < OLDEST_SERVER * 10_000:
        found = f"{place} is a PostgreSQL {version // 10_000}"
        raise SettingsError(f"bridge.data: {found}; {noun} needs {OLDEST_SERVER} or newer")
    if not durable:
        log.warning(
            "%s runs with fsync off: what was accepted may be lost when its machine fails",
            place,
            extra={"action": "no_fsync"},
        )


def of_the_data(error: Exception) -> bool:
    """Whether an error is no matter of the server."""
    return isinstance(error, OF_THE_DATA) or not isinstance(error, OF_THE_SERVER)


def reason(place: str, error: Any) -> str:
    """Why the database cannot be used."""
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
