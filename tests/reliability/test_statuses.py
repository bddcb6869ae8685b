"""R04, R08, R17: what the bridge makes of each answer, how long it goes on, and when it waits for a person."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from reliability.checker import judge
from reliability.misbehaviour import Redirects, Refuses, Well, in_turn
from reliability.processes import bridge, running
from reliability.reports import Report
from reliability.sender import Sender
from reliability.target import Arrival, Target
from reliability.workload import Workload

RETRIED = (408, 409, 423, 425, 429, 460, 500, 502, 503, 504, 507, 599)
FINAL = (400, 404, 405, 406, 410, 413, 415, 418, 422, 451, 501, 505)


def test_r04_each_status_is_retried_or_final(data: str, target: Target, tmp_path: Path, report: Report) -> None:
    work = Workload(1)
    statuses = {f"s{status}": status for status in (*RETRIED, *FINAL, 307)}
    events = [work.event(name) for name in statuses]
    faults = {name: [Refuses(status)] * 2 for name, status in statuses.items()}
    target.faults = in_turn({**faults, "s307": [Redirects(target.url + "/v2/customer_profiles/elsewhere")]})
    with running(bridge(tmp_path, target.url, data, bulk_threshold=0)) as process:
        Sender([process]).send(events)
        assert process.idle()
        told = {event.profile: process.event(event.message_id)["attempts"] for event in events}
        dead = set(process.dead())
    verdict = judge([event for event in events if event.message_id not in dead], target.log, target.profiles, ())
    report(f"{len(RETRIED)} retried and {len(FINAL) + 1} final statuses, {verdict}, dead {len(dead)}")
    assert verdict.steady
    assert dead == {event.message_id for event in events if statuses[event.profile] not in RETRIED}
    for name, status in statuses.items():
        wanted = [status, status, 200] if status in RETRIED else [status]
        assert [attempt["status"] for attempt in told[name]] == wanted, name
        assert target.requests(name) == len(wanted), name
    assert target.requests("elsewhere") == 0


def moments(target: Target) -> dict[str, list[float]]:
    """When the requests of each profile come in, from now on."""
    found: dict[str, list[float]] = {}

    def note(arrival: Arrival) -> None:
        for profile in arrival.profiles:
            found.setdefault(profile, []).append(time.monotonic())

    target.watch = note
    return found


def test_r04_retry_after_is_kept_and_holds_up_one_profile_only(target: Target, tmp_path: Path, report: Report) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=3), usegmt=True)
    headers = {"seconds": "1", "date": soon, "past": "Wed, 21 Oct 2015 07:28:00 GMT", "none": None}
    headers |= {"garbage": "soon", "negative": "-5", "huge": "1000000000", "longer": "9" * 400}
    target.faults = in_turn({name: [Refuses(503, value)] for name, value in headers.items()})
    found = moments(target)
    work = Workload(2)
    events = [work.event(name) for name in (*headers, "free")]
    with running(bridge(tmp_path, target.url, str(tmp_path / "data"))) as process:
        Sender([process], number=1).send(events)
        target.wait_for(lambda: len(target.log) == len(events) - 2)
        waits = {name: times[1] - times[0] for name, times in found.items() if len(times) > 1}
        capped = [
            process.event(event.message_id)["notBefore"] for event in events if event.profile in ("huge", "longer")
        ]
        process.kill()
        process.start()
        kept = [process.event(event.message_id)["notBefore"] for event in events if event.profile in ("huge", "longer")]
        waiting = process.counts()["waiting"]
    report(
        f"waited {', '.join(f'{name} {wait:.2f} s' for name, wait in waits.items())}; waiting after the kill {waiting}"
    )
    assert waits["seconds"] >= 1.0
    assert waits["date"] >= 0.8
    assert all(waits[name] < 1.0 for name in ("past", "none", "garbage", "negative"))
    assert kept == capped
    assert waiting == 2
    far = datetime.now(UTC) + timedelta(seconds=301)
    assert all(datetime.fromisoformat(moment) < far for moment in kept)


def test_r04_429_slows_the_destination(target: Target, tmp_path: Path, report: Report) -> None:
    found = moments(target)
    target.faults = in_turn({"first": [Refuses(429, "1")]})
    work = Workload(3)
    with running(bridge(tmp_path, target.url, None, max_concurrent_requests=1)) as process:
        Sender([process], number=1).send([work.event("first"), work.event("other")])
        target.wait_for(lambda: len(target.log) == 2)
        assert process.idle()
        dead = process.counts()["dead"]
    wait = min(found["other"][-1], found["first"][-1]) - found["first"][0]
    report(f"waited {wait:.2f} s of 1 s, dead {dead}")
    assert wait >= 1.0
    assert not dead


@pytest.mark.parametrize("status", [401, 403])
def test_r17_a_refused_key_pauses_the_destination_and_kills_nothing(
    data: str, status: int, target: Target, tmp_path: Path, report: Report
) -> None:
    events = Workload(4).events(40, 5)
    target.faults = lambda _arrival: Refuses(status)
    with running(bridge(tmp_path, target.url, data, probe_every=0.3)) as process:
        Sender([process]).send(events)
        target.wait_for(lambda: len(target.arrivals) >= 4)
        [paused] = process.get("/_bridge/status")["destinations"]
        counts = process.counts()
        asked = len(target.arrivals)
        process.kill()
        process.start()
        target.wait_for(lambda: len(target.arrivals) > asked)
        target.faults = lambda _arrival: Well()
        assert process.idle()
        verdict = judge(events, target.log, target.profiles, process.dead())
    report(f"{asked} requests while paused, {verdict}")
    assert paused["paused"]
    assert (counts["waiting"], counts["dead"], counts["delivered"]) == (len(events), 0, 0)
    assert asked < 40 + 32  # those in flight when the first answer came, and a few questions
    assert verdict.steady


def test_r08_the_window_ends_in_a_dead_letter_with_its_whole_history(
    data: str, target: Target, tmp_path: Path, report: Report
) -> None:
    work = Workload(5)
    stuck = [work.event("stuck") for _ in range(3)]
    free = work.events(20, 2)
    target.faults = in_turn({}, Well())
    target.faults = lambda arrival: Refuses(503) if "stuck" in arrival.profiles else Well()
    began = time.time()
    with running(bridge(tmp_path, target.url, data, retry_window=0.8, first_wait=0.05)) as process:
        Sender([process], number=1).send([*stuck, *free])
        assert process.idle()
        dead = process.dead()
        assert set(dead) == {event.message_id for event in stuck}
        for letter in dead.values():
            assert len(letter["attempts"]) >= 3
            assert {attempt["status"] for attempt in letter["attempts"]} == {503}
        histories = [len(letter["attempts"]) for letter in dead.values()]
        first = judge(free, [patch for patch in target.log if patch.profile != "stuck"], _but(target, "stuck"), ())
        target.faults = lambda _arrival: Well()
        replayed = process.replay()
        assert process.idle()
        verdict = judge([*stuck, *free], target.log, target.profiles, process.dead())
    report(f"attempts {histories} in {time.time() - began:.1f} s, replayed {replayed}, {verdict}")
    assert first.steady
    assert verdict.steady
    assert replayed == 3


def _but(target: Target, profile: str) -> dict[str, dict[str, object]]:
    return {name: values for name, values in target.profiles.items() if name != profile}
