"""An outbox in PostgreSQL: one database that any number of processes share, each delivering the shards it leases."""

import asyncio
import contextlib
import logging
import math
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from talon_bridge.events import Accepted
from talon_bridge.outbox import postgres_rows as rows
from talon_bridge.outbox.postgres_commits import Commits
from talon_bridge.outbox.postgres_database import Database
from talon_bridge.outbox.postgres_leases import ShardLeases
from talon_bridge.outbox.postgres_news import News
from talon_bridge.outbox.postgres_settling import Settling
from talon_bridge.outbox.protocol import (
    DUPLICATE_WINDOW,
    Cursor,
    Entry,
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
from talon_bridge.outbox.rows import reports

PRUNED_AT_ONCE: Final = 2000
COMMITTED_AT_ONCE: Final = 5000  # events in one transaction
LEAST_PROBE: Final = 100  # events of one shard on a page, if there are as many
HELD_BACK: Final = 0.01  # seconds after which events behind an open transaction are asked for again
HELD_BACK_LONG: Final = 10.0  # seconds after which that is worth a line in the log
SAMPLED_PAGES: Final = 200
ROW_OVERHEAD: Final = 400  # bytes of an event beside its texts: numbers, and its entries in indexes (measured)
COUNT_SLOTS: Final = 64
_EVER = 2**62

log = logging.getLogger(__name__)


class PostgresOutbox:
    """See `Outbox`. `url` names the database, `lease` is in seconds."""

    def __init__(self, url: str, lease: float) -> None:
        worker = uuid.uuid4().hex
        self.lease_every: float | None = lease / 5
        self._worker = worker
        self._database = Database(url)
        self._leases = ShardLeases(self._database, worker, lease)
        self._settling = Settling(self._database, self._leases, self._recount)
        self._listener = News(self._database, worker, lambda: self._news())
        self._appends: Commits[rows.Row, int] = Commits("outbox appends", self._append, COMMITTED_AT_ONCE)
        self._settles: Commits[Settlement, frozenset[int]] = Commits("outbox settles", self._settle, COMMITTED_AT_ONCE)
        self._news: Callable[[], None] = lambda: None
        self._slot = random.randrange(COUNT_SLOTS)
        self._looking: asyncio.TimerHandle | None = None
        self._held_back_since = math.inf

    async def open(self) -> None:
        await self._database.open()
        self._appends.open()
        self._settles.open()
        self._listener.open()

    async def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
        await self._listener.close()
        await self._appends.close()
        await self._settles.close()
        with contextlib.suppress(OutboxUnavailable):  # the leases run out by themselves
            await self._leases.end()
        await self._database.close()

    def subscribe(self, news: Callable[[], None]) -> None:
        self._news = news

    async def append(self, events: Sequence[Accepted]) -> int:
        stored = await self._appends.ask([rows.row(event) for event in events])
        if stored:
            self._news()
        return stored

    async def lease(self) -> Leases:
        return await self._leases.renew()

    async def release(self, shards: Sequence[int]) -> None:
        await self._leases.release(shards)

    async def feed(self, after: Mapping[int, Cursor], limit: int) -> Page:
        cursors, entries, more = dict(after), list[Entry](), dict[str, bool]()
        left = dict(after)
        while left and len(entries) < limit:
            # Most shards give little, so that each is asked for little first.
            most = limit - len(entries)
            probe = min(most, max(LEAST_PROBE, 2 * most // len(left)))
            found, followed = await self._feed(left, probe, most)
            entries += found
            more.update(zip((entry.key for entry in found), followed, strict=True))
            cursors.update({entry.shard: (entry.mark, entry.seq) for entry in found})
            numbers = Counter(entry.shard for entry in found)
            left = {shard: cursors[shard] for shard in left if numbers[shard] >= probe}
        in_order = sorted(entries, key=lambda entry: (entry.mark, entry.seq))
        return Page(in_order, cursors, frozenset(key for key, is_followed in more.items() if is_followed))

    async def queue(self, key: str, after: int, limit: int) -> list[Entry]:
        return await self._entries("queue", rows.profile(key), after, limit)

    async def newer(self, key: str, after: int, limit: int) -> list[tuple[int, Report]]:
        return reports(await self._database.run("newer", rows.profile(key), after, limit))

    async def settle(self, settlements: Sequence[Settlement]) -> frozenset[int]:
        return await self._settles.ask(settlements)

    async def find(self, message_id: str) -> Entry | None:
        found = await self._entries("find", message_id.encode())
        return found[0] if found else None

    async def recent(
        self, limit: int, state: State | None = None, user_id: str | None = None, before: int | None = None
    ) -> list[Entry]:
        until = _EVER if before is None else before
        if user_id is not None:
            return await self._entries("recent_of_profile", until, state, limit, rows.profile(user_id))
        if state is State.DEAD:
            return await self._entries("recent_dead", until, limit)
        return await self._entries("recent", until, state, limit)

    async def counts(self) -> Mapping[State, int]:
        [row] = await self._database.run("counts")
        return dict(zip(State, row, strict=True))

    async def oldest(self) -> float | None:
        for (received_at,) in await self._database.run("oldest"):
            return float(received_at)
        return None

    async def dead_letters(self, which: Selection, after: int, limit: int) -> list[Entry]:
        return await self._entries("dead_letters", *rows.filters(which), after, limit)

    async def count_dead_letters(self, which: Selection) -> int:
        [(number,)] = await self._database.run("count_dead_letters", *rows.filters(which))
        return int(number)

    async def replay(self, which: Selection, how: Replay, limit: int) -> int:
        async def work(on: Any) -> int:
            found = await self._database.run("replay", *rows.filters(which), limit, how.value, on=on)
            await self._recount(on, {State.DEAD: -len(found), State.WAITING: len(found)})
            return len(found)

        replayed = await self._database.write(work)
        if replayed:
            self._news()
        return replayed

    async def discard(self, which: Selection, limit: int) -> int:
        async def work(on: Any) -> int:
            found = await self._database.run("discard", *rows.filters(which), limit, on=on)
            await self._recount(on, {State.DEAD: -len(found)})
            return len(found)

        return await self._database.write(work)

    async def prune(self, now: float, retention: Retention) -> int:
        await self._database.run("prune_ids", now - DUPLICATE_WINDOW, PRUNED_AT_ONCE)
        excess = await self._excess(retention.size)
        until, limit = (math.inf, min(excess, PRUNED_AT_ONCE)) if excess else (now - retention.age, PRUNED_AT_ONCE)

        async def work(on: Any) -> int:
            gone = Counter(State(state) for (state,) in await self._database.run("prune", until, limit, on=on))
            await self._recount(on, {state: -number for state, number in gone.items()})
            return gone.total()

        return await self._database.write(work)

    async def _entries(self, name: str, *values: Any) -> list[Entry]:
        return rows.read(await self._database.run(name, *values))

    async def _feed(self, after: Mapping[int, Cursor], probe: int, limit: int) -> tuple[list[Entry], list[bool]]:
        """Waiting events behind the cursors: the first `probe` of each shard, and of these the first `limit`.

        And of each whether more of its profile waits of what was there before this process had the shard.
        """
        left_behind = self._leases.left_behind
        places = rows.columns([(shard, *cursor, left_behind.get(shard, 0)) for shard, cursor in after.items()], 4)
        found = await self._database.run("feed", *places, probe, limit)
        self._held_back(found[0][0])
        events = [values for _, *values in found if values[1] is not None]
        return rows.read(values for _, *values in events), [bool(followed) for followed, *_ in events]

    def _held_back(self, now_too: bool) -> None:
        """Ask again soon for events that a transaction under way holds back, and say so when that takes long."""
        if not now_too:
            self._held_back_since = math.inf
            return
        since = self._held_back_since = min(self._held_back_since, time.monotonic())
        if time.monotonic() - since > HELD_BACK_LONG:
            self._held_back_since = time.monotonic()
            log.warning(
                "events wait for a transaction that somebody has had open in this PostgreSQL for %g s or more; "
                "see pg_stat_activity, of all databases",
                HELD_BACK_LONG,
                extra={"action": "held_back"},
            )
        if self._looking is None:
            self._looking = asyncio.get_running_loop().call_later(HELD_BACK, self._look_again)

    def _look_again(self) -> None:
        self._looking = None
        self._news()

    async def _append(self, asked: Sequence[Sequence[rows.Row]]) -> list[int]:
        """Store the events of several callers in their order; how many of each were no duplicates."""
        first: dict[bytes, int] = {}
        again: dict[bytes, list[float]] = {}
        owners: list[int] = []
        new: list[rows.Row] = []
        for caller, events in enumerate(asked):
            for event in events:
                if event.message_id in first:
                    again.setdefault(event.message_id, []).append(event.received_at)
                    continue
                first[event.message_id] = len(new)
                new.append(event)
                owners.append(caller)
        stored = await self._database.write(lambda on: self._store(on, new, again))
        each = Counter(owners[place - 1] for place in stored)
        return [each[caller] for caller in range(len(asked))]

    async def _store(self, on: Any, new: Sequence[rows.Row], again: Mapping[bytes, list[float]]) -> Iterable[int]:
        """Store events with different messageIds, all but known ones; the places of the stored, from 1."""
        found = await self._database.run("append", DUPLICATE_WINDOW, *rows.columns(new, len(rows.Row._fields)), on=on)
        stored = {place for (place,) in found}
        late = [(event.message_id, event.received_at) for place, event in enumerate(new, 1) if place not in stored]
        times = {message_id: [received_at, *again.get(message_id, [])] for message_id, received_at in late}
        times = {**again, **times}
        if times:
            duplicates = [(message_id, len(each), each[-1]) for message_id, each in times.items()]
            await self._database.run("duplicate", *rows.columns(duplicates, 3), on=on)
        await self._recount(on, {State.WAITING: len(stored)})
        return stored

    async def _settle(self, asked: Sequence[Sequence[Settlement]]) -> list[frozenset[int]]:
        """Record the settlements of several callers; of each, what was not recorded."""
        outcome = await self._settling.record([settlement for each in asked for settlement in each])
        if outcome.repaired:
            self._news()
        return [outcome.unrecorded & {settlement.seq for settlement in each} for each in asked]

    async def _recount(self, on: Any, changed: Mapping[State, int]) -> None:
        """Keep the counts with what they count, and tell other processes where more events wait than before.

        The last thing in a transaction, so that whoever waits for the row of a slot waits for a commit only.
        """
        if any(changed.values()):
            if changed.get(State.WAITING, 0) > 0:
                await self._database.run("tell", self._worker, on=on)
            await self._database.run("recount", self._slot, *(changed.get(state, 0) for state in State), on=on)

    async def _excess(self, size: int) -> int:
        """How many events of average size are too many for `size` bytes."""
        [(average,)] = await self._database.run("event_size", SAMPLED_PAGES, ROW_OVERHEAD)
        number = sum((await self.counts()).values())
        return max(0, number - int(size / average)) if average else 0
