"""A store of Engage in SQLite: one file, which one process owns."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from talon_bridge.databases.queries import named
from talon_bridge.engage.computations import Computation
from talon_bridge.engage.rows import Member, Refused
from talon_bridge.engage.store import rows
from talon_bridge.engage.store.protocol import REFUSED_KEPT, SYNCS_KEPT, StoreUnavailable, SyncRunning
from talon_bridge.engage.store.sqlite_database import Database
from talon_bridge.engage.store.sqlite_staging import Staging
from talon_bridge.engage.syncs import Change, Comparison, Counts, Live, Sync, SyncState, Trigger

LARGE = 100_000  # changes of a sync that leave a log behind which takes seconds to examine at the next start
_EVER = 2**62

T = TypeVar("T")


class SqliteStore:
    """See `Store`. `path` None keeps it in memory."""

    shared = False

    def __init__(self, path: Path | None) -> None:
        texts = named("talon_bridge.engage.store", "sqlite.sql")
        self._sql = {name: text.replace("{columns}", rows.COLUMNS) for name, text in texts.items()}
        self._database = Database(path)
        self._staged: dict[int, Staging] = {}

    @property
    def token(self) -> str:
        return self._database.token

    async def open(self) -> None:
        await self._database.open()

    async def close(self) -> None:
        await self._database.close()

    async def computations(self) -> list[Computation]:
        return [rows.computation(definition) for (definition,) in await self._rows("computations")]

    async def define(self, computation: Computation) -> None:
        definition = msgspec.json.encode(computation)
        await self._rows("define", (computation.id, definition))

    async def forget(self, computation: str) -> bool:
        return _unless_running(await self._database.run(lambda db: self._forget(db, computation)))

    async def begin(self, computation: str, trigger: Trigger, now: float) -> Sync:
        beginning = asyncio.ensure_future(self._database.run(lambda db: self._begin(db, computation, trigger, now)))
        try:
            return _unless_running(await asyncio.shield(beginning))
        except asyncio.CancelledError:  # a sync that nobody knows of would be in the way of all others
            with contextlib.suppress(StoreUnavailable):
                begun = await beginning
                if isinstance(begun, Sync):
                    await self.end(begun, SyncState.INTERRUPTED, Counts(), "", now)
            raise

    async def stage(self, sync: Sync, members: Sequence[Member], refused: Sequence[Refused]) -> None:
        staging = self._staging(sync)
        await self._database.run(lambda db: staging.add(db, members, refused))

    async def compare(self, sync: Sync, leaves: bool) -> Comparison:
        staging = self._staging(sync)
        return await self._database.run(lambda db: staging.compare(db, leaves))

    async def decide(self, sync: Sync, counts: Counts, leaving: bytes | None, now: float) -> Sync:
        staging = self._staging(sync)
        decided = await self._database.run(
            lambda db: self._decide(db, staging, sync, counts, leaving, now),
            done=lambda: self._staged.pop(sync.number, None),
        )
        if decided.counts.changes > LARGE:
            self._database.write_back()
        return decided

    async def end(self, sync: Sync, state: SyncState, counts: Counts, reason: str, now: float) -> Sync:
        staging = self._staged.get(sync.number)
        try:
            return await self._database.run(lambda db: self._end(db, sync, state, counts, rows.text(reason), now))
        except BaseException:
            self._staged.pop(sync.number, None)  # what is marked as reading and is not staged is in nobody's way
            if staging is not None:
                with contextlib.suppress(StoreUnavailable):
                    await self._database.run(staging.drop)
            raise

    async def change(
        self, computation: str, present: Mapping[str, bytes], gone: Sequence[str], leaving: bytes, now: float
    ) -> Live:
        return await self._database.run(lambda db: self._change(db, computation, present, gone, leaving, now))

    async def queue(self, computation: str, limit: int) -> list[Change]:
        found = await self._rows("queue", (computation, limit))
        return [Change(number, sync, user_id, rows.value(value), at) for number, sync, user_id, value, at in found]

    async def taken(self, computation: str, upto: int, now: float) -> None:
        await self._database.run(lambda db: self._take(db, computation, upto, now))

    async def queued(self) -> Mapping[str, int]:
        return dict(await self._rows("queued"))

    async def claim(self, computation: str) -> bool:
        return True

    async def let_go(self, computation: str) -> None:
        return

    async def sync(self, computation: str, number: int) -> Sync | None:
        found = await self._rows("sync", (computation, number))
        return rows.sync(found[0]) if found else None

    async def syncs(self, computation: str, limit: int, before: int | None = None) -> list[Sync]:
        found = await self._rows("syncs", (computation, _EVER if before is None else before, limit))
        return [rows.sync(row) for row in found]

    async def refused(self, sync: int, after: int, limit: int) -> list[tuple[int, Refused]]:
        return [(place, Refused(*row)) for place, *row in await self._rows("refused", (sync, after, limit))]

    async def members(self, computation: str, after: str | None, limit: int) -> list[Member]:
        name = "first_members" if after is None else "members"
        found = await self._rows(name, {"id": computation, "after": after, "limit": limit})
        return [Member(user_id, rows.value(value)) for user_id, value in found]

    async def count(self, computation: str) -> int:
        found = await self._rows("computation", (computation,))
        return found[0][1] if found else 0

    async def _rows(self, name: str, parameters: Any = ()) -> list[Any]:
        return await self._database.run(lambda db: db.execute(self._sql[name], parameters).fetchall())

    def _staging(self, sync: Sync) -> Staging:
        try:
            return self._staged[sync.number]
        except KeyError:
            raise StoreUnavailable(f"sync {sync.number} is not being read here") from None

    def _place(self, db: sqlite3.Connection, computation: str) -> int:
        found = db.execute(self._sql["computation"], (computation,)).fetchone()
        if found is None:
            raise StoreUnavailable(f"the store of Engage has no {computation!r}")
        return int(found[0])

    def _forget(self, db: sqlite3.Connection, computation: str) -> bool | SyncRunning:
        found = db.execute(self._sql["computation"], (computation,)).fetchone()
        if found is None:
            return False
        place = found[0]
        running = self._running(db, place)
        if running is not None and running.state is SyncState.READING:
            return SyncRunning(running)
        for what in ("members", "changes", "refused", "syncs", "computation"):
            db.execute(self._sql[f"forget_{what}"], (place,))
        return True

    def _begin(self, db: sqlite3.Connection, computation: str, trigger: Trigger, now: float) -> Sync | SyncRunning:
        place = self._place(db, computation)
        running = self._running(db, place)
        if running is not None:
            return SyncRunning(running)
        number = db.execute(self._sql["begin"], (place, trigger, now)).lastrowid
        assert number is not None
        db.execute(self._sql["prune_refused"], (place, REFUSED_KEPT))
        db.execute(self._sql["prune_syncs"], (place, SYNCS_KEPT))
        staging = Staging(number, place)
        staging.begin(db)
        self._staged[number] = staging
        return Sync(number, computation, SyncState.READING, trigger, now)

    def _running(self, db: sqlite3.Connection, place: int) -> Sync | None:
        """The sync of a computation that is under way; one that could not be ended is not."""
        found = db.execute(self._sql["running"], (place,)).fetchone()
        if found is None:
            return None
        running = rows.sync(found)
        if running.state is SyncState.READING and running.number not in self._staged:
            db.execute(self._sql["interrupt_one"], (running.number,))
            return None
        return running

    def _decide(
        self, db: sqlite3.Connection, staging: Staging, sync: Sync, counts: Counts, leaving: bytes | None, now: float
    ) -> Sync:
        comparison = staging.apply(db, leaving, now)
        counted = rows.decided(counts, comparison)
        place = self._place(db, sync.computation)
        wanted = {"number": sync.number, "counts": msgspec.json.encode(counted), "changes": counted.changes, "now": now}
        if not db.execute(self._sql["decided"], wanted).rowcount:
            raise StoreUnavailable(f"sync {sync.number} is not being read any more")
        self._recount(db, place, counted.entered - counted.left, counted.changes)
        staging.end(db)
        return self._stored(db, sync)

    def _end(
        self, db: sqlite3.Connection, sync: Sync, state: SyncState, counts: Counts, reason: str, now: float
    ) -> Sync:
        staging = self._staged.pop(sync.number, None)
        wanted = {"number": sync.number, "state": state, "counts": msgspec.json.encode(counts), "reason": reason}
        if db.execute(self._sql["end"], {**wanted, "now": now}).rowcount and staging is not None:
            staging.end(db)
        return self._stored(db, sync)

    def _stored(self, db: sqlite3.Connection, sync: Sync) -> Sync:
        row = db.execute(self._sql["sync"], (sync.computation, sync.number)).fetchone()
        return sync if row is None else rows.sync(row)

    def _recount(self, db: sqlite3.Connection, place: int, more: int, changes: int) -> None:
        """Keep the counts with what they count, and never give a number twice."""
        if changes:
            db.execute(self._sql["recount"], {"computation": place, "more": more, "changes": changes})
            db.execute(self._sql["number_changes"], (changes,))

    def _change(
        self,
        db: sqlite3.Connection,
        computation: str,
        present: Mapping[str, bytes],
        gone: Sequence[str],
        leaving: bytes,
        now: float,
    ) -> Live:
        place = self._place(db, computation)
        changes = list[tuple[str, bytes | None]]()
        entered = left = 0
        for user_id, value in present.items():
            kept = rows.kept(value)
            found = db.execute(self._sql["member"], (place, user_id)).fetchone()
            if found is None or found[0] != kept:
                entered += found is None
                db.execute(self._sql["enter"], (place, user_id, kept))
                changes.append((user_id, kept))
        changed = len(changes) - entered
        for user_id in gone:
            if db.execute(self._sql["leave"], (place, user_id)).rowcount:
                left += 1
                changes.append((user_id, rows.kept(leaving)))
        (last,) = db.execute(self._sql["last_change"]).fetchone()
        numbered = [(place, number, 0, *change, now) for number, change in enumerate(changes, last + 1)]
        db.executemany(self._sql["append"], numbered)
        self._recount(db, place, entered - left, len(changes))
        return Live(entered, left, changed, len(present) + len(gone) - len(changes))

    def _take(self, db: sqlite3.Connection, computation: str, upto: int, now: float) -> None:
        taken = db.execute(self._sql["taken"], (computation, upto)).fetchall()
        db.execute(self._sql["take"], (computation, upto))
        db.executemany(self._sql["sent"], [{"sync": sync, "number": number, "now": now} for sync, number in taken])
        db.execute(self._sql["taken_from"], (sum(number for _, number in taken), computation))


def _unless_running(found: T | SyncRunning) -> T:
    if isinstance(found, SyncRunning):
        raise found
    return found
