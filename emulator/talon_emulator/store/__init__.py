"""The stores: where deployments and customer profiles are kept."""

from pathlib import Path

from talon_emulator.store.protocol import Store, StoreUnavailable

__all__ = ["Store", "StoreUnavailable", "open_store"]


def open_store(data: str | None) -> Store:
    """Return the store that `data` names: None for memory, else the directory of a SQLite file.

    The store is not open yet. Raises StoreUnavailable for a URL, which names a kind of store that does not exist yet.
    """
    if data is None:
        from talon_emulator.store.memory import MemoryStore

        return MemoryStore()
    if "://" in data:
        kind = data.split("://", 1)[0]
        raise StoreUnavailable(f"no store for {kind}:// URLs: give a directory, or nothing for memory")
    from talon_emulator.store.sqlite import SQLiteStore

    return SQLiteStore(Path(data))
