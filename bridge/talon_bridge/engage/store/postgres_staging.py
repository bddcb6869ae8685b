"""What is staged for one sync in PostgreSQL: temporary tables of a connection whose lock says that somebody reads."""

import contextlib
from collections.abc import Sequence
from typing import Any

from talon_bridge.databases.postgres_server import CLOSE
from talon_bridge.databases.queries import named
from talon_bridge.engage.rows import Member, Refused
from talon_bridge.engage.store import rows
from talon_bridge.engage.store.postgres_database import LONG, Database
from talon_bridge.engage.store.protocol import MAX_REFUSED
from talon_bridge.engage.syncs import Comparison

_STAGED = ("place", "user_id", "value", "line", "file")
_UNUSED = ("place", "line", "file", "reason", "excerpt")


class Staging:
    """The staged rows of a sync of the computation at `place`, on a connection of its own."""

    def __init__(self, database: Database, connection: Any, place: int) -> None:
        self.connection = connection
        self.place = place
        self._database = database
        self._sql = named("talon_bridge.engage.store", "postgres_staging.sql")
        self._rows = 0
        self._users = 0
        self._refused = 0
        self._doubles = (0, 0)
        self._seen: tuple[tuple[int, int], bool, Comparison] | None = None

    async def begin(self) -> None:
        """Make the tables."""
        await self._execute("begin")

    async def close(self) -> None:
        """Let go of the lock and of what is staged."""
        with contextlib.suppress(Exception):  # a connection that is lost has let go
            within = min(CLOSE, self._database.short)
            await self._database.run("unlock", on=self.connection, within=within)
            await self._database.in_time(self.connection, within, self.connection.close(timeout=within))
        self.connection.terminate()

    async def add(self, members: Sequence[Member], refused: Sequence[Refused]) -> None:
        """Append rows."""
        files = {file: rows.text(file).encode() for file in {one.file for one in members}}
        staged = [
            (place, one.user_id.encode(), rows.kept(one.value), one.line, files[one.file])
            for place, one in enumerate(members, self._rows)
        ]
        with self._database.words():
            await self._copy("staged", staged, _STAGED)
            await self._refuse(refused[: MAX_REFUSED - self._refused])
        self._rows += len(staged)

    async def compare(self, leaves: bool) -> Comparison:
        """See `Store.compare`."""
        with self._database.words():
            await self._execute("analyze")
            [(repeated,)] = await self._fetch("repeated")
            self._users = self._rows - repeated
            async with self._database.own_transaction(self.connection, LONG):
                if repeated:
                    self._doubles = await self._first_only()
                members = await self._members()
                comparison = await self._differ(members, leaves)
        self._seen = members, leaves, comparison
        return comparison

    async def apply(self, sync: int, computation: str, leaving: bytes | None, now: float) -> Comparison:
        """In a transaction: make it the members and queue the changes; returns what it came to."""
        if self._seen is None:
            raise ValueError("a sync is compared before it is decided")
        locking = self._database.run("lock_computation", computation, on=self.connection, within=LONG)
        [(_, number, revision)] = await locking
        members, leaves = (number, revision), leaving is not None
        same = self._seen[:2] == (members, leaves)
        comparison = self._seen[2] if same else await self._differ(members, leaves)
        if comparison.entered + comparison.changed + comparison.left:
            value = None if leaving is None else rows.kept(leaving)
            await self._fetch("queue", self.place, sync, value, now)
        for name, users in (("enter", comparison.entered), ("change", comparison.changed), ("leave", comparison.left)):
            if users:
                await self._fetch(name, self.place)
        return comparison

    async def keep_refused(self, sync: int, within: float) -> None:
        """In a transaction: keep the refused rows."""
        await self._fetch("keep_refused", sync, within=within)

    async def _refuse(self, refused: Sequence[Refused]) -> None:
        if not refused:
            return
        unused = [
            (place, one.line, *(rows.text(text).encode() for text in (one.file, one.reason, one.excerpt)))
            for place, one in enumerate(refused, self._refused + 1)
        ]
        await self._copy("unused", unused, _UNUSED)
        self._refused += len(unused)

    async def _first_only(self) -> tuple[int, int]:
        """Keep each user's first; how many rows say of a user the same as the first, and how many do not."""
        await self._execute("later")
        [(duplicates, conflicts)] = await self._fetch("doubles")
        found = await self._fetch("conflicting", MAX_REFUSED - self._refused)
        await self._refuse(
            [rows.conflicting(line, file.decode(), id.decode(), value) for line, file, id, value in found]
        )
        await self._fetch("drop_later")
        return duplicates, conflicts

    async def _differ(self, members: tuple[int, int], leaves: bool) -> Comparison:
        """Write down each user who differs."""
        await self._execute("differ")
        await self._fetch("differ_by_coming", self.place)
        kinds = dict(await self._fetch("differences"))
        entered, changed = kinds.get("entered", 0), kinds.get("changed", 0)
        unchanged = self._users - entered - changed
        left = members[0] - changed - unchanged if leaves else 0
        if left:
            await self._fetch("differ_by_leaving", self.place)
        await self._execute("analyze_difference")
        return Comparison(members[0], self._users, entered, left, changed, unchanged, *self._doubles)

    async def _members(self) -> tuple[int, int]:
        """How many there are, and the revision of the computation."""
        [(number, revision)] = await self._fetch("members", self.place)
        return number, revision

    async def _fetch(self, name: str, *values: Any, within: float = LONG) -> list[Any]:
        fetching = self.connection.fetch(self._sql[name], *values, timeout=within)
        return list(await self._database.in_time(self.connection, within, fetching))

    async def _execute(self, name: str) -> None:
        await self._database.in_time(self.connection, LONG, self.connection.execute(self._sql[name], timeout=LONG))

    async def _copy(self, table: str, records: Sequence[tuple[Any, ...]], columns: Sequence[str]) -> None:
        copying = self.connection.copy_records_to_table(table, records=records, columns=columns)
        await self._database.in_time(self.connection, self._database.short, copying)
