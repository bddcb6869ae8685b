"""A PostgreSQL server that is killed as nothing can prevent, and started again on its own data."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path

import asyncpg

from bridge_support import until
from postgres_support import PostgresServer


class Restarts:
    """Kills a server and starts it again. Use as a context: what was started here ends with it."""

    def __init__(self, server: PostgresServer) -> None:
        """Restart this server, which nobody else may use."""
        self._server = server
        self._started: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Restarts":
        return self

    def __exit__(self, *_what: object) -> None:
        self._reap(signal.SIGQUIT)

    def kill_and_start(self) -> None:
        """Kill the whole server, and return once its successor has recovered."""
        child = "SELECT pid, current_setting('data_directory') AS data FROM pg_stat_activity WHERE backend_type = "
        [row] = self._server.execute("postgres", child + "'checkpointer'")
        first = int(Path(f"/proc/{row['pid']}/stat").read_text().rpartition(") ")[2].split()[1])
        command = Path(f"/proc/{first}/cmdline").read_bytes().split(b"\0")[:-1]
        owner, place = os.stat(f"/proc/{first}"), Path(row["data"])
        if self._started is None:
            os.kill(first, signal.SIGKILL)
        self._reap(signal.SIGKILL)
        (place / "postmaster.pid").unlink()  # the first one stays a zombie of its guard, which reads as being alive

        def runs() -> bool:
            """Whether it does; where it has ended since a process of the old one still did, it is started again."""
            if self._started is None or self._started.poll() is not None:
                self._started = subprocess.Popen(
                    command,
                    stderr=subprocess.DEVNULL,
                    cwd=place.parent,
                    user=owner.st_uid,
                    group=owner.st_gid,
                    extra_groups=(),
                )
            with contextlib.suppress(OSError, asyncpg.PostgresError):
                return bool(self._server.execute("postgres", "SELECT 1"))
            return False

        until(runs)

    def _reap(self, number: int) -> None:
        if self._started is not None:
            with contextlib.suppress(ProcessLookupError):
                self._started.send_signal(number)
            self._started.wait(30)
            self._started = None
