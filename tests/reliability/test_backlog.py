"""R11, R12, R13: a long queue costs neither a restart, nor the others, nor the memory."""

import time
from pathlib import Path

import httpx

from bridge_support import basic
from reliability.checker import judge
from reliability.misbehaviour import Refuses, Well
from reliability.processes import bridge, running
from reliability.reports import Report
from reliability.scale import CHAOS, SCALE
from reliability.sender import Sender
from reliability.target import Arrival, Target
from reliability.workload import Workload, call

RATE = 60.0  # requests a second, Segment's limit
READY = 0.3  # seconds from the ready line to the first answer


def test_r11_a_restart_with_many_pending_is_ready_at_once(
    data: str, target: Target, tmp_path: Path, report: Report
) -> None:
    work = Workload(1)
    events = [work.event(f"u{number}") for number in range(SCALE.pending)]
    target.faults = lambda _arrival: Refuses(401)
    changed = {"probe_every": 1, "max_requests_per_second": RATE, "request_timeout": 10 if CHAOS else 3}
    with running(bridge(tmp_path, target.url, data, **changed)) as process:
        began = time.monotonic()
        Sender([process], size=1000, number=2, timeout=30).send(events)
        accepted_in = time.monotonic() - began
        assert process.counts()["waiting"] == len(events)
        process.kill()
        target.faults = lambda _arrival: Well()
        asked = len(target.arrivals)
        with httpx.Client(trust_env=False, headers=basic()) as client:
            extra = work.event("first")
            client.build_request("POST", "http://127.0.0.1/", json=call(extra))
            process.start()
            began = time.monotonic()
            answer = client.post(process.url + "/v1/identify", json=call(extra))
            first = time.monotonic() - began
        assert answer.status_code == 200
        began = time.monotonic()
        assert process.idle(600)
        drained = time.monotonic() - began
        memory = process.peak_memory()
        requests = len(target.arrivals) - asked
        verdict = judge([*events, extra], target.log, target.profiles, process.dead())
    report(
        f"accepted in {accepted_in:.1f} s, start {process.ready_at - process.started:.2f} s, "
        f"first 200 after {first * 1000:.0f} ms, "
        f"drained in {drained:.1f} s by {requests} requests, {memory >> 20} MiB, {verdict}"
    )
    assert verdict.steady
    assert first < READY
    assert memory < SCALE.memory
    assert requests <= 1.1 * len(events) / 1000 + 10


def test_r12_a_blocked_profile_costs_the_others_nothing(
    data: str, target: Target, tmp_path: Path, report: Report
) -> None:
    """At a rate that the machine keeps easily, the requests of the others come as often as without the blocked one."""
    work, rate, count = Workload(2, plain=True), 200, 400
    free = [work.event(f"free{number}") for number in range(count)]
    others = [work.event(f"other{number}") for number in range(count)]
    behind = [work.event("blocked") for _ in range(SCALE.behind)]
    blocked = [True]
    target.faults = lambda arrival: Refuses(409) if blocked[0] and "blocked" in arrival.profiles else Well()
    came = arrivals(target)
    changed = {"max_requests_per_second": rate, "bulk_threshold": 0, "retry_window": 3600}
    with running(bridge(tmp_path, target.url, data, **changed)) as process:
        sender = Sender([process], size=1000, number=1, timeout=30)
        sender.send(free)
        target.wait_for(lambda: len(target.log) == count)
        sender.send(behind)
        before = target.requests("blocked")
        sender.send(others)
        target.wait_for(lambda: len(target.log) == 2 * count)
        wasted = target.requests("blocked") - before
        without, with_blocked = per_second(came, "free", rate), per_second(came, "other", rate)
        blocked[0] = False
        assert process.idle(120)
        memory = process.peak_memory()
        verdict = judge([*free, *behind, *others], target.log, target.profiles, process.dead())
    report(
        f"{without:.0f} requests a second without, {with_blocked:.0f} with {len(behind)} events behind one profile, "
        f"{wasted} requests for it meanwhile, {target.requests('blocked')} in all, {memory >> 20} MiB, {verdict}"
    )
    assert verdict.steady
    assert with_blocked >= 0.9 * min(without, rate)
    assert wasted <= 0.1 * count
    assert memory < SCALE.memory


def test_r13_a_hot_profile_starves_nobody(data: str, target: Target, tmp_path: Path, report: Report) -> None:
    """While one profile changes all the time, a change of another passes few requests on its way."""
    work = Workload(3)
    hot = [work.event("hot") for _ in range(SCALE.hot)]
    cold = [work.event(f"cold{number}") for number in range(SCALE.cold)]
    accepted: dict[str, tuple[int, float]] = {}
    passed: dict[str, tuple[int, float]] = {}

    def carried_out(arrival: Arrival) -> None:
        for profile in arrival.profiles:
            passed[profile] = (arrival.number, time.monotonic())

    target.applied = carried_out
    with running(bridge(tmp_path, target.url, data)) as process:
        steady = Sender([process], size=1, number=1)

        def answered(number: int) -> None:
            accepted[steady.accepted[number - 1].profile] = (len(target.arrivals), time.monotonic())

        steady.answered = answered
        with Sender([process], size=10, number=1).sending(hot):
            steady.send(cold)
        assert process.idle()
        verdict = judge([*hot, *cold], target.log, target.profiles, process.dead())
    overtaken = sorted(passed[event.profile][0] - accepted[event.profile][0] for event in cold)
    waits = {event.profile: passed[event.profile][1] - accepted[event.profile][1] for event in cold}
    p99 = sorted(waits.values())[len(cold) * 99 // 100]
    report(
        f"passed by {overtaken[-1]} requests at most, p99 {p99 * 1000:.0f} ms, "
        f"{target.requests('hot')} requests for {len(hot)} hot events, {verdict}"
    )
    assert verdict.steady
    assert overtaken[-1] <= 100


def arrivals(target: Target) -> list[tuple[float, str]]:
    """When the requests come, from now on, and for whom."""
    found: list[tuple[float, str]] = []
    target.watch = lambda arrival: found.extend((time.monotonic(), profile) for profile in arrival.profiles)
    return found


def per_second(came: list[tuple[float, str]], prefix: str, burst: int) -> float:
    """How often requests for profiles of this prefix came, from the end of the burst that a full bucket allows on."""
    times = [moment for moment, profile in came if profile.startswith(prefix)][burst:]
    return (len(times) - 1) / (times[-1] - times[0])
