"""The SQLite file of an outbox: one process, one thread for all statements, one fsync for all who wait."""

import asyncio
import contextlib
import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from talon_bridge.databases.queries import named
from talon_bridge.databases.sqlite_file import SqliteFile, lasting
from talon_bridge.outbox.protocol import OutboxUnavailable, State
from talon_bridge.settings import SettingsError

SCHEMA_VERSION = 2
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
        self._sql = named("talon_bridge.outbox", "outbox.sql")
        mend = f"see: localtalon doctor --data {path.parent}" if path is not None else ""
        self._file = SqliteFile(path, "an outbox", mend)
        self._thread = ThreadPoolExecutor(1, "outbox")
        self._asked: list[_Asked] = []
        self._wake = asyncio.Event()
        self._closing = False
        self._broken = ""
        self._committer: asyncio.Task[None] | None = None
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
        """An error of SQLite as callers know it. After a lasting one nothing is taken or told."""
        if not isinstance(error, sqlite3.Error):
            return error
        name = lasting(error)
        if not name:
            return OutboxUnavailable(f"the outbox cannot be {'written' if writes else 'read'}: {error}")
        if not self._broken:
            self._broken = f"the outbox cannot be used until the bridge is started again: {error} ({name})"
            log.error("%s: %s", self._path, self._broken, extra={"action": "outbox_broken"})
        return OutboxUnavailable(self._broken)

    def _commit(self, jobs: Sequence[Job]) -> list[Any]:
        """Run all jobs in one transaction, so that all become durable together or none does."""
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
        self._db = self._file.connect(self._migrate)

    def _migrate(self, db: sqlite3.Connection) -> None:
        sql = self._sql
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise self._file.newer(version)
        steps = [sql["from_1"], sql["schema"], sql["from_1_after"]] if version == 1 else [sql["schema"]]
        db.executescript("\n".join(["BEGIN;", *steps, f"PRAGMA user_version = {SCHEMA_VERSION};", "COMMIT;"]))

    def _release(self) -> None:
        self._thread.shutdown()
        self._file.release()


def _resolve(future: "asyncio.Future[Any]", result: Any = None, error: Exception | None = None) -> None:
    if future.done():  # whoever asked has gone away
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
