"""R05, R06: a wire that fails in every way, and requests that land after they were given up."""

import time
from pathlib import Path

import pytest

from bridge_support import until
from reliability.checker import Sent, judge
from reliability.misbehaviour import Drops, Endless, Fault, Half, Late, Lingers, Refuses, Silent, Well, in_turn, mixed
from reliability.processes import BridgeProcess, bridge, running
from reliability.proxy import proxy_to
from reliability.reports import Report
from reliability.sender import Sender
from reliability.target import Target
from reliability.toxics import Bandwidth, Latency, LimitData, ResetPeer, Slicer, SlowClose, Timeout, Toxic
from reliability.workload import Workload

TIMEOUT = 0.5  # seconds for a whole request
LATE = 0.2  # seconds after the bridge has given up
SLACK = 1.0  # of a busy machine

# What is on the wire, and whether a request gets through all the same.
WIRES: dict[str, tuple[tuple[Toxic, ...], bool]] = {
    "latency": ((Latency(seconds=0.05), Latency(seconds=0.05, upstream=True)), True),
    "long latency": ((Latency(seconds=30),), False),
    "bandwidth": ((Bandwidth(rate=100),), False),
    "timeout": ((Timeout(),), False),
    "timeout upstream": ((Timeout(upstream=True),), False),
    "closed after a while": ((Timeout(seconds=0.1),), False),
    "slices": ((Slicer(size=1), Slicer(size=1, upstream=True)), True),
    "a byte every 0.2 s": ((Slicer(size=1, seconds=0.2),), False),
    "half a head": ((LimitData(size=10),), False),
    "half a request": ((LimitData(size=60, upstream=True),), False),
    "reset": ((ResetPeer(),), False),
    "reset upstream": ((ResetPeer(upstream=True),), False),
    "slow close": ((SlowClose(seconds=1),), True),
}


def attempted(process: BridgeProcess, event: Sent, wanted: int = 1) -> list[dict[str, object]]:
    """The attempts of an event, once there are so many."""
    found: list[dict[str, object]] = []

    def there() -> bool:
        found[:] = process.event(event.message_id)["attempts"]
        return len(found) >= wanted

    until(there)
    return found


def test_r05_a_bad_wire_costs_no_more_than_the_time_out(target: Target, tmp_path: Path, report: Report) -> None:
    work, events, took = Workload(1), list[Sent](), dict[str, float]()
    port = int(target.url.rsplit(":", 1)[1])
    with proxy_to("127.0.0.1", port) as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        with running(bridge(tmp_path, url, str(tmp_path / "data"), request_timeout=TIMEOUT)) as process:
            for name, (toxics, gets_through) in WIRES.items():
                events.append(work.event(name))
                proxy.spoil(*toxics)
                began = time.monotonic()
                Sender([process]).send([events[-1]])
                [first, *_] = attempted(process, events[-1])
                took[name] = time.monotonic() - began
                assert (first["status"] == 200) == gets_through, (name, first)
                proxy.spoil()
                assert process.idle()
            proxy.refuse()
            events.append(work.event("refused"))
            Sender([process]).send([events[-1]])
            attempted(process, events[-1], wanted=2)
            proxy.refuse(False)
            assert process.idle()
            verdict = judge(events, target.log, target.profiles, process.dead())
    report(f"slowest {max(took.values()):.2f} s, {proxy.connections} connections, {verdict}")
    assert verdict.steady
    assert max(took.values()) < TIMEOUT + SLACK, took


def test_r05_a_bad_answer_costs_no_more_than_the_time_out(target: Target, tmp_path: Path, report: Report) -> None:
    faults: dict[str, Fault] = {
        "endless": Endless(),
        "dripping": Endless(every=0.02),
        "half": Half(),
        "silent": Silent(),
        "silent but applied": Silent(applies=True),
        "dropped": Drops(),
        "dropped but applied": Drops(applies=True),
        "502 but applied": Refuses(502, applies=True),
    }
    work, took = Workload(2), dict[str, float]()
    events = [work.event(name) for name in faults]
    target.faults = in_turn({name: [fault] for name, fault in faults.items()})
    with running(bridge(tmp_path, target.url, str(tmp_path / "data"), request_timeout=TIMEOUT)) as process:
        for event in events:
            began = time.monotonic()
            Sender([process]).send([event])
            attempted(process, event)
            took[event.profile] = time.monotonic() - began
        assert process.idle()
        memory = process.peak_memory()
        verdict = judge(events, target.log, target.profiles, process.dead())
    report(f"slowest {max(took.values()):.2f} s, {memory >> 20} MiB, {verdict}")
    assert verdict.steady
    assert max(took.values()) < TIMEOUT + SLACK, took
    assert memory < 200 << 20


@pytest.mark.parametrize("bulk", [0, 3], ids=["single", "bulk"])
def test_r06_a_request_that_lands_late_overwrites_nothing(
    bulk: int, data: str, target: Target, tmp_path: Path, report: Report
) -> None:
    """One request in six is applied after the bridge has given it up, within one more time-out."""
    events = Workload(3).events(24, 8)
    target.faults = mixed(0.16, 4, (Late(LATE),))
    with running(bridge(tmp_path, target.url, data, request_timeout=TIMEOUT, bulk_threshold=bulk)) as process:
        Sender([process], size=4).send(events)
        assert process.idle(120)
        verdict = judge(events, target.log, target.profiles, process.dead())
    report(f"{len(target.arrivals)} requests, {verdict}")
    assert verdict.steady
    assert verdict.duplicates  # what landed late was sent again


def test_r06_what_a_killed_bridge_sent_may_land_late_too(
    data: str, target: Target, tmp_path: Path, report: Report
) -> None:
    """It lands when the next run has been up for a while, which must have sent nothing for its profile till then."""
    work = Workload(5)
    profiles = [f"k{number}" for number in range(10)]
    first = [work.event(profile) for profile in profiles]
    second = [work.event(profile) for profile in profiles]
    lingers = Lingers()
    target.faults = lambda arrival: lingers if arrival.number <= len(first) else Well()
    landed = set[int]()
    target.applied = lambda arrival: landed.add(arrival.number)
    with running(bridge(tmp_path, target.url, data, request_timeout=2.0, lease=4.2, bulk_threshold=0)) as process:
        Sender([process]).send(first)
        target.wait_for(lambda: len(target.arrivals) == len(first))
        process.kill()
        process.start()
        Sender([process]).send(second)
        target.comes(lambda: len(target.log) >= 2 * len(first), 0.8)
        lingers.open()
        assert process.idle()
        until(lambda: landed.issuperset(range(1, len(first) + 1)))
        verdict = judge([*first, *second], target.log, target.profiles, process.dead())
    report(f"{len(target.arrivals)} requests, {verdict}")
    assert verdict.steady
    assert verdict.duplicates == len(first)
