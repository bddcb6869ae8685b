"""The SQLite file of one process, opened and locked, with the statements by their names."""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from talon_emulator.store import statements
from talon_emulator.store.protocol import StoreUnavailable

FILE_NAME: Final = "emulator.sqlite3"
_HERE = Path(__file__).parent
SCHEMAS = ("sqlite_schema_1.sql", "sqlite_schema_2.sql", "sqlite_schema_3.sql", "sqlite_schema_4.sql")


class SQLiteDatabase:
    """A database in `directory`."""

    def __init__(self, directory: Path) -> None:
        """Remember where; nothing is touched before `open`."""
        self._directory = directory
        self._connection: sqlite3.Connection | None = None
        self._cursor: sqlite3.Cursor | None = None
        self._sql = statements.read(_HERE / "sqlite.sql")

    async def open(self) -> None:
        """Open the file, lock it against other processes, bring its schema up to date. Raises StoreUnavailable."""
        if self._connection is not None:
            return
        where = str(_prepare(self._directory))
        connection = sqlite3.connect(where, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            _configure(connection)
        except (sqlite3.Error, StoreUnavailable) as error:
            connection.close()
            raise StoreUnavailable(_reason(where, error)) from error
        self._connection, self._cursor = connection, connection.cursor()

    async def close(self) -> None:
        """Close the file and give up its lock."""
        if self._connection is not None:
            self._connection.close()
            self._connection = self._cursor = None

    def _run(self, name: str, *values: Any) -> list[Any]:
        assert self._cursor is not None, "the store is not open"
        return self._cursor.execute(self._sql[name], values).fetchall()

    def _iterate(self, name: str, *values: Any) -> Iterator[Any]:
        """Yield rows one by one, for what may be long; nothing is written meanwhile."""
        assert self._connection is not None, "the store is not open"
        return self._connection.execute(self._sql[name], values)

    def _run_with_list(self, name: str, values: Sequence[Any], items: Sequence[Any]) -> list[Any]:
        assert self._cursor is not None, "the store is not open"
        statement = self._sql[name].replace("?*", ",".join("?" * len(items)))
        return self._cursor.execute(statement, (*values, *items)).fetchall()

    def _run_each(self, name: str, rows: Iterable[Sequence[Any]]) -> None:
        assert self._cursor is not None, "the store is not open"
        self._cursor.executemany(self._sql[name], rows)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        assert self._connection is not None, "the store is not open"
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


def _prepare(directory: Path) -> Path:
    """Make the directory (0700) and the file (0600), refusing symbolic links, which could lead into others' files."""
    path = directory / FILE_NAME
    try:
        for place in (directory, path):
            if place.is_symlink():
                raise StoreUnavailable(f"{place} is a symbolic link; give the real directory")
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            os.chmod(path, 0o600)
        finally:
            os.close(handle)
    except OSError as error:
        raise StoreUnavailable(f"cannot use {directory} for data: {error.strerror}") from error
    return path


def _configure(connection: sqlite3.Connection) -> None:
    # Exclusive mode keeps the lock for the life of the connection, however the process ends. In WAL mode, NORMAL loses
    # nothing when the process is killed; only a power failure can undo the last commits.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    # Pages; four times the default, since updates of a million profiles rarely meet on one.
    connection.execute("PRAGMA wal_autocheckpoint = 4000")
    # Kibibytes, eighty times the default: with less, a million profiles are updated much slower (measured).
    connection.execute("PRAGMA cache_size = -160000")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("BEGIN EXCLUSIVE")
    [(version,)] = connection.execute("PRAGMA user_version").fetchall()
    if version > len(SCHEMAS):
        raise StoreUnavailable("it was written by a newer version of the emulator")
    connection.execute("COMMIT")
    for number, name in enumerate(SCHEMAS[version:], start=version + 1):
        schema = (_HERE / name).read_text(encoding="utf-8")
        connection.executescript(f"BEGIN;\n{schema}\nPRAGMA user_version = {number};\nCOMMIT;")


def _reason(where: str, error: Exception) -> str:
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
        return f"{where} is in use by another process; stop that one or give another directory"
    return f"cannot open {where}: {error}"
