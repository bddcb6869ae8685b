"""The customer sessions and events of the PostgreSQL store."""

from collections.abc import Sequence
from typing import Any

import msgspec

from talon_emulator.errors import Refusal
from talon_emulator.records import Kind, Record
from talon_emulator.store.postgres_database import Again
from talon_emulator.store.postgres_profiles import PostgresProfiles
from talon_emulator.store.protocol import RecordChange, RecordMatching


class PostgresRecords(PostgresProfiles):
    """The sessions and events of every deployment."""

    async def update_record(
        self, deployment: int, kind: Kind, application: int, key: str, change: RecordChange
    ) -> Record | Refusal:
        """Change or create one session or event."""
        while True:
            try:
                return await self._update_record(deployment, kind, application, key, change)
            except Again:
                continue

    async def _update_record(
        self, deployment: int, kind: Kind, application: int, key: str, change: RecordChange
    ) -> Record | Refusal:
        async with self._transaction() as on:
            rows = await self._run("lock_record", deployment, kind, application, key.encode(), on=on)
            stored = _record(rows[0]) if rows else None
            changed = change(stored)
            if isinstance(changed, Refusal) or changed is stored:
                return changed
            if stored is not None:
                row = (changed.profile.encode(), changed.created, changed.document)
                await self._run("update_record", deployment, kind, application, stored.id, *row, on=on)
                return changed
            changed = msgspec.structs.replace(changed, id=await self._next("next_record", deployment, on))
            if not await self._run("insert_record", *_row(deployment, changed), on=on):
                raise Again
            return changed

    async def find_record(self, deployment: int, kind: Kind, application: int, key: str) -> Record | None:
        """Return one session or event by its key."""
        rows = await self._run("find_record", deployment, kind, application, key.encode())
        return _record(rows[0]) if rows else None

    async def list_records(
        self,
        deployment: int,
        kind: Kind,
        application: int,
        limit: int,
        skip: int,
        matching: RecordMatching | None = None,
    ) -> tuple[Record, ...]:
        """Return sessions or events of an Application, the newest first; only those that match."""
        found: list[Record] = []
        async for row in self._iterate("list_records", deployment, kind, application):
            if len(found) >= skip + limit:
                break
            record = _record(row)
            if matching is None or matching(record):
                found.append(record)
        return tuple(found[skip:])

    async def _all_records(self, deployment: int, on: Any) -> tuple[Record, ...]:
        return tuple(map(_record, await self._run("all_records", deployment, on=on)))

    async def _insert_records(self, deployment: int, records: Sequence[Record], on: Any) -> None:
        await self._run_each("insert_record", [_row(deployment, record) for record in records], on)


def _record(row: Any) -> Record:
    number, kind, application, key, profile, created, document = row
    return Record(number, kind, application, key.decode(), profile.decode(), created, document)


def _row(deployment: int, r: Record) -> tuple[Any, ...]:
    return deployment, r.id, r.kind, r.application, r.key.encode(), r.profile.encode(), r.created, r.document
