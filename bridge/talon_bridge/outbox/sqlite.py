"""An outbox in SQLite: one file, one process, one writing thread, one fsync for all who wait."""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from talon_bridge import codec
from talon_bridge.events import Accepted
from talon_bridge.outbox.protocol import (
    Attempt,
    Entry,
    OutboxUnavailable,
    Report,
    Settlement,
    State,
    Waiting,
)
from talon_bridge.outbox.queries import named
from talon_bridge.settings import SettingsError

DUPLICATE_WINDOW = 24 * 3600.0  # seconds (DEL-3); settled events are kept as long
PRUNE_EVERY = 500  # appended events; each time up to twice as many old ones go
SCHEMA_VERSION = 1
_FULL = 2  # PRAGMA synchronous: every commit reaches the disk

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], Any]

_attempts = codec.decoder(tuple[Attempt, ...])
_report = codec.decoder(Report)


class SqliteOutbox:
    """See `Outbox`. `path` None keeps it in memory.

    All statements run on one thread. Whatever is asked for while a commit is under way shares the next one, so that
    many concurrent requests cost one fsync.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._sql = named("outbox.sql")
        self._thread = ThreadPoolExecutor(1, "outbox")
        self._queue: list[tuple[Job, asyncio.Future[Any]]] = []
        self._wake = asyncio.Event()
        self._closing = False
        self._unpruned = 0
        self._committer: asyncio.Task[None] | None = None
        self._lock: int | None = None
        self._db: sqlite3.Connection

    async def open(self) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._connect)
        except SettingsError:
            self._release()
            raise
        self._committer = asyncio.create_task(self._commit_forever(), name="outbox commits")

    async def close(self) -> None:
        self._closing = True
        self._wake.set()
        if self._committer is not None:
            await self._committer
            await asyncio.get_running_loop().run_in_executor(self._thread, self._db.close)
        self._release()

    def _release(self) -> None:
        self._thread.shutdown()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def append(self, events: Sequence[Accepted]) -> list[Waiting]:
        return await self._do(lambda db: self._append(db, events))

    async def waiting(self) -> list[Waiting]:
        return await self._do(lambda db: [Waiting(*row) for row in db.execute(self._sql["waiting"])])

    async def entry(self, seq: int) -> Entry:
        found = await self._do(lambda db: db.execute(self._sql["entry"], (seq,)).fetchone())
        return _entry(found)

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        rows = [_row(settlement) for settlement in settlements]
        await self._do(lambda db: db.executemany(self._sql["settle"], rows))

    async def find(self, message_id: str) -> Entry | None:
        found = await self._do(lambda db: db.execute(self._sql["find"], (message_id,)).fetchone())
        return None if found is None else _entry(found)

    async def recent(self, limit: int, state: State | None = None, user_id: str | None = None) -> list[Entry]:
        wanted = {"limit": limit, "state": state, "user_id": user_id}
        found = await self._do(lambda db: db.execute(self._sql["recent"], wanted).fetchall())
        return [_entry(row) for row in found]

    async def counts(self) -> Mapping[State, int]:
        found = dict(await self._do(lambda db: db.execute(self._sql["counts"]).fetchall()))
        return {state: found.get(state, 0) for state in State}

    def _append(self, db: sqlite3.Connection, events: Sequence[Accepted]) -> list[Waiting]:
        stored = []
        self._unpruned += len(events)
        if events and self._unpruned >= PRUNE_EVERY:
            self._unpruned = 0
            db.execute(self._sql["prune"], (events[-1].received_at - DUPLICATE_WINDOW,))
        for event in events:
            row = {**msgspec.structs.asdict(event), "window": DUPLICATE_WINDOW}
            cursor = db.execute(self._sql["append"], row)
            if cursor.rowcount == 1 and cursor.lastrowid is not None:
                stored.append(Waiting(cursor.lastrowid, event.user_id or "", 0.0))
            else:
                db.execute(self._sql["duplicate"], {"message_id": event.message_id, "received_at": event.received_at})
        return stored

    async def _do(self, job: Callable[[sqlite3.Connection], T]) -> T:
        if self._closing:
            raise OutboxUnavailable("the outbox is closing")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.append((job, future))
        self._wake.set()
        return await future

    async def _commit_forever(self) -> None:
        loop = asyncio.get_running_loop()
        while not (self._closing and not self._queue):
            await self._wake.wait()
            self._wake.clear()
            jobs, self._queue = self._queue, []
            if not jobs:
                continue
            try:
                results = await loop.run_in_executor(self._thread, self._commit, [job for job, _ in jobs])
            except sqlite3.Error as error:
                for _, future in jobs:
                    _resolve(future, error=OutboxUnavailable(f"the outbox cannot be written: {error}"))
            except Exception as error:  # a bug in one job must not end the commits of all others to come
                for _, future in jobs:
                    _resolve(future, error=error)
            else:
                for (_, future), result in zip(jobs, results, strict=True):
                    _resolve(future, result)

    def _commit(self, jobs: Sequence[Job]) -> list[Any]:
        """Run all jobs in one transaction, so that all become durable together or none does."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            results = [job(self._db) for job in jobs]
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        return results

    def _connect(self) -> None:
        if self._path is not None:
            self._prepare(self._path)
        db = sqlite3.connect(self._path or ":memory:", isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            (level,) = db.execute("PRAGMA synchronous").fetchone()
            if level != _FULL:
                raise SettingsError(f"{self._path}: SQLite does not write through to the disk (synchronous = {level})")
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version > SCHEMA_VERSION:
                raise SettingsError(f"{self._path} was written by a newer localtalon (schema {version})")
            db.executescript(self._sql["schema"])
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        except sqlite3.DatabaseError as error:
            db.close()
            raise SettingsError(f"{self._path} cannot be used as an outbox: {error}") from error
        except SettingsError:
            db.close()
            raise
        self._db = db

    def _prepare(self, path: Path) -> None:
        """Make the directory, lock it against a second process, and keep the file from other users."""
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if path.is_symlink():
                raise SettingsError(f"{path} is a symbolic link; name the directory itself")
            self._take_lock(path)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise SettingsError(f"{path} cannot be used as an outbox: {error.strerror}") from None

    def _take_lock(self, path: Path) -> None:
        lock = os.open(path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise SettingsError(f"another bridge is using {path}; stop it, or give this one its own --data") from None
        self._lock = lock


def _resolve(future: "asyncio.Future[Any]", result: Any = None, error: Exception | None = None) -> None:
    if future.done():  # whoever asked has gone away
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)


def _entry(row: tuple[Any, ...]) -> Entry:
    seq, message_id, kind, user_id, body, received_at, timestamp, state, *rest = row
    attempts, not_before, report, duplicates, duplicate_at = rest
    return Entry(
        seq=seq,
        event=Accepted(message_id, kind, user_id, body, received_at, timestamp),
        state=State(state),
        attempts=_attempts.decode(attempts),
        not_before=not_before,
        report=None if report is None else _report.decode(report),
        duplicates=duplicates,
        duplicate_at=duplicate_at,
    )


def _row(settlement: Settlement) -> dict[str, Any]:
    return {
        "seq": settlement.seq,
        "state": settlement.state,
        "attempts": codec.encode(settlement.attempts),
        "not_before": settlement.not_before,
        "report": None if settlement.report is None else codec.encode(settlement.report),
    }
