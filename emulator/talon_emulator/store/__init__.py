"""The stores: where deployments and customer profiles are kept."""

from pathlib import Path

from talon_emulator.store.protocol import NameTaken, SharedStore, Store, StoreUnavailable

__all__ = ["NameTaken", "SharedStore", "Store", "StoreUnavailable", "open_store"]


def open_store(data: str | None) -> Store:
    """Return the store that `data` names: None for memory, the URL of a PostgreSQL database, or a directory for SQLite.

    The store is not open yet. Raises StoreUnavailable for another URL, and for one whose driver is not installed.
    """
    if data is None:
        from talon_emulator.store.memory import MemoryStore

        return MemoryStore()
    if "://" in data:
        return _database(data)
    from talon_emulator.store.sqlite import SQLiteStore

    return SQLiteStore(Path(data))


def _database(url: str) -> Store:
    kind = url.split("://", 1)[0]
    if kind not in ("postgresql", "postgres"):
        hint = "give postgresql://…, a directory for a file, or nothing for memory"
        raise StoreUnavailable(f"no store for {kind}:// URLs: {hint}")
    try:
        from talon_emulator.store.postgres import PostgresStore
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        hint = "pip install asyncpg, or localtalon with its extra 'postgres'"
        raise StoreUnavailable(f"PostgreSQL needs asyncpg: {hint}") from None
    return PostgresStore(url)
