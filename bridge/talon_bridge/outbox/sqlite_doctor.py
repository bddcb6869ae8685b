"""The examination of an outbox in a file that no bridge is using: what is damaged, and what can still be read.

Nothing of the outbox is changed, not even the index of its log, which says what was committed: SQLite reads the file
and the log under other names (hard links, or copies where there can be none) and makes an index of its own there.
"""

import contextlib
import fcntl
import os
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from talon_bridge import codec, events
from talon_bridge.codec import MalformedError
from talon_bridge.databases import sqlite_check
from talon_bridge.databases.queries import named
from talon_bridge.outbox.protocol import Entry, State
from talon_bridge.outbox.rows import COLUMNS, entry
from talon_bridge.outbox.sqlite_database import SCHEMA_VERSION
from talon_bridge.settings import SettingsError

_SQL = named("talon_bridge.outbox", "outbox.sql")
_TOLD = 20  # findings about single events
_NEAR = 64  # events behind one that cannot be read that are tried one by one


class Examination:
    """What was found. `damage` and `doubts` are sentences, `counts` what could be read, by state."""

    def __init__(self) -> None:
        self.damage: list[str] = []
        self.doubts: list[str] = []
        self.counts: Counter[State] = Counter()


def examine(path: Path, undelivered: Callable[[Entry], None] = lambda _entry: None) -> Examination:
    """Look at everything; `undelivered` is given each waiting or dead event that can be read.

    Raises `SettingsError` when there is no outbox, a bridge is using it, or it cannot be read at all.
    """
    if not path.exists() and not sqlite_check.log_of(path).exists():
        raise SettingsError(f"there is no outbox in {path.parent}: {path.name} is not there")
    found = Examination()
    try:
        with _unused(path):
            examined = sqlite_check.examine(path)
            found.damage += [examined.damage] if examined.damage else []
            found.doubts += [examined.doubt] if examined.doubt else []
            if path.exists() and path.stat().st_size:
                with _other_names(path) as copy:
                    _look_inside(copy, found, undelivered)
            elif not examined.damage:
                found.damage.append("it is empty")
    except OSError as error:
        raise SettingsError(f"{error.filename or path} cannot be read: {error.strerror}") from None
    return found


def _look_inside(path: Path, found: Examination, undelivered: Callable[[Entry], None]) -> None:
    found.damage += sqlite_check.findings(path)
    with contextlib.closing(sqlite_check.reader(path)) as db:
        db.text_factory = str
        try:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            (there,) = db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'events'").fetchone()
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            found.damage.append(f"it cannot be read ({type(error).__name__})")
            return
        if version > SCHEMA_VERSION:
            raise SettingsError(f"{path.name} was written by a newer localtalon (schema {version})")
        if version < SCHEMA_VERSION and there:
            found.doubts.append(f"it is of an older localtalon (schema {version}); its events were not looked at")
        elif not there:
            found.damage.append("there is no table of events in it")
        else:
            _read_events(db, found, undelivered)
            _compare(db, found)


def _read_events(db: sqlite3.Connection, found: Examination, undelivered: Callable[[Entry], None]) -> None:
    """Read every event, and hold its columns against its body."""
    wrong = list[str]()
    for seq, row in _rows(db):
        try:
            if isinstance(row, sqlite3.Error):
                raise row
            each = entry(row, 0)
            found.counts[each.state] += 1
            problem = _mismatch(each)
        except Exception as error:  # whatever damage made of it; its text is not told, for it may quote the event
            cause = error.__cause__ or error
            what = error.malformed.code if isinstance(error, MalformedError) else type(cause).__name__
            wrong.append(f"event {seq} cannot be read ({what})")
            continue
        if problem:
            wrong.append(f"event {seq}: {problem}")
        elif each.state in (State.WAITING, State.DEAD):
            undelivered(each)
    found.damage += wrong[:_TOLD]
    if len(wrong) > _TOLD:
        found.damage.append(f"and {len(wrong) - _TOLD:,} more events")


def _mismatch(each: Entry) -> str:
    """What the body of an event says else than its columns, if anything; raises what reading it raises."""
    if each.event.settings is not None:
        codec.value(each.event.settings)
    body = events.read(each.event.body, each.event.type)
    if body.message_id and body.message_id != each.event.message_id:
        return "its messageId is another than the one in its body"
    if (body.user_id or None) != each.event.user_id:
        return "its userId is another than the one in its body"
    return ""


def _rows(db: sqlite3.Connection) -> Iterator[tuple[int, Any]]:
    """Every event's seq and row; an error in place of rows that cannot be read, behind which it goes on."""
    last = _last(db)
    after = unread = 0
    while after < last:
        try:
            for row in db.execute(f"SELECT {COLUMNS} FROM events WHERE seq > ? ORDER BY seq", (after,)):  # noqa: S608
                after, unread = row[0], 0
                yield after, row
            return
        except sqlite3.DatabaseError as error:
            if not unread:  # of several in a row the first is told
                yield after + 1, error
            after += max(1, unread - _NEAR)
            unread += 1


def _last(db: sqlite3.Connection) -> int:
    for asked in (_SQL["highest_seq"], "SELECT max(seq) FROM events"):
        with contextlib.suppress(sqlite3.DatabaseError):
            (seq,) = db.execute(asked).fetchone()
            if seq:
                return int(seq)
    return 0


def _compare(db: sqlite3.Connection, found: Examination) -> None:
    """Hold what is kept twice against itself: the counts, and which event a messageId belongs to."""
    with contextlib.suppress(sqlite3.DatabaseError):  # told by SQLite's own check
        kept = dict(zip(State, db.execute(_SQL["counts"]).fetchone() or (), strict=False))
        for state in State:
            if kept.get(state) != found.counts[state]:
                found.damage.append(
                    f"{found.counts[state]:,} events that are {state} can be read, but {kept.get(state)} were counted"
                )
        (strays,) = db.execute(
            "SELECT count(*) FROM message_ids JOIN events USING (seq) WHERE message_ids.message_id <> events.message_id"
        ).fetchone()
        if strays:
            found.damage.append(f"{strays:,} messageIds lead to an event with another one")


@contextlib.contextmanager
def _unused(path: Path) -> Iterator[None]:
    """Keep bridges away; raises `SettingsError` when one is there."""
    try:
        lock = os.open(path.with_suffix(".lock"), os.O_RDONLY)
    except FileNotFoundError:
        yield
        return
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingsError(f"a bridge is using {path}; stop it first") from None
        yield
    finally:
        os.close(lock)


@contextlib.contextmanager
def _other_names(path: Path) -> Iterator[Path]:
    """The file and its log under other names, as long as the block runs."""
    try:
        place = tempfile.TemporaryDirectory(prefix=".doctor-", dir=path.parent)
    except OSError:  # a place where nothing can be written
        place = tempfile.TemporaryDirectory(prefix="doctor-")
    with place as name:
        copy = Path(name) / path.name
        for source, to in ((path, copy), (sqlite_check.log_of(path), sqlite_check.log_of(copy))):
            with contextlib.suppress(FileNotFoundError):
                try:
                    os.link(source, to)
                except FileNotFoundError:
                    raise
                except OSError:
                    shutil.copyfile(source, to)
        yield copy
