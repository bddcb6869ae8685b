"""The SQLite file of an outbox: one process, one thread for all statements, one fsync for all who wait."""

import asyncio
import contextlib
import fcntl
import logging
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from talon_bridge.outbox import sqlite_check
from talon_bridge.outbox.protocol import OutboxUnavailable, State
from talon_bridge.outbox.queries import named
from talon_bridge.settings import SettingsError

SCHEMA_VERSION = 2
CACHE_KIB = 64 * 1024  # SQLite's own 2 MiB make appends slow once a million events wait (measured)
WAL_PAGES = (
    4000  # 16 MiB before a checkpoint, which syncs twice; SQLite's own 1000 cost a fifth of the appends (measured)
)
_FULL = 2  # PRAGMA synchronous: every commit reaches the disk
CHECKED = 64 * 1024 * 1024  # bytes up to which the whole file is checked: in 0.1 s, or 1 s from a slow disk (measured)
# After these nothing is certain any more: what SQLite reads, or whether what it writes ever reaches the disk.
_LASTING = (
    "SQLITE_IOERR_FSYNC",
    "SQLITE_IOERR_DIR_FSYNC",
    "SQLITE_IOERR_CORRUPTFS",
    "SQLITE_IOERR_DATA",
    "SQLITE_CORRUPT",
    "SQLITE_NOTADB",
)

_MADE = b"there is an outbox\n"  # in the lock file: an empty file beside it was not always empty

log = logging.getLogger(__name__)

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], Any]


class _Asked(NamedTuple):
    job: Job
    writes: bool
    answer: "asyncio.Future[Any]"


class Database:
    """A connection to `path` (None: in memory) and the thread that alone uses it.

    Whatever is to be written while a commit is under way shares the next one, so that many concurrent requests cost
    one fsync. What is only read does not suffer when a commit fails. Jobs note in `changed` how many events came to a
    state or left it; each transaction keeps the counts with what they count.
    """

    def __init__(self, path: Path | None) -> None:
        self.changed: Counter[State] = Counter()
        self._path = path
        self._sql = named("outbox.sql")
        self._thread = ThreadPoolExecutor(1, "outbox")
        self._asked: list[_Asked] = []
        self._wake = asyncio.Event()
        self._closing = False
        self._broken = ""
        self._committer: asyncio.Task[None] | None = None
        self._lock: int | None = None
        self._db: sqlite3.Connection

    async def open(self) -> None:
        """Connect; raises `SettingsError`."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._connect)
        except SettingsError:
            self._release()
            raise
        self._committer = asyncio.create_task(self._commit_forever(), name="outbox commits")

    async def close(self) -> None:
        """Finish what was asked for and let go of the file."""
        self._closing = True
        self._wake.set()
        if self._committer is not None:
            await self._committer
            await asyncio.get_running_loop().run_in_executor(self._thread, self._db.close)
        self._release()

    async def write(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run a job in the next transaction; returns once that is on disk. Raises `OutboxUnavailable`."""
        return await self._ask(job, writes=True)

    async def read(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run a job that changes nothing. Raises `OutboxUnavailable`."""
        return await self._ask(job, writes=False)

    async def _ask(self, job: Callable[[sqlite3.Connection], T], writes: bool) -> T:
        if self._closing or self._committer is None:
            raise OutboxUnavailable("the outbox is closing" if self._closing else "the outbox is not open")
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._asked.append(_Asked(job, writes, answer))
        self._wake.set()
        return await answer

    async def _commit_forever(self) -> None:
        loop = asyncio.get_running_loop()
        while not (self._closing and not self._asked):
            await self._wake.wait()
            self._wake.clear()
            asked, self._asked = self._asked, []
            for writes, run in ((True, self._commit), (False, self._read)):
                batch = [one for one in asked if one.writes is writes]
                if not batch:
                    continue
                try:
                    results = await loop.run_in_executor(self._thread, run, [one.job for one in batch])
                except Exception as error:  # nothing that goes wrong in one batch may end all others to come
                    for one in batch:
                        _resolve(one.answer, error=self._explained(error, writes))
                else:
                    for one, result in zip(batch, results, strict=True):
                        _resolve(one.answer, result)

    def _explained(self, error: Exception, writes: bool) -> Exception:
        """An error of SQLite as callers know it. After a lasting one nothing is taken or told: see `_commit`."""
        if not isinstance(error, sqlite3.Error):
            return error
        name: str = getattr(error, "sqlite_errorname", "")  # errors of the module itself have none
        if not name.startswith(_LASTING):
            return OutboxUnavailable(f"the outbox cannot be {'written' if writes else 'read'}: {error}")
        if not self._broken:
            self._broken = f"the outbox cannot be used until the bridge is started again: {error} ({name})"
            log.error("%s: %s", self._path, self._broken, extra={"action": "outbox_broken"})
        return OutboxUnavailable(self._broken)

    def _commit(self, jobs: Sequence[Job]) -> list[Any]:
        """Run all jobs in one transaction, so that all become durable together or none does.

        Once an fsync has failed, a later one that succeeds proves nothing: the system may have dropped the pages.
        """
        if self._broken:
            raise OutboxUnavailable(self._broken)
        self.changed.clear()
        self._db.execute("BEGIN IMMEDIATE")
        try:
            results = [job(self._db) for job in jobs]
            if any(self.changed.values()):
                self._db.execute(self._sql["recount"], [self.changed[state] for state in State])
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                with contextlib.suppress(sqlite3.Error):  # the first error is the one to tell
                    self._db.execute("ROLLBACK")
            raise
        return results

    def _read(self, jobs: Sequence[Job]) -> list[Any]:
        if self._broken:
            raise OutboxUnavailable(self._broken)
        return [job(self._db) for job in jobs]

    def _connect(self) -> None:
        if self._path is not None:
            self._prepare(self._path)
        db = sqlite3.connect(self._path or ":memory:", isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            db.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
            (level,) = db.execute("PRAGMA synchronous").fetchone()
            if level != _FULL:
                raise SettingsError(f"{self._path}: SQLite does not write through to the disk (synchronous = {level})")
            self._migrate(db)
            self._write_back(db)
        except (
            sqlite3.DatabaseError,
            UnicodeDecodeError,
        ) as error:  # the latter: a message that quotes a damaged schema
            db.close()
            raise SettingsError(f"{self._path} cannot be used as an outbox: {error}") from error
        except SettingsError:
            db.close()
            raise
        self._db = db
        if self._lock is not None:
            os.pwrite(self._lock, _MADE, 0)

    def _migrate(self, db: sqlite3.Connection) -> None:
        sql = self._sql
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise SettingsError(f"{self._path} was written by a newer localtalon (schema {version})")
        steps = [sql["from_1"], sql["schema"], sql["from_1_after"]] if version == 1 else [sql["schema"]]
        db.executescript("\n".join(["BEGIN;", *steps, f"PRAGMA user_version = {SCHEMA_VERSION};", "COMMIT;"]))

    def _write_back(self, db: sqlite3.Connection) -> None:
        """Bring what an earlier run left in the log into the file, so that it is written and synced once more.

        If a sync failed then, the system may show in the log what the disk never got; later commits behind that would
        be durable in vain. A full disk is no reason not to start.
        """
        try:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_FULL":
                raise

    def _prepare(self, path: Path) -> None:
        """Make the directory, lock it against a second process, look for damage, keep the file from other users."""
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if path.is_symlink():
                raise SettingsError(f"{path} is a symbolic link; name the directory itself")
            self._take_lock(path)
            self._examine(path)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise SettingsError(f"{path} cannot be used as an outbox: {error.strerror}") from None

    def _examine(self, path: Path) -> None:
        """Refuse a file that is damaged; a large one is not read as a whole, which `localtalon doctor` does."""
        assert self._lock is not None
        examined = sqlite_check.examine(path)
        damage, size = examined.damage, path.stat().st_size if path.exists() else None
        if not damage and size == 0 and os.pread(self._lock, 1, 0):
            damage = "it is empty, and was not when it was closed"
        elif not damage and size and size <= CHECKED:
            damage = "; ".join(sqlite_check.findings(path)[:1])
        if damage:
            what_to_do = f"nothing of it was changed; see: localtalon doctor --data {path.parent}"
            raise SettingsError(f"{path} cannot be used as an outbox: {damage}; {what_to_do}")
        if examined.doubt:
            log.warning("%s: %s", path, examined.doubt, extra={"action": "outbox_doubt"})

    def _take_lock(self, path: Path) -> None:
        lock = os.open(path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise SettingsError(f"another bridge is using {path}; stop it, or give this one its own --data") from None
        self._lock = lock

    def _release(self) -> None:
        self._thread.shutdown()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _resolve(future: "asyncio.Future[Any]", result: Any = None, error: Exception | None = None) -> None:
    if future.done():  # whoever asked has gone away
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
