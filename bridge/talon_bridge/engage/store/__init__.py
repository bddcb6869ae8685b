"""The store of Engage: definitions, members, syncs, and the changes that wait to be sent."""

from pathlib import Path

from talon_bridge.databases.choice import must_be_postgres
from talon_bridge.engage.store.protocol import Store

FILE_NAME = "engage.sqlite3"


def open_store(data: str | None) -> Store:
    """The store that `data` names: None for memory, the URL of a PostgreSQL database, or a directory for a file.

    It is not open yet. Raises `SettingsError` for another URL, and when the driver of the database is not installed.
    """
    if data is not None and "://" in data:
        must_be_postgres(data, "store of Engage")
        from talon_bridge.engage.store.postgres import PostgresStore

        return PostgresStore(data)
    from talon_bridge.engage.store.sqlite import SqliteStore

    return SqliteStore(None if data is None else Path(data) / FILE_NAME)
