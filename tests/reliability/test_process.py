"""R18, R19, R20: the clock of the machine jumps, a second bridge on one file, and a clean end."""

import signal
import socket
import time
from pathlib import Path

import pytest

from bridge_support import destination, quick, until
from bridge_support import running as in_process
from reliability.checker import judge
from reliability.misbehaviour import Refuses, Silent, Slow, Well
from reliability.processes import NotReady, bridge, running
from reliability.reports import Report
from reliability.sender import Sender
from reliability.target import Target
from reliability.workload import Workload

DAY = 24 * 3600.0


@pytest.mark.parametrize("jump", [DAY, -DAY], ids=["a day on", "a day back"])
def test_r18_a_jump_of_the_clock_stalls_and_kills_nothing(
    jump: float, data: str, target: Target, report: Report
) -> None:
    jumped = [0.0]
    target.faults = lambda arrival: Refuses(503, "1") if arrival.number == 1 else Well()
    told = destination(target.url, custom_attributes=("n",))
    with in_process(quick(told, data=data), clock=lambda: time.time() + jumped[0]) as served:
        served.identify("u", {"n": 1})
        until(lambda: served.events()[0]["attempts"])
        began = time.monotonic()
        jumped[0] = jump
        served.identify("v", {"n": 2})
        assert served.idle(60), served.events()
        took = time.monotonic() - began
        counts = served.counts()
    report(f"a wait of 1 s took {took:.2f} s, delivered {counts['delivered']}, dead {counts['dead']}")
    assert jump > 0 or took > 0.7  # the stored deadline is by the wall clock: a jump forward may end a wait early
    assert (counts["delivered"], counts["dead"]) == (2, 0)


def test_r19_a_second_bridge_on_one_file_is_refused(target: Target, tmp_path: Path, report: Report) -> None:
    data = str(tmp_path / "data")
    with running(bridge(tmp_path / "one", target.url, data)) as process:
        second = bridge(tmp_path / "two", target.url, data)
        with pytest.raises(NotReady) as refused:
            second.start()
        code = second.wait()
        Sender([process]).send(events := Workload(1).events(10, 2))
        assert process.idle()
        verdict = judge(events, target.log, target.profiles, process.dead())
        process.kill()
        process.start()  # a lock does not outlive its process
    [line] = str(refused.value).strip().splitlines()
    report(f"exit code {code}: {line}; {verdict}")
    assert code == 2
    assert line.startswith("localtalon: ")
    assert data in line
    assert verdict.steady


def test_r20_sigterm_ends_what_is_in_flight_and_leaves_the_rest(
    data: str, target: Target, tmp_path: Path, report: Report
) -> None:
    events = Workload(2).events(40, 1)
    target.faults = lambda _arrival: Slow(0.5)
    with running(bridge(tmp_path, target.url, data, max_concurrent_requests=4, bulk_threshold=0)) as process:
        Sender([process]).send(events)
        target.wait_for(lambda: len(target.arrivals) >= 8)
        began = time.monotonic()
        url = process.url
        process.signal(signal.SIGTERM)
        until(lambda: not answers(url))
        code = process.wait()
        took = time.monotonic() - began
        sent = len(target.arrivals)
        target.faults = lambda _arrival: Well()
        process.start()
        assert process.idle()
        verdict = judge(events, target.log, target.profiles, process.dead())
    report(f"exit code {code} after {took:.1f} s, {sent} of {len(events)} sent before, {verdict}")
    assert code == 0
    assert took < 10
    assert sent < len(events)
    assert verdict.steady
    assert not verdict.duplicates


def test_r20_the_grace_is_bounded_and_nothing_is_lost(
    data: str, target: Target, tmp_path: Path, report: Report
) -> None:
    events = Workload(3).events(10, 2)
    target.faults = lambda _arrival: Silent(applies=True)
    with running(bridge(tmp_path, target.url, data, request_timeout=2, shutdown_grace=1, lease=5)) as process:
        Sender([process]).send(events)
        target.wait_for(lambda: target.log)
        began = time.monotonic()
        code = process.stop()
        took = time.monotonic() - began
        target.faults = lambda _arrival: Well()
        process.start()
        assert process.idle()
        verdict = judge(events, target.log, target.profiles, process.dead())
    report(f"exit code {code} after {took:.1f} s of grace 1 s, {verdict}")
    assert code == 0
    assert took < 3  # the grace, and what a busy machine adds
    assert verdict.steady


def test_r20_a_client_that_does_not_end_costs_no_more(target: Target, tmp_path: Path, report: Report) -> None:
    target.faults = lambda _arrival: Silent(applies=True)
    with running(bridge(tmp_path, target.url, None, request_timeout=2, shutdown_grace=1)) as process:
        Sender([process]).send(Workload(3).events(1, 1))
        target.wait_for(lambda: target.log)
        host, port = process.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), 1) as client:
            client.sendall(b"GET /_bridge/idle?timeout=60 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            until(lambda: process.get("/_bridge/health"))  # which came later, so that the other has begun
            began = time.monotonic()
            code = process.stop()
            took = time.monotonic() - began
    report(f"exit code {code} after {took:.1f} s of grace 1 s")
    assert code == 0
    assert took < 3  # the grace, and what a busy machine adds
    assert not process.said()


def test_r20_a_second_sigterm_ends_at_once(data: str, target: Target, tmp_path: Path, report: Report) -> None:
    events = Workload(4).events(10, 1)
    target.faults = lambda _arrival: Silent()
    with running(bridge(tmp_path, target.url, data, request_timeout=9, shutdown_grace=9, lease=20)) as process:
        Sender([process]).send(events)
        target.wait_for(lambda: target.arrivals)
        url = process.url
        process.signal(signal.SIGTERM)
        until(lambda: not answers(url))
        began = time.monotonic()
        process.signal(signal.SIGTERM)
        code = process.wait()
        took = time.monotonic() - began
        target.faults = lambda _arrival: Well()
        process.start()
        assert process.counts()["waiting"] == len(events)
    report(f"exit code {code} after {took * 1000:.0f} ms")
    assert code == -signal.SIGTERM
    assert took < 1


def answers(url: str) -> bool:
    """Whether new connections are taken."""
    host, port = url.removeprefix("http://").split(":")
    try:
        with socket.create_connection((host, int(port)), 1):
            return True
    except OSError:
        return False
