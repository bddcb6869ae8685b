"""The store of Engage: definitions, members, syncs, and the changes that wait to be sent."""

from pathlib import Path

from talon_bridge.engage.store.protocol import Store
from talon_bridge.settings import SettingsError

FILE_NAME = "engage.sqlite3"


def open_store(data: str | None) -> Store:
    """The store that `data` names: None for memory, the URL of a PostgreSQL database, or a directory for a file.

    It is not open yet. Raises `SettingsError` for another URL, and when the driver of the database is not installed.
    """
    if data is not None and "://" in data:
        return _database(data)
    from talon_bridge.engage.store.sqlite import SqliteStore

    return SqliteStore(None if data is None else Path(data) / FILE_NAME)


def _database(url: str) -> Store:
    kind = url.split("://", 1)[0]
    if kind not in ("postgresql", "postgres"):
        hint = "give postgresql://…, a directory for a file, or nothing for memory"
        raise SettingsError(f"bridge.data is {kind}://…; Engage cannot be kept there: {hint}")
    try:
        from talon_bridge.engage.store.postgres import PostgresStore
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        hint = 'pip install asyncpg, or localtalon with its extra: "localtalon[postgres]"'
        raise SettingsError(f"bridge.data names a PostgreSQL database, which needs asyncpg: {hint}") from None
    return PostgresStore(url)
