"""The SQLite store: one file of one process, or memory. Calls run inline, since they take microseconds."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from talon_emulator.deployments import Deployment, State
from talon_emulator.errors import Refusal
from talon_emulator.profiles import Environment, Profile
from talon_emulator.store import statements
from talon_emulator.store.protocol import DeploymentChange, ProfileChange, StoreUnavailable

FILE_NAME: Final = "emulator.sqlite3"
_HERE = Path(__file__).parent
_SCHEMAS = ("sqlite_schema_1.sql",)
_ENVIRONMENTS: Final[dict[Environment, int]] = {"sandbox": 0, "live": 1}


class _Document(msgspec.Struct, frozen=True):
    state: State
    baseline: State


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(_Document)


class SQLiteStore:
    """A store in `directory`, or in memory when that is None."""

    def __init__(self, directory: Path | None) -> None:
        """Remember where; nothing is touched before `open`."""
        self._directory = directory
        self._connection: sqlite3.Connection | None = None
        self._cursor: sqlite3.Cursor | None = None
        self._sql = statements.read(_HERE / "sqlite.sql")

    async def open(self) -> None:
        """Open the file, lock it against other processes, bring its schema up to date. Raises StoreUnavailable."""
        if self._connection is not None:
            return
        where = ":memory:" if self._directory is None else str(_prepare(self._directory))
        connection = sqlite3.connect(where, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            _configure(connection)
        except (sqlite3.Error, StoreUnavailable) as error:
            connection.close()
            raise StoreUnavailable(_reason(where, error)) from error
        self._connection, self._cursor = connection, connection.cursor()

    async def close(self) -> None:
        """Close the file and give up its lock."""
        if self._connection is not None:
            self._connection.close()
            self._connection = self._cursor = None

    async def deployments(self) -> tuple[Deployment, ...]:
        """Return every deployment, oldest first."""
        return tuple(_deployment(row) for row in self._run("all_deployments"))

    async def create_deployment(self, name: str) -> Deployment:
        """Create an empty deployment under a name that is not in use."""
        empty = _ENCODER.encode(_Document(State(), State()))
        [(number,)] = self._run("insert_deployment", name, empty)
        return Deployment(number, name)

    async def change_deployment(self, deployment: int, change: DeploymentChange) -> Deployment | Refusal:
        """Change the definitions of a deployment."""
        with self._transaction():
            stored = self._find_deployment(deployment)
            changed = change(stored)
            if not isinstance(changed, Refusal) and changed is not stored:
                self._write_deployment(changed)
            return changed

    async def reset_deployment(self, deployment: int) -> Deployment:
        """Return a deployment to its baseline and forget its customers."""
        with self._transaction():
            stored = self._find_deployment(deployment)
            restored = msgspec.structs.replace(stored, state=stored.baseline)
            self._write_deployment(restored)
            self._run("delete_profiles", deployment)
            return restored

    async def find_profile(self, deployment: int, environment: Environment, integration_id: str) -> Profile | None:
        """Return one profile; the integration ID is compared exactly."""
        rows = self._run("find_profile", deployment, _ENVIRONMENTS[environment], integration_id.encode())
        for _, number, created, last_activity, attributes in rows:
            return Profile(number, integration_id, created, last_activity, attributes)
        return None

    async def update_profile(
        self, deployment: int, environment: Environment, integration_id: str, change: ProfileChange
    ) -> Profile | Refusal:
        """Change or create one profile.

        No transaction around the two statements: nothing is awaited between them, and this process is the only writer.
        """
        key = (deployment, _ENVIRONMENTS[environment], integration_id.encode())
        found = self._run("find_profile", *key)
        if not found:
            created = change(None)
            if isinstance(created, Refusal):
                return created
            row = (*key, created.created, created.last_activity, created.attributes)
            [(number,)] = self._run("insert_profile", *row)
            return Profile(number, integration_id, created.created, created.last_activity, created.attributes)
        [(row_id, number, created_at, last_activity, attributes)] = found
        stored = Profile(number, integration_id, created_at, last_activity, attributes)
        changed = change(stored)
        if not isinstance(changed, Refusal) and changed is not stored:
            self._run("update_profile", changed.last_activity, changed.attributes, row_id)
        return changed

    async def list_profiles(
        self, deployment: int, environment: Environment, limit: int, skip: int, newest_first: bool = False
    ) -> tuple[Profile, ...]:
        """Return profiles in the order of their creation, or the other way round."""
        order = "list_newest_profiles" if newest_first else "list_profiles"
        rows = self._run(order, deployment, _ENVIRONMENTS[environment], limit, skip)
        return tuple(Profile(number, key.decode(), *rest) for number, key, *rest in rows)

    async def count_profiles(self, deployment: int, environment: Environment) -> int:
        """Return how many profiles there are."""
        [(count,)] = self._run("count_profiles", deployment, _ENVIRONMENTS[environment])
        assert isinstance(count, int)
        return count

    def _run(self, name: str, *values: Any) -> list[Any]:
        assert self._cursor is not None, "the store is not open"
        return self._cursor.execute(self._sql[name], values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        assert self._connection is not None, "the store is not open"
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _find_deployment(self, deployment: int) -> Deployment:
        [row] = self._run("find_deployment", deployment)
        return _deployment(row)

    def _write_deployment(self, deployment: Deployment) -> None:
        document = _Document(deployment.state, deployment.baseline)
        self._run("update_deployment", _ENCODER.encode(document), deployment.id)


def _deployment(row: tuple[int, str, bytes]) -> Deployment:
    number, name, document = row
    content = _DECODER.decode(document)
    return Deployment(number, name, content.state, content.baseline)


def _prepare(directory: Path) -> Path:
    """Make the directory (0700) and the file (0600), refusing symbolic links, which could lead into others' files."""
    path = directory / FILE_NAME
    try:
        for place in (directory, path):
            if place.is_symlink():
                raise StoreUnavailable(f"{place} is a symbolic link; give the real directory")
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            os.chmod(path, 0o600)
        finally:
            os.close(handle)
    except OSError as error:
        raise StoreUnavailable(f"cannot use {directory} for data: {error.strerror}") from error
    return path


def _configure(connection: sqlite3.Connection) -> None:
    # Exclusive mode keeps the lock for the life of the connection, however the process ends. In WAL mode, NORMAL loses
    # nothing when the process is killed; only a power failure can undo the last commits.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("BEGIN EXCLUSIVE")
    [(version,)] = connection.execute("PRAGMA user_version").fetchall()
    if version > len(_SCHEMAS):
        raise StoreUnavailable("it was written by a newer version of the emulator")
    connection.execute("COMMIT")
    for number, name in enumerate(_SCHEMAS[version:], start=version + 1):
        schema = (_HERE / name).read_text(encoding="utf-8")
        connection.executescript(f"BEGIN;\n{schema}\nPRAGMA user_version = {number};\nCOMMIT;")


def _reason(where: str, error: Exception) -> str:
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
        return f"{where} is in use by another process; stop that one or give another directory"
    return f"cannot open {where}: {error}"
