"""The SQLite database of Engage: one process, one thread for all statements, each job a transaction."""

import asyncio
import contextlib
import logging
import secrets
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import msgspec

from talon_bridge.databases.queries import named
from talon_bridge.databases.sqlite_file import SqliteFile, lasting
from talon_bridge.engage.store import rows
from talon_bridge.engage.store.protocol import StoreUnavailable

APPLICATION = 0x4C54454E  # "LTEN", in the header of the file
SCHEMA_VERSION = 1
STAGED_KIB = 32 * 1024  # of staged rows in memory; the rest is in a temporary file
LOG_KEPT = 16 * 1024 * 1024  # bytes; a decision over millions of users makes the log larger for a while
_MEND = "move it away to begin anew: then the next sync of an audience sends every member once more"

log = logging.getLogger(__name__)

T = TypeVar("T")


def statements(sql: str) -> list[str]:
    """The single statements of a text; `executescript` would end the transaction."""
    return [statement for statement in sql.split(";") if statement.strip()]


class Database:
    """A connection to `path` (None: in memory) and the thread that alone uses it."""

    def __init__(self, path: Path | None) -> None:
        self.token = ""
        self._path = path
        self._file = SqliteFile(path, "a store of Engage", _MEND, APPLICATION)
        self._thread = ThreadPoolExecutor(1, "engage")
        self._sql = named("talon_bridge.engage.store", "sqlite.sql")
        self._broken = ""
        self._is_open = False
        self._db: sqlite3.Connection

    async def open(self) -> None:
        """Connect; raises `SettingsError`."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._connect)
        except BaseException:
            self._release()
            raise
        self._is_open = True

    async def close(self) -> None:
        """Finish what was begun and let go of the file."""
        if self._is_open:
            self._is_open = False
            await asyncio.get_running_loop().run_in_executor(self._thread, self._db.close)
        self._release()

    async def run(self, job: Callable[[sqlite3.Connection], T], done: Callable[[], object] = lambda: None) -> T:
        """Run a job in a transaction, and `done` once that is on disk. Raises `StoreUnavailable`."""
        if not self._is_open:
            raise StoreUnavailable("the store of Engage is not open")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, job, done)
        except sqlite3.Error as error:
            raise self._explained(error) from error

    def write_back(self) -> None:
        """Bring the log into the file, behind what was begun: after a large one, the next start has less to read."""
        if self._is_open:
            asyncio.get_running_loop().run_in_executor(self._thread, self._write_back)

    def _write_back(self) -> None:
        with contextlib.suppress(sqlite3.Error):  # as for every other checkpoint, the next commit tells
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _transact(self, job: Callable[[sqlite3.Connection], T], done: Callable[[], object]) -> T:
        if self._broken:
            raise StoreUnavailable(self._broken)
        self._db.execute("BEGIN")
        try:
            result = job(self._db)
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                with contextlib.suppress(sqlite3.Error):  # the first error is the one to tell
                    self._db.execute("ROLLBACK")
            raise
        done()
        return result

    def _explained(self, error: sqlite3.Error) -> StoreUnavailable:
        """An error of SQLite as callers know it. After a lasting one nothing is taken or told."""
        name = lasting(error)
        if not name:
            return StoreUnavailable(f"the store of Engage cannot be used: {error}")
        if not self._broken:
            self._broken = f"the store of Engage cannot be used until the bridge is started again: {error} ({name})"
            log.error("%s: %s", self._path, self._broken, extra={"action": "engage_broken"})
        return StoreUnavailable(self._broken)

    def _connect(self) -> None:
        self._db = self._file.connect(self._migrate)
        self._db.execute("PRAGMA temp_store = FILE")
        self._db.execute("PRAGMA temp.secure_delete = OFF")  # that file has no name: nobody finds what is left in it
        self._db.execute(f"PRAGMA temp.cache_size = -{STAGED_KIB}")
        self._db.execute(f"PRAGMA journal_size_limit = {LOG_KEPT}")

    def _migrate(self, db: sqlite3.Connection) -> None:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        (marked,) = db.execute("PRAGMA application_id").fetchone()
        if version > SCHEMA_VERSION:
            raise self._file.newer(version)
        if marked and version < 1:
            raise self._file.unusable(f"its schema is {version}, which no localtalon has written")
        db.execute("BEGIN IMMEDIATE")
        if not marked:
            for statement in statements(self._sql["schema"]):
                db.execute(statement)
            db.execute(self._sql["make"], (secrets.token_hex(16),))
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            db.execute(f"PRAGMA application_id = {APPLICATION}")
        db.execute(self._sql["interrupt"])
        self.token = self._examined(db)
        db.execute("COMMIT")

    def _examined(self, db: sqlite3.Connection) -> str:
        """The token; raises `SettingsError` for what SQLite cannot know to be damaged."""
        found = db.execute(self._sql["token"]).fetchall()
        if len(found) != 1:
            raise self._file.unusable("its table store does not have the one row that it must have")
        for id, definition in db.execute(self._sql["definitions"]):
            try:
                rows.computation(definition)
            except (msgspec.MsgspecError, TypeError, ValueError) as error:
                raise self._file.unusable(f"the definition of {id!r} cannot be read: {error}") from None
        token: str = found[0][0]
        return token

    def _release(self) -> None:
        self._thread.shutdown()
        self._file.release()
