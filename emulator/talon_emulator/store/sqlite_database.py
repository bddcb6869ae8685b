"""The SQLite file of one process, opened and locked, with the statements by their names."""

import os
import sqlite3
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

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
        self._file = directory / FILE_NAME
        self._connection: sqlite3.Connection | None = None
        self._cursor: sqlite3.Cursor | None = None
        self._sql = statements.read(_HERE / "sqlite.sql")

    async def open(self) -> None:
        """Open the file, lock it against other processes, bring its schema up to date. Raises StoreUnavailable."""
        if self._connection is not None:
            return
        _prepare(self._directory, self._file)
        connection = sqlite3.connect(str(self._file), timeout=0, isolation_level=None, check_same_thread=False)
        try:
            _configure(connection)
        except (sqlite3.Error, StoreUnavailable, UnicodeDecodeError) as error:  # SQLite may quote what is damaged
            connection.close()
            raise StoreUnavailable(_reason(self._file, error)) from error
        self._connection, self._cursor = connection, connection.cursor()

    async def close(self) -> None:
        """Close the file and give up its lock."""
        if self._connection is not None:
            self._connection.close()
            self._connection = self._cursor = None

    def _run(self, name: str, *values: Any) -> list[Any]:
        assert self._cursor is not None, "the store is not open"
        try:
            return self._cursor.execute(self._sql[name], values).fetchall()
        except sqlite3.DatabaseError as error:
            self._fail(error)

    def _iterate(self, name: str, *values: Any) -> Iterator[Any]:
        """Yield rows one by one, for what may be long; nothing is written meanwhile."""
        assert self._connection is not None, "the store is not open"
        try:
            yield from self._connection.execute(self._sql[name], values)
        except sqlite3.DatabaseError as error:
            self._fail(error)

    def _run_with_list(self, name: str, values: Sequence[Any], items: Sequence[Any]) -> list[Any]:
        assert self._cursor is not None, "the store is not open"
        statement = self._sql[name].replace("?*", ",".join("?" * len(items)))
        try:
            return self._cursor.execute(statement, (*values, *items)).fetchall()
        except sqlite3.DatabaseError as error:
            self._fail(error)

    def _run_each(self, name: str, rows: Iterable[Sequence[Any]]) -> None:
        assert self._cursor is not None, "the store is not open"
        try:
            self._cursor.executemany(self._sql[name], rows)
        except sqlite3.DatabaseError as error:
            self._fail(error)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._begin_or_end("BEGIN IMMEDIATE")
        try:
            yield
            self._begin_or_end("COMMIT")
        except BaseException:
            if self._connection is not None and self._connection.in_transaction:  # some errors end it
                self._begin_or_end("ROLLBACK")
            raise

    def _begin_or_end(self, statement: str) -> None:
        assert self._connection is not None, "the store is not open"
        try:
            self._connection.execute(statement)
        except sqlite3.DatabaseError as error:
            self._fail(error)

    def _fail(self, error: sqlite3.DatabaseError) -> NoReturn:
        """Raise StoreUnavailable for what is wrong with the file, and the error itself for what is not."""
        if not isinstance(error, sqlite3.OperationalError) and type(error) is not sqlite3.DatabaseError:
            raise error
        raise StoreUnavailable(_reason(self._file, error)) from error

    def _damaged(self, what: str) -> StoreUnavailable:
        return StoreUnavailable(f"{self._file} is damaged: {what}; {_INSTEAD}")


def _prepare(directory: Path, path: Path) -> None:
    """Make the directory (0700) and the file (0600), refusing what could lead into others' files or let them in."""
    try:
        for place in (directory, path):
            if place.is_symlink():
                raise StoreUnavailable(f"{place} is a symbolic link; give the real directory")
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _shut(directory)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            os.chmod(path, 0o600)
        finally:
            os.close(handle)
    except OSError as error:
        raise StoreUnavailable(f"cannot use {directory} for data: {error.strerror}") from error


def _shut(directory: Path) -> None:
    """Take a directory that anybody may write to for oneself, if it is one's own and empty; else refuse it."""
    found = directory.stat()
    if os.name == "nt" or not found.st_mode & stat.S_IWOTH:
        return
    if found.st_uid == os.geteuid() and not any(directory.iterdir()):
        directory.chmod(0o700)
        return
    hint = "give a directory inside of it that is not there yet, or take that right away with chmod o-w"
    raise StoreUnavailable(f"anybody may write to {directory}, and so replace the data; {hint}")


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
    if not 0 <= version <= len(SCHEMAS):
        raise StoreUnavailable("it was written by a newer version of the emulator")
    connection.execute("COMMIT")
    for number, name in enumerate(SCHEMAS[version:], start=version + 1):
        schema = (_HERE / name).read_text(encoding="utf-8")
        connection.executescript(f"BEGIN;\n{schema}\nPRAGMA user_version = {number};\nCOMMIT;")


_INSTEAD: Final = "put a copy of it in its place, or move it away to start anew"
_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
_FULL: Final = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


def _reason(file: Path, error: Exception) -> str:
    if isinstance(error, StoreUnavailable):
        return f"cannot open {file}: {error}; use that one, or give another directory"
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # the rest tells more of the same
    if code == sqlite3.SQLITE_BUSY:
        return f"{file} is in use by another process; stop that one or give another directory"
    if code in _DAMAGED:  # statements of ours fail when what describes the tables is damaged
        what = str(error).partition("\n")[0] if isinstance(error, sqlite3.Error) else "malformed database schema"
        return f"{file} is damaged, or is none of the emulator's: {what}; {_INSTEAD}"
    if code in _FULL:
        return f"cannot read or write {file}: {error}; is the disk full, or gone?"
    return f"cannot use {file}: {error}; give another directory"
