"""The customer sessions and events of the SQLite store."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

import msgspec

from talon_emulator.errors import Refusal
from talon_emulator.records import Kind, Record
from talon_emulator.store.protocol import RecordChange, RecordMatching
from talon_emulator.store.sqlite_database import SQLiteDatabase


class SQLiteRecords(SQLiteDatabase):
    """The sessions and events of every deployment."""

    async def update_record(
        self, deployment: int, kind: Kind, application: int, key: str, change: RecordChange
    ) -> Record | Refusal:
        """Change or create one session or event."""
        with self._transaction():
            stored = await self.find_record(deployment, kind, application, key)
            changed = change(stored)
            if isinstance(changed, Refusal) or changed is stored:
                return changed
            if stored is None:
                [(number,)] = self._run("last_record", deployment)
                changed = msgspec.structs.replace(changed, id=number + 1)
            self._write_records(deployment, [changed])
            return changed

    async def find_record(self, deployment: int, kind: Kind, application: int, key: str) -> Record | None:
        """Return one session or event by its key."""
        for row in self._run("find_record", deployment, kind, application, key.encode()):
            return _record(row)
        return None

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
        found = map(_record, self._iterate("list_records", deployment, kind, application))
        return tuple(islice(found if matching is None else filter(matching, found), skip, skip + limit))

    def _all_records(self, deployment: int) -> tuple[Record, ...]:
        return tuple(map(_record, self._run("all_records", deployment)))

    def _write_records(self, deployment: int, records: Iterable[Record]) -> None:
        rows = (
            (deployment, r.id, r.kind, r.application, r.key.encode(), r.profile.encode(), r.created, r.document)
            for r in records
        )
        self._run_each("insert_record", rows)


def _record(row: tuple[Any, ...]) -> Record:
    number, kind, application, key, profile, created, document = row
    return Record(number, kind, application, key.decode(), profile.decode(), created, document)
