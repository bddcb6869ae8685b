"""A SQLite file that one process owns: locked, looked at for damage, and written through to the disk."""

import fcntl
import logging
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from talon_bridge.databases import sqlite_check
from talon_bridge.settings import SettingsError

CACHE_KIB = 64 * 1024  # SQLite's own 2 MiB make appends slow once a million events wait (measured)
WAL_PAGES = (
    4000  # 16 MiB before a checkpoint, which syncs twice; SQLite's own 1000 cost a fifth of the appends (measured)
)
CHECKED = 64 * 1024 * 1024  # bytes up to which the whole file is checked: in 0.1 s, or 1 s from a slow disk (measured)
_FULL = 2  # PRAGMA synchronous: every commit reaches the disk
# After these nothing is certain any more: what SQLite reads, or whether what it writes ever reaches the disk.
_LASTING = (
    "SQLITE_IOERR_FSYNC",
    "SQLITE_IOERR_DIR_FSYNC",
    "SQLITE_IOERR_CORRUPTFS",
    "SQLITE_IOERR_DATA",
    "SQLITE_CORRUPT",
    "SQLITE_NOTADB",
)

log = logging.getLogger(__name__)


def lasting(error: sqlite3.Error) -> str:
    """The name of an error after which nothing may be taken or told; empty for any other.

    Once an fsync has failed, a later one that succeeds proves nothing: the system may have dropped the pages.
    """
    name: str = getattr(error, "sqlite_errorname", "")  # errors of the module itself have none
    return name if name.startswith(_LASTING) else ""


class SqliteFile:
    """The file at `path` (None: in memory), used as `noun` ("an outbox"); `mend` says what to do when it is damaged.

    `application` is the number in its header that says what it is; 0 where that is not asked.
    """

    def __init__(self, path: Path | None, noun: str, mend: str, application: int = 0) -> None:
        self._path = path
        self._noun = noun
        self._mend = mend
        self._application = application
        self._made = f"there is {noun}\n".encode()  # in the lock file: an empty file beside it was not always empty
        self._lock: int | None = None

    def connect(self, migrate: Callable[[sqlite3.Connection], None]) -> sqlite3.Connection:
        """Lock and open it; `migrate` brings its schema up to date. Raises `SettingsError`."""
        if self._path is not None:
            self._prepare(self._path)
        db = sqlite3.connect(self._path or ":memory:", isolation_level=None)
        try:
            self._recognise(db)
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            db.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
            (level,) = db.execute("PRAGMA synchronous").fetchone()
            if level != _FULL:
                raise SettingsError(f"{self._path}: SQLite does not write through to the disk (synchronous = {level})")
            migrate(db)
            _write_back(db)
        except (
            sqlite3.DatabaseError,
            UnicodeDecodeError,
        ) as error:  # the latter: a message that quotes a damaged schema
            db.close()
            raise SettingsError(f"{self._path} cannot be used as {self._noun}: {error}") from error
        except SettingsError:
            db.close()
            raise
        if self._lock is not None:
            os.pwrite(self._lock, self._made, 0)
        return db

    def newer(self, version: int) -> SettingsError:
        """The refusal of a schema that this version does not know."""
        return SettingsError(f"{self._path} was written by a newer localtalon (schema {version})")

    def unusable(self, why: str) -> SettingsError:
        """The refusal of a file that is left as it is; `why` is the end of a sentence that began with the file."""
        what_to_do = f"nothing of it was changed; {self._mend}"
        return SettingsError(f"{self._path} cannot be used as {self._noun}: {why}; {what_to_do}")

    def release(self) -> None:
        """Let another process have it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _prepare(self, path: Path) -> None:
        """Make the directory, lock it against a second process, look for damage, keep the file from other users."""
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if path.is_symlink():
                raise SettingsError(f"{path} is a symbolic link; name the directory itself")
            self._take_lock(path)
            self._examine(path)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise SettingsError(f"{path} cannot be used as {self._noun}: {error.strerror}") from None

    def _recognise(self, db: sqlite3.Connection) -> None:
        """Refuse a database of something else, before anything of it is changed."""
        (application,) = db.execute("PRAGMA application_id").fetchone()
        (things,) = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if self._application and application != self._application and (application or things):
            raise self.unusable("it is a database of something else")

    def _examine(self, path: Path) -> None:
        """Refuse a file that is damaged; a large one is not read as a whole."""
        assert self._lock is not None
        examined = sqlite_check.examine(path)
        damage, size = examined.damage, path.stat().st_size if path.exists() else None
        if not damage and size == 0 and os.pread(self._lock, 1, 0):
            damage = "it is empty, and was not when it was closed"
        elif not damage and size and size <= CHECKED:
            damage = "; ".join(sqlite_check.findings(path)[:1])
        if damage:
            raise self.unusable(damage)
        if examined.doubt:
            log.warning("%s: %s", path, examined.doubt, extra={"action": "database_doubt"})

    def _take_lock(self, path: Path) -> None:
        lock = os.open(path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise SettingsError(f"another bridge is using {path}; stop it, or give this one its own --data") from None
        self._lock = lock


def _write_back(db: sqlite3.Connection) -> None:
    """Bring what an earlier run left in the log into the file, so that it is written and synced once more.

    If a sync failed then, the system may show in the log what the disk never got; later commits behind that would
    be durable in vain. A full disk is no reason not to start.
    """
    try:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname != "SQLITE_FULL":
            raise
