"""What is staged for one sync in SQLite: temporary tables, compared with the members and made the members."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from talon_bridge.databases.queries import named
from talon_bridge.databases.sqlite_file import CACHE_KIB
from talon_bridge.databases.sqlite_rows import insert
from talon_bridge.engage.rows import Member, Refused
from talon_bridge.engage.store import rows
from talon_bridge.engage.store.protocol import MAX_REFUSED
from talon_bridge.engage.store.sqlite_database import statements
from talon_bridge.engage.syncs import Comparison

SORTED_KIB = 2 * 1024


class _Members(NamedTuple):
    """The members that something was compared with."""

    revision: int
    number: int


class Staging:
    """The staged rows of sync number `sync`, of the computation at a place."""

    def __init__(self, sync: int, computation: int) -> None:
        texts = named("talon_bridge.engage.store", "staging.sql")
        self._sql = {name: text.replace("{sync}", str(sync)) for name, text in texts.items()}
        self._computation = computation
        self._rows = 0
        self._refused = 0
        self._doubles = (0, 0)
        self._seen: tuple[_Members, bool, Comparison] | None = None

    def begin(self, db: sqlite3.Connection) -> None:
        """Make the tables."""
        self._run(db, "begin")

    def add(self, db: sqlite3.Connection, members: Sequence[Member], refused: Sequence[Refused]) -> None:
        """Append rows."""
        files = {file: rows.text(file) for file in {one.file for one in members}}
        if len(files) == 1 and all(rows.kept(value) is None for value in {one.value for one in members}):
            plain = [(one.user_id, one.line) for one in members]
            insert(db, self._sql["stage_plain"], plain, tuple(files.values()))  # takes two thirds of the time
        else:
            staged = [(one.user_id, rows.kept(one.value), one.line, files[one.file]) for one in members]
            insert(db, self._sql["stage"], staged)
        self._refuse(db, refused[: MAX_REFUSED - self._refused])
        self._rows += len(members)

    def compare(self, db: sqlite3.Connection, leaves: bool) -> Comparison:
        """See `Store.compare`."""
        self._index(db)
        (repeated,) = db.execute(self._sql["repeated"]).fetchone()
        if repeated:
            self._doubles = self._first_only(db, repeated)
        members = self._members(db)
        comparison = self._differ(db, members, leaves)
        self._seen = members, leaves, comparison
        return comparison

    def _index(self, db: sqlite3.Connection) -> None:
        """Index the rows. SQLite sorts in as much memory as its cache may have; less of it sorts faster (measured)."""
        db.execute(f"PRAGMA cache_size = -{SORTED_KIB}")
        try:
            db.execute(self._sql["index"])
        finally:
            db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")

    def apply(self, db: sqlite3.Connection, leaving: bytes | None, now: float) -> Comparison:
        """Make it the members and queue the changes; returns what it came to."""
        if self._seen is None:
            raise ValueError("a sync is compared before it is decided")
        leaves = leaving is not None
        members = self._members(db)
        comparison = self._seen[2] if self._seen[:2] == (members, leaves) else self._differ(db, members, leaves)
        changes = comparison.entered + comparison.changed + comparison.left
        (last,) = db.execute(named("talon_bridge.engage.store", "sqlite.sql")["last_change"]).fetchone()
        value = None if leaving is None else rows.kept(leaving)
        wanted = {"computation": self._computation, "last": last, "leaving": value, "now": now}
        if changes:
            db.execute(self._sql["queue"], wanted)
            db.execute(self._sql["enter"], (self._computation,))
        if comparison.left:
            db.execute(self._sql["leave"], (self._computation,))
        return comparison

    def end(self, db: sqlite3.Connection) -> None:
        """Keep the refused rows; the rest is gone."""
        self._run(db, "keep_refused")
        self.drop(db)

    def drop(self, db: sqlite3.Connection) -> None:
        """Drop the tables, which may be gone."""
        self._run(db, "drop")

    def _refuse(self, db: sqlite3.Connection, refused: Sequence[Refused]) -> None:
        kept = [(one.line, rows.text(one.file), rows.text(one.reason), rows.text(one.excerpt)) for one in refused]
        insert(db, self._sql["refuse"], kept)
        self._refused += len(kept)

    def _first_only(self, db: sqlite3.Connection, repeated: int) -> tuple[int, int]:
        """Keep each user's first; how many rows say of a user the same as the first, and how many do not."""
        db.execute(self._sql["later"])
        duplicates, conflicts = db.execute(self._sql["doubles"]).fetchone()
        if conflicts:
            found = db.execute(self._sql["conflicting"], (MAX_REFUSED - self._refused,))
            self._refuse(db, [rows.conflicting(*row) for row in found])
        self._run(db, "drop_later")
        self._rows -= repeated
        return duplicates, conflicts

    def _differ(self, db: sqlite3.Connection, members: _Members, leaves: bool) -> Comparison:
        """Write down each user who differs, in the order of sending."""
        self._run(db, "differ")
        db.execute(self._sql["differ_by_coming"], (self._computation,))
        kinds = dict(db.execute(self._sql["differences"]).fetchall())
        entered, changed = kinds.get("entered", 0), kinds.get("changed", 0)
        unchanged = self._rows - entered - changed
        left = members.number - changed - unchanged if leaves else 0
        if left:
            db.execute(self._sql["differ_by_leaving"], (self._computation,))
        return Comparison(members.number, self._rows, entered, left, changed, unchanged, *self._doubles)

    def _members(self, db: sqlite3.Connection) -> _Members:
        found = db.execute("SELECT revision, members FROM computations WHERE place = ?", (self._computation,))
        return _Members(*found.fetchone())

    def _run(self, db: sqlite3.Connection, name: str) -> None:
        for statement in statements(self._sql[name]):
            db.execute(statement)
