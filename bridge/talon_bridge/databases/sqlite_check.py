"""Damage of a SQLite file that can be found from outside, before SQLite opens it and passes over some of it in silence.

Nothing is changed here, neither the file nor its log nor the index of the log, which says best what was committed.
"""

import contextlib
import mmap
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from talon_bridge.databases import sqlite_wal
from talon_bridge.databases.sqlite_wal import Index, Log

_MAGIC = b"SQLite format 3\0"
_HEADER = 100
_FINDINGS = 20  # of SQLite's own check, the first ones
_DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_ERROR", "SQLITE_IOERR_SHORT_READ")


class Examined(NamedTuple):
    """What is wrong, if anything; else what is in doubt. Both are the end of a sentence that began with the file."""

    damage: str = ""
    doubt: str = ""


def log_of(path: Path) -> Path:
    """Where SQLite keeps the log of a file."""
    return path.with_name(path.name + "-wal")


def index_of(path: Path) -> Path:
    """Where SQLite keeps the index of the log."""
    return path.with_name(path.name + "-shm")


def examine(path: Path) -> Examined:
    """Hold the log against its index, and the file against its own header and the log. Raises `OSError`."""
    with _mapped(log_of(path)) as wal:
        log = sqlite_wal.read(wal)
        log_size = len(wal)
    index = _index(path)
    damage = _damage_of_log(log, log_size, index) or _damage_of_file(path, log)
    if damage:
        return Examined(damage)
    known = index is not None and index.salts == log.salts and index.frames == log.frames
    if (log.later or log.torn) and not known:
        what = "its log ends in the middle of a change, as after a power cut while one was written"
        return Examined(doubt=f"{what}; one that was answered with 200 would be lost only if the log was damaged there")
    return Examined()


def findings(path: Path) -> list[str]:
    """What SQLite itself finds wrong in the whole file, its indexes included; changes nothing.

    The index of the log is made anew if nobody uses it. What keeps SQLite from reading at all is no finding.
    """
    with contextlib.closing(reader(path)) as db:
        try:
            return [text for (text,) in db.execute(f"PRAGMA integrity_check({_FINDINGS})") if text != "ok"]
        except sqlite3.DatabaseError as error:
            return [str(error)] if getattr(error, "sqlite_errorname", "").startswith(_DAMAGE) else []
        except UnicodeDecodeError:  # SQLite's own message quotes the damaged schema
            return ["malformed database schema"]


def reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, and leaves the log where it is."""
    db = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)
    db.text_factory = lambda text: text.decode("utf-8", "replace")
    return db


def _damage_of_log(log: Log, size: int, index: Index | None) -> str:
    if log.header_damaged:
        return f"the beginning of its log is damaged, so that SQLite would pass over all of it ({size:,} bytes)"
    if index is not None and (not log.salts or index.salts == log.salts):
        lost = index.frames - log.frames
        if lost > 0 and (log.frames or index.in_database < index.frames):
            place = f"after {log.frames:,} of {index.frames:,} committed pages"
            return f"its log is damaged or cut off {place}: SQLite would pass over the rest"
    if log.later > 1:
        return (
            f"its log is damaged after {log.frames:,} pages, and {log.later:,} or more committed changes lie behind: "
            "SQLite would pass over them"
        )
    return ""


def _damage_of_file(path: Path, log: Log) -> str:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            header = file.read(_HEADER)
    except FileNotFoundError:
        size, header = 0, b""
    if not size:
        return f"it is empty, but its log holds {log.frames:,} pages" if log.frames else ""
    page_size = int.from_bytes(header[16:18])
    page_size = 65536 if page_size == 1 else page_size
    if len(header) < _HEADER or not header.startswith(_MAGIC) or page_size not in sqlite_wal.PAGE_SIZES:
        return "it is not a database, or its beginning is damaged"
    if log.frames and log.page_size != page_size:
        return f"its pages have {page_size} bytes, but those of its log {log.page_size}"
    trusted = header[24:28] == header[92:96]
    pages = log.pages or (int.from_bytes(header[28:32]) if trusted else 0)
    there = size // page_size
    missing = pages - there - sum(1 for page in log.held if there < page <= pages)
    return f"it is cut short: {missing:,} of {pages:,} pages are missing" if missing > 0 else ""


def _index(path: Path) -> Index | None:
    try:
        with index_of(path).open("rb") as file:
            return sqlite_wal.index(file.read(_HEADER))
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def _mapped(path: Path) -> Iterator[bytes | mmap.mmap]:
    """The bytes of a file, empty where there is none."""
    try:
        with path.open("rb") as file:
            if not path.stat().st_size:
                yield b""
                return
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                yield mapped
    except FileNotFoundError:
        yield b""
