"""The outbox: what was accepted and is not settled, and for a day what became of the rest."""

from pathlib import Path

from talon_bridge.databases.choice import must_be_postgres
from talon_bridge.outbox.protocol import HOLD, Outbox

FILE_NAME = "bridge.sqlite3"
LEASE = 25.0


def open_outbox(data: str | None, lease: float = LEASE, hold: float = HOLD) -> Outbox:
    """The outbox that `data` names: None for memory, the URL of a PostgreSQL database, or a directory for a file.

    `lease` is how many seconds a process may be silent before others deliver its events (PostgreSQL only), `hold` how
    many a request of a run that died may need to land (a file only). The outbox is not open yet. Raises
    `SettingsError` for another URL, and when the driver of the database is not installed.
    """
    if data is not None and "://" in data:
        must_be_postgres(data, "outbox")
        from talon_bridge.outbox.postgres import PostgresOutbox

        return PostgresOutbox(data, lease)
    from talon_bridge.outbox.sqlite import SqliteOutbox

    return SqliteOutbox(None if data is None else Path(data) / FILE_NAME, hold)
