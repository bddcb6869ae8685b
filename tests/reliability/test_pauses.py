"""R02: several bridges on one PostgreSQL, of which one after the other is paused for longer than its lease."""

import random
import signal
import threading
from contextlib import ExitStack
from pathlib import Path

from bridge_support import PATIENCE
from postgres_support import PostgresServer
from reliability.checker import judge
from reliability.misbehaviour import mixed
from reliability.processes import bridge, running
from reliability.reports import Report
from reliability.scale import SCALE
from reliability.sender import Sender
from reliability.target import Target
from reliability.workload import Workload

LEASE, TIMEOUT = 1.5, 0.6


def test_r02_a_paused_worker_writes_nothing_after_its_lease(
    postgres: PostgresServer, target: Target, tmp_path: Path, report: Report
) -> None:
    """Its requests may reach the target late: what it had sent, in the instant in which it was stopped."""
    data, dice = postgres.database(), random.Random(1)
    work = Workload(2, 0.01)
    target.faults = mixed(0.05, seed=3)
    sent = work.events(0, 0)
    with ExitStack() as stack:
        made = [
            bridge(tmp_path / str(number), target.url, data, lease=LEASE, request_timeout=TIMEOUT, bulk_threshold=20)
            for number in range(3)
        ]
        processes = [stack.enter_context(running(process)) for process in made]
        for pause in range(SCALE.pauses):
            events = work.events(SCALE.pause_profiles, 8)
            sent += events
            victim = processes[pause % len(processes)]
            after = len(target.arrivals) + dice.randint(1, SCALE.pause_profiles)
            with Sender(processes, timeout=1.0).sending(events):
                target.wait_for(lambda: len(target.arrivals) >= after)  # noqa: B023 (asked here only)
                victim.signal(signal.SIGSTOP)
                threading.Event().wait(1.5 * LEASE)  # the pause itself
                victim.signal(signal.SIGCONT)
        assert all(process.idle(PATIENCE) for process in processes), [
            process.get("/_bridge/status") for process in made
        ]
        verdict = judge(sent, target.log, target.profiles, processes[0].dead())
        workers = processes[0].get("/_bridge/status")["workers"]
    report(f"{SCALE.pauses} pauses of {1.5 * LEASE} s, {workers} workers, {len(target.arrivals)} requests, {verdict}")
    assert workers == 3
    assert verdict.clean


def test_r02_what_a_killed_worker_held_is_taken_over(
    postgres: PostgresServer, target: Target, tmp_path: Path, report: Report
) -> None:
    data = postgres.database()
    events = Workload(4).events(SCALE.pause_profiles, 8)
    one, two = (
        bridge(tmp_path / name, target.url, data, lease=LEASE, request_timeout=TIMEOUT) for name in ("one", "two")
    )
    with running(one), running(two):
        with Sender([two]).sending(events):
            target.wait_for(lambda: len(target.arrivals) > 20)
            one.kill()
        assert two.idle(PATIENCE)
        verdict = judge(events, target.log, target.profiles, two.dead())
    report(f"{len(target.arrivals)} requests, {verdict}")
    assert verdict.clean
