"""The outbox: what was accepted and is not settled, and for a day what became of the rest."""

from pathlib import Path

from talon_bridge.outbox.protocol import Outbox
from talon_bridge.outbox.sqlite import SqliteOutbox
from talon_bridge.settings import SettingsError

FILE_NAME = "bridge.sqlite3"


def open_outbox(data: str | None) -> Outbox:
    """The outbox that `data` names: None for memory, else a directory for a SQLite file."""
    if data is None:
        return SqliteOutbox(None)
    if "://" in data:
        raise SettingsError(f"bridge.data is {data.split('://')[0]}://…; this version keeps its outbox in SQLite only")
    return SqliteOutbox(Path(data) / FILE_NAME)
