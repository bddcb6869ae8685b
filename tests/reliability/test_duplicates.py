"""R10: one messageId is delivered once within 24 hours, whatever is sent again, to whom, and when."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import msgspec

from bridge_support import basic, destination, identify, quick
from bridge_support import running as in_process
from postgres_support import PostgresServer
from reliability.checker import judge
from reliability.processes import Process, bridge, running
from reliability.reports import Report
from reliability.sender import Sender
from reliability.target import Target
from reliability.workload import Workload, call

DAY = 24 * 3600.0


def test_r10_the_same_message_in_a_batch_across_batches_and_restarts(
    data: str, target: Target, tmp_path: Path, report: Report
) -> None:
    events = Workload(1).events(20, 3)
    other = [msgspec.structs.replace(event, attributes={**event.attributes, "n": 99}) for event in events]
    with running(bridge(tmp_path, target.url, data)) as process:
        assert batch(process, [*map(call, events), *map(call, other)]) == 200
        Sender([process]).send(events)
        assert process.idle()
        Sender([process]).send(other)
        assert process.stop() == 0
        process.start()
        Sender([process]).send(events)
        process.kill()
        process.start()
        Sender([process]).send(other)
        assert process.idle()
        again = process.event(events[0].message_id)["duplicates"]["count"]
        counts = process.counts()
        verdict = judge(events, target.log, target.profiles, process.dead())
    report(f"sent 6 times, counted as duplicates {again} times, delivered {counts['delivered']}, {verdict}")
    assert verdict.steady
    assert not verdict.duplicates
    assert counts["delivered"] == len(events)
    assert again == 5


def test_r10_the_same_message_to_several_processes_at_once(
    postgres: PostgresServer, target: Target, tmp_path: Path, report: Report
) -> None:
    data = postgres.database()
    events = Workload(2).events(30, 10)
    one = bridge(tmp_path / "one", target.url, data)
    two = bridge(tmp_path / "two", target.url, data)
    with running(one), running(two):
        groups = [list(map(call, events[start : start + 30])) for start in range(0, len(events), 30)]
        with ThreadPoolExecutor(4) as pool:
            for group in groups:
                answers = list(pool.map(lambda process: batch(process, group), [one, two, one, two]))  # noqa: B023
                assert answers == [200] * 4
        assert one.idle()
        assert two.idle()
        counts = one.counts()
        verdict = judge(events, target.log, target.profiles, one.dead())
    report(f"sent 4 times, delivered {counts['delivered']}, {verdict}")
    assert verdict.steady
    assert not verdict.duplicates
    assert counts["delivered"] == len(events)


def test_r10_the_window_is_24_hours(data: str, target: Target, report: Report) -> None:
    now = [1_700_000_000.0]
    told = destination(target.url, custom_attributes=("n",))
    with in_process(quick(told, data=data), clock=lambda: now[0]) as served:
        for moment, n in ((0.0, 0), (DAY - 1, 1), (DAY + 1, 2), (DAY + 2, 3)):
            now[0] = 1_700_000_000.0 + moment
            assert served.post("/v1/identify", identify("u", {"n": n}, messageId="same")).status_code == 200
            assert served.idle()
    seen = [patch.attributes["n"] for patch in target.log]
    report(f"sent 4 times, delivered {seen}")
    assert seen == [0, 2]


def batch(process: Process, calls: list[dict[str, object]]) -> int:
    """Send one batch; gives the status."""
    url = process.where() + "/v1/batch"
    return httpx.post(url, json={"batch": calls}, headers=basic(), timeout=20, trust_env=False).status_code
