"""A store of Engage in PostgreSQL: one database, which any number of processes share."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from talon_bridge.engage.computations import Computation
from talon_bridge.engage.rows import Member, Refused
from talon_bridge.engage.store import rows
from talon_bridge.engage.store.postgres_claims import Claims
from talon_bridge.engage.store.postgres_database import LONG, Database
from talon_bridge.engage.store.postgres_live import change
from talon_bridge.engage.store.postgres_staging import Staging
from talon_bridge.engage.store.protocol import REFUSED_KEPT, SYNCS_KEPT, StoreUnavailable, SyncRunning
from talon_bridge.engage.syncs import Change, Comparison, Counts, Live, Sync, SyncState, Trigger

AGAIN: Final = 0.05  # seconds after which a lock is tried again that somebody is just taking or giving back
TRIES: Final = 60
LOOKS: Final = 6  # of these until a sync that another process reads is believed to be read
_EVER: Final = 2**62


class PostgresStore:
    """See `Store`. `url` names the database."""

    shared = True

    def __init__(self, url: str) -> None:
        self._database = Database(url)
        self._claims = Claims(self._database)
        self._staged: dict[int, Staging] = {}
        self._taken: dict[str, int] = {}

    @property
    def token(self) -> str:
        return self._database.token

    async def open(self) -> None:
        await self._database.open()

    async def close(self) -> None:
        await asyncio.gather(*(staging.close() for staging in self._staged.values()))
        self._staged.clear()
        await self._claims.close()
        await self._database.close()

    async def computations(self) -> list[Computation]:
        return [rows.computation(definition) for (definition,) in await self._database.run("computations")]

    async def define(self, computation: Computation) -> None:
        await self._database.run("define", computation.id, msgspec.json.encode(computation))

    async def forget(self, computation: str) -> bool:
        for look in range(TRIES):
            async with self._database.transaction() as on:
                found = await self._database.run("lock_all", computation, on=on)
                if not found:
                    return False
                [(place,)] = found
                [(nobody_reads,)] = await self._database.run("nobody_reads", place, on=on)
                if nobody_reads:
                    await self._database.run("forget", place, on=on)
                    return True
                running = await self._running(place, on)
                if running is not None and running.state is SyncState.READING:
                    self._refuse_a_second(running, look)
            await asyncio.sleep(AGAIN)
        raise StoreUnavailable(f"a sync of {computation} has been beginning or ending for {TRIES * AGAIN:g} s")

    async def begin(self, computation: str, trigger: Trigger, now: float) -> Sync:
        connection = await self._database.connect(many_rows=True)
        try:
            await self._read_alone(computation, connection)
            async with self._database.own_transaction(connection, self._database.short):
                place = await self._place("lock_computation", computation, connection)
                await self._database.run("interrupt_reading", place, on=connection)
                self._refuse_a_second(await self._running(place, connection))
                [(number,)] = await self._database.run("begin", place, trigger, now, on=connection)
                await self._database.run("prune_refused", place, REFUSED_KEPT, on=connection)
                await self._database.run("prune_syncs", place, SYNCS_KEPT, on=connection)
                staging = Staging(self._database, connection, place)
                await staging.begin()
        except BaseException:
            connection.terminate()
            raise
        self._staged[number] = staging
        return Sync(number, computation, SyncState.READING, trigger, now)

    async def stage(self, sync: Sync, members: Sequence[Member], refused: Sequence[Refused]) -> None:
        await self._staging(sync).add(members, refused)

    async def compare(self, sync: Sync, leaves: bool) -> Comparison:
        return await self._staging(sync).compare(leaves)

    async def decide(self, sync: Sync, counts: Counts, leaving: bytes | None, now: float) -> Sync:
        staging = self._staging(sync)
        on = staging.connection
        async with self._database.own_transaction(on, LONG):
            comparison = await staging.apply(sync.number, sync.computation, leaving, now)
            counted = rows.decided(counts, comparison)
            wanted = (sync.number, msgspec.json.encode(counted), counted.changes, now)
            if not await self._database.run("decided", *wanted, on=on, within=LONG):
                raise StoreUnavailable(f"sync {sync.number} is not being read any more")
            if counted.changes:
                more = counted.entered - counted.left
                await self._database.run("recount", staging.place, more, counted.changes, on=on, within=LONG)
            await staging.keep_refused(sync.number, LONG)
        del self._staged[sync.number]
        await staging.close()
        state, ended_at = (SyncState.SENDING, None) if counted.changes else (SyncState.FINISHED, now)
        return msgspec.structs.replace(sync, state=state, counts=counted, decided_at=now, ended_at=ended_at)

    async def end(self, sync: Sync, state: SyncState, counts: Counts, reason: str, now: float) -> Sync:
        wanted = (sync.number, state.value, msgspec.json.encode(counts), rows.text(reason).encode(), now)
        staging = self._staged.pop(sync.number, None)
        if staging is None or not await self._ended(staging, wanted):
            await self._database.run("end", *wanted, within=self._database.short)
        return await self.sync(sync.computation, sync.number) or sync

    async def change(
        self, computation: str, present: Mapping[str, bytes], gone: Sequence[str], leaving: bytes, now: float
    ) -> Live:
        async with self._database.transaction() as on:
            place = await self._place("lock_computation", computation, on)
            return await change(self._database, on, place, present, gone, leaving, now)

    async def queue(self, computation: str, limit: int) -> list[Change]:
        found = await self._database.run("queue", computation, limit, self._taken.get(computation, 0))
        return [Change(number, sync, id.decode(), rows.value(value), at) for number, sync, id, value, at in found]

    async def taken(self, computation: str, upto: int, now: float) -> None:
        await self._database.run("taken", computation, upto, now, self._taken.get(computation, 0))
        self._taken[computation] = upto

    async def queued(self) -> Mapping[str, int]:
        return dict(await self._database.run("queued"))

    async def claim(self, computation: str) -> bool:
        return await self._claims.claim(computation)

    async def let_go(self, computation: str) -> None:
        await self._claims.let_go(computation)

    async def sync(self, computation: str, number: int) -> Sync | None:
        found = await self._database.run("sync", computation, number)
        return _sync(found[0]) if found else None

    async def syncs(self, computation: str, limit: int, before: int | None = None) -> list[Sync]:
        found = await self._database.run("syncs", computation, _EVER if before is None else before, limit)
        return [_sync(row) for row in found]

    async def refused(self, sync: int, after: int, limit: int) -> list[tuple[int, Refused]]:
        found = await self._database.run("refused", sync, after, limit)
        return [(place, Refused(line, *(text.decode() for text in texts))) for place, line, *texts in found]

    async def members(self, computation: str, after: str | None, limit: int) -> list[Member]:
        name, values = ("first_members", ()) if after is None else ("members", (after.encode(),))
        found = await self._database.run(name, computation, limit, *values)
        return [Member(user_id.decode(), rows.value(value)) for user_id, value in found]

    async def count(self, computation: str) -> int:
        found = await self._database.run("computation", computation)
        return int(found[0][1]) if found else 0

    def _staging(self, sync: Sync) -> Staging:
        try:
            return self._staged[sync.number]
        except KeyError:
            raise StoreUnavailable(f"sync {sync.number} is not being read here") from None

    async def _place(self, name: str, computation: str, on: Any) -> int:
        found = await self._database.run(name, computation, on=on)
        if not found:
            raise StoreUnavailable(f"the store of Engage has no {computation!r}")
        return int(found[0][0])

    async def _read_alone(self, computation: str, on: Any) -> None:
        """Take the lock that says that somebody reads; raises `SyncRunning` when another process has it."""
        place = await self._place("computation", computation, on)
        for look in range(TRIES):
            [(mine,)] = await self._database.run("read_alone", place, on=on)
            if mine:
                return
            self._refuse_a_second(await self._running(place, on), look)
            await asyncio.sleep(AGAIN)
        raise StoreUnavailable(f"a sync of {computation} has been beginning or ending for {TRIES * AGAIN:g} s")

    async def _running(self, place: int, on: Any) -> Sync | None:
        found = await self._database.run("running", place, on=on)
        return _sync(found[0]) if found else None

    def _refuse_a_second(self, running: Sync | None, look: int = LOOKS) -> None:
        """Raise `SyncRunning`; not at once for one that reads elsewhere: another start may just be giving it up."""
        ours = running is not None and running.number in self._staged
        if running is not None and (ours or running.state is not SyncState.READING or look >= LOOKS):
            raise SyncRunning(running)

    async def _ended(self, staging: Staging, wanted: tuple[Any, ...]) -> bool:
        """End a sync with its refused rows; False where the connection that has them is lost."""
        try:
            on, short = staging.connection, self._database.short
            async with self._database.own_transaction(on, short):
                if await self._database.run("end", *wanted, on=on, within=short):
                    await staging.keep_refused(wanted[0], short)
        except StoreUnavailable:
            return False
        finally:
            await staging.close()
        return True


def _sync(row: Sequence[Any]) -> Sync:
    *values, reason = row
    return rows.sync((*values, reason.decode()))
