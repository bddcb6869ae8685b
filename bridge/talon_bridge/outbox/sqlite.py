"""An outbox in SQLite: one file, which one process owns; all profiles are in one shard."""

import asyncio
import contextlib
import logging
import math
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from talon_bridge.databases.queries import named
from talon_bridge.databases.sqlite_rows import insert
from talon_bridge.events import Accepted
from talon_bridge.outbox.protocol import (
    DUPLICATE_WINDOW,
    HOLD,
    Cursor,
    Entry,
    Lease,
    Leases,
    OutboxUnavailable,
    Page,
    Replay,
    Report,
    Retention,
    Selection,
    Settlement,
    State,
)
from talon_bridge.outbox.rows import COLUMNS, entry, reports, settled
from talon_bridge.outbox.sqlite_database import Database

SHARD = 0
PRUNED_AT_ONCE = 2000
_EVER = 2**62
_ASKED_AT_ONCE = 500  # values in a statement; SQLite takes 999 everywhere
_NEW_ONLY = 1  # in the second place of a cursor: it has passed over what was left behind

log = logging.getLogger(__name__)


class SqliteOutbox:
    """See `Outbox`. `path` None keeps it in memory.

    `hold` is for how many seconds a request of a run that died may still land: for so long after such a run nothing is
    fed of what it left behind, nor anything newer of the same profiles.
    """

    lease_every: float | None = None

    def __init__(self, path: Path | None, hold: float = HOLD) -> None:
        statements = named("talon_bridge.outbox", "outbox.sql")
        self._sql = {
            name: text.replace("{columns}", COLUMNS).replace("{fits}", statements["fits"])
            for name, text in statements.items()
        }
        self._database = Database(path)
        self._news: Callable[[], None] = lambda: None
        self._seq = self._mark = 0
        self._hold = hold
        self._left_behind = self._marks_left_behind = 0
        self._holding: asyncio.TimerHandle | None = None

    async def open(self) -> None:
        await self._database.open()
        if await self._database.write(self._begin):
            log.warning(
                "the last run did not end cleanly: what waited then is delivered in %g s, when nothing of it can land "
                "any more",
                self._hold,
                extra={"action": "recovered"},
            )
            self._holding = asyncio.get_running_loop().call_later(self._hold, self._let_go)

    async def close(self) -> None:
        if self._holding is not None:  # requests of a run before this one may still land: the next start holds again
            self._holding.cancel()
        else:
            with contextlib.suppress(OutboxUnavailable):  # the next start then takes more care than it needs
                await self._database.write(lambda db: db.execute(self._sql["end_work"]))
        await self._database.close()

    def subscribe(self, news: Callable[[], None]) -> None:
        self._news = news

    async def lease(self) -> Leases:
        return Leases({SHARD: Lease(0, math.inf)})

    async def release(self, shards: Sequence[int]) -> None:
        return

    async def append(self, events: Sequence[Accepted]) -> int:
        stored = await self._database.write(lambda db: self._append(db, events))
        if stored:
            self._news()
        return stored

    async def feed(self, after: Mapping[int, Cursor], limit: int) -> Page:
        mark, passed_over = after[SHARD]
        if self._holding is not None:
            return await self._feed_new(max(mark, self._marks_left_behind), limit)
        found = await self._feed("feed", 0 if passed_over else mark, limit)
        entries = [entry for entry, _ in found]
        last = {entry.key: more for entry, more in found}
        followed = frozenset(key for key, more in last.items() if more)
        return Page(entries, {SHARD: (entries[-1].mark, 0) if entries else after[SHARD]}, followed)

    async def queue(self, key: str, after: int, limit: int) -> list[Entry]:
        return await self._entries("queue", (key, after, limit))

    async def newer(self, key: str, after: int, limit: int) -> list[tuple[int, Report]]:
        rows = await self._database.read(lambda db: db.execute(self._sql["newer"], (key, after, limit)).fetchall())
        return reports(rows)

    async def settle(self, settlements: Sequence[Settlement]) -> frozenset[int]:
        return await self._database.write(lambda db: self._settle(db, settlements))

    async def find(self, message_id: str) -> Entry | None:
        found = await self._entries("find", (message_id,))
        return found[0] if found else None

    async def recent(
        self, limit: int, state: State | None = None, user_id: str | None = None, before: int | None = None
    ) -> list[Entry]:
        wanted = {"limit": limit, "state": state, "user_id": user_id, "before": _EVER if before is None else before}
        return await self._entries("recent" if user_id is None else "recent_of_user", wanted)

    async def counts(self) -> Mapping[State, int]:
        row = await self._database.read(lambda db: db.execute(self._sql["counts"]).fetchone())
        return dict(zip(State, row, strict=True))

    async def oldest(self) -> float | None:
        row = await self._database.read(lambda db: db.execute(self._sql["oldest"]).fetchone())
        return None if row is None else row[0]

    async def dead_letters(self, which: Selection, after: int, limit: int) -> list[Entry]:
        return await self._entries("dead_letters", {**msgspec.structs.asdict(which), "after": after, "limit": limit})

    async def count_dead_letters(self, which: Selection) -> int:
        wanted = msgspec.structs.asdict(which)
        row = await self._database.read(lambda db: db.execute(self._sql["count_dead_letters"], wanted).fetchone())
        return int(row[0])

    async def replay(self, which: Selection, how: Replay, limit: int) -> int:
        replayed = await self._database.write(lambda db: self._replay(db, which, how, limit))
        if replayed:
            self._news()
        return replayed

    async def discard(self, which: Selection, limit: int) -> int:
        def work(db: sqlite3.Connection) -> int:
            gone = db.execute(self._sql["discard"], {**msgspec.structs.asdict(which), "limit": limit}).rowcount
            self._database.changed[State.DEAD] -= gone
            return gone

        return await self._database.write(work)

    async def prune(self, now: float, retention: Retention) -> int:
        return await self._database.write(lambda db: self._prune(db, now, retention))

    async def _entries(self, name: str, parameters: Any) -> list[Entry]:
        rows = await self._database.read(lambda db: db.execute(self._sql[name], parameters).fetchall())
        return [entry(row, SHARD) for row in rows]

    def _let_go(self) -> None:
        """What an earlier run left behind is fed from now on."""
        self._holding = None
        self._news()

    async def _feed_new(self, mark: int, limit: int) -> Page:
        found = await self._feed("feed_new", mark, limit)
        free = [entry for entry, has_to_wait in found if not has_to_wait]
        return Page(free, {SHARD: (found[-1][0].mark if found else mark, _NEW_ONLY)})

    async def _feed(self, name: str, mark: int, limit: int) -> list[tuple[Entry, bool]]:
        wanted = {"mark": mark, "limit": limit, "left_behind": self._left_behind}
        rows = await self._database.read(lambda db: db.execute(self._sql[name], wanted).fetchall())
        return [(entry(row, SHARD), bool(flag)) for *row, flag in rows]

    def _begin(self, db: sqlite3.Connection) -> bool:
        """Whether the last run died."""
        (self._mark,) = db.execute(self._sql["highest_mark"]).fetchone()
        (self._seq,) = db.execute(self._sql["highest_seq"]).fetchone()
        (was_at_work,) = db.execute(self._sql["at_work"]).fetchone()
        self._left_behind, self._marks_left_behind = self._seq, self._mark
        db.execute(self._sql["begin_work"])
        return bool(was_at_work and self._mark)

    def _append(self, db: sqlite3.Connection, events: Sequence[Accepted]) -> int:
        known = self._known(db, events)
        new: list[tuple[Any, ...]] = []
        ids: list[tuple[str, float, int]] = []
        duplicates: list[tuple[float, int]] = []
        for event in events:
            at, first = known.get(event.message_id, (-math.inf, 0))
            if at > event.received_at - DUPLICATE_WINDOW:
                duplicates.append((event.received_at, first))
                continue
            self._seq += 1
            self._mark += 1
            new.append((self._seq, self._mark, *msgspec.structs.astuple(event)))
            ids.append((event.message_id, event.received_at, self._seq))
            known[event.message_id] = (event.received_at, self._seq)
        insert(db, self._sql["append"], new)
        insert(db, self._sql["remember_id"], ids)
        db.executemany(self._sql["duplicate"], duplicates)
        self._database.changed[State.WAITING] += len(new)
        return len(new)

    def _known(self, db: sqlite3.Connection, events: Sequence[Accepted]) -> dict[str, tuple[float, int]]:
        """When the messageIds of these events came last, and as which event."""
        known = {}
        for first in range(0, len(events), _ASKED_AT_ONCE):
            ids = [event.message_id for event in events[first : first + _ASKED_AT_ONCE]]
            asked = self._sql["known_ids"].replace("{marks}", ",".join("?" * len(ids)))
            known.update({message_id: (at, seq) for message_id, at, seq in db.execute(asked, ids)})
        return known

    def _settle(self, db: sqlite3.Connection, settlements: Sequence[Settlement]) -> frozenset[int]:
        unrecorded = set()
        for settlement in settlements:
            if not db.execute(self._sql["settle"], settled(settlement)).rowcount:
                unrecorded.add(settlement.seq)
            else:
                self._database.changed[State.WAITING] -= 1
                self._database.changed[settlement.state] += 1
        return frozenset(unrecorded)

    def _replay(self, db: sqlite3.Connection, which: Selection, how: Replay, limit: int) -> int:
        found = db.execute(self._sql["dead_seqs"], {**msgspec.structs.asdict(which), "limit": limit}).fetchall()
        for (seq,) in found:
            self._mark += 1
            db.execute(self._sql["replay"], {"seq": seq, "mark": self._mark, "how": how.value})
        self._database.changed[State.DEAD] -= len(found)
        self._database.changed[State.WAITING] += len(found)
        return len(found)

    def _prune(self, db: sqlite3.Connection, now: float, retention: Retention) -> int:
        db.execute(self._sql["prune_ids"], (now - DUPLICATE_WINDOW, PRUNED_AT_ONCE))
        until = math.inf if self._size(db) > retention.size else now - retention.age
        gone = db.execute(self._sql["prune"], {"settled_until": until, "limit": PRUNED_AT_ONCE}).fetchall()
        self._database.changed.subtract(State(state) for (state,) in gone)
        return len(gone)

    def _size(self, db: sqlite3.Connection) -> int:
        """Bytes in use; a SQLite file keeps its free pages for later."""
        pages, free, size = (
            db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)
