"""R21: PostgreSQL goes away in every way while events come in and go out, and nothing is lost."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from bridge_support import until
from postgres_support import CannotStart, PostgresServer, postgres_server
from reliability.checker import Sent, Verdict, judge
from reliability.misbehaviour import mixed
from reliability.processes import bridge, running
from reliability.proxy import Proxy, proxy_to
from reliability.reports import Report
from reliability.restart import Restarts
from reliability.scale import SCALE
from reliability.sender import Sender
from reliability.target import Target
from reliability.toxics import Latency, Slicer
from reliability.workload import Workload

LEASE, TIMEOUT = 1.5, 0.6
Trouble = Callable[[PostgresServer, str, Proxy], None]


def terminated(server: PostgresServer, data: str, proxy: Proxy) -> None:
    """Have the server end every session of the bridge."""
    server.execute(data, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")


def crashed(server: PostgresServer, data: str, proxy: Proxy) -> None:
    """Kill a server process as nothing can prevent: the others end with it, and the server recovers."""
    statement = "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL LIMIT 1"

    def killed() -> bool:
        """Whether one was; none is where the server has not recovered yet from the last time."""
        with contextlib.suppress(OSError, asyncpg.PostgresError):
            for row in server.execute(data, statement):
                os.kill(row["pid"], signal.SIGKILL)
                return True
        return False

    until(killed)


def cut(server: PostgresServer, data: str, proxy: Proxy) -> None:
    """Cut every connection, and refuse new ones for a while."""
    proxy.refuse()
    refused = proxy.connections
    until(lambda: proxy.connections > refused + 1)
    proxy.refuse(False)


def frozen(server: PostgresServer, data: str, proxy: Proxy) -> None:
    """Let nothing pass between the bridge and the server for longer than a lease."""
    proxy.freeze()
    threading.Event().wait(1.5 * LEASE)  # the fault itself
    proxy.thaw()


def slow(server: PostgresServer, data: str, proxy: Proxy) -> None:
    """Have everything come late and in small pieces from now on."""
    proxy.spoil(Latency(seconds=0.02), Slicer(size=200))


TROUBLES: list[Trouble] = [terminated, crashed, cut, frozen, slow]


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__)
def test_r21_nothing_is_lost_when_postgresql_goes_away(
    trouble: Trouble, postgres: PostgresServer, target: Target, tmp_path: Path, report: Report
) -> None:
    counted, verdict = under(trouble, postgres, target, tmp_path)
    report(f"{counted}, {verdict}")
    assert verdict.clean


def test_r21_nothing_is_lost_when_postgresql_is_killed_and_started_again(
    target: Target, tmp_path: Path, report: Report
) -> None:
    with own_server() as server, Restarts(server) as restarts:
        counted, verdict = under(lambda *_what: restarts.kill_and_start(), server, target, tmp_path)
    report(f"{SCALE.restarts} kills of PostgreSQL, {counted}, {verdict}")
    assert verdict.clean


def under(trouble: Trouble, server: PostgresServer, target: Target, place: Path) -> tuple[str, Verdict]:
    """Run a bridge while PostgreSQL is in trouble, now and then; gives what was counted."""
    data = server.database()
    work = Workload(1, 0.01)
    target.faults = mixed(0.05, seed=2)
    with proxy_to("127.0.0.1", server.port) as proxy:
        through = data.replace(f":{urlsplit(data).port}/", f":{proxy.port}/")
        changed = {"lease": LEASE, "request_timeout": TIMEOUT, "bulk_threshold": 20}
        with running(bridge(place, target.url, through, **changed)) as process:
            sent = list[Sent]()
            sender = Sender([process], timeout=10)
            for _ in range(SCALE.restarts):
                events = work.events(50, 10)
                sent += events
                after = len(target.arrivals) + 10
                with sender.sending(events):
                    target.wait_for(lambda: len(target.arrivals) >= after)  # noqa: B023 (asked here only)
                    trouble(server, data, proxy)
            assert process.idle(120)
            verdict = judge(sent, target.log, target.profiles, process.dead())
    return f"{len(target.arrivals)} requests, refused meanwhile {sender.refused}", verdict


@contextmanager
def own_server() -> Iterator[PostgresServer]:
    """A server that no other test uses."""
    running_already = False
    try:
        with postgres_server() as server:
            running_already = True
            yield server
    except CannotStart as error:
        if running_already:
            raise
        pytest.skip(f"no PostgreSQL: {error}")
