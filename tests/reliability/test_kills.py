"""R01: a bridge that is killed at random instants, in front of a Talon.One that fails one time in ten."""

from pathlib import Path
from typing import Any

import pytest

from reliability.checker import judge, oracle
from reliability.killer import Killer
from reliability.misbehaviour import mixed
from reliability.processes import bridge, emulator, running
from reliability.proxy import proxy_to
from reliability.reports import Report
from reliability.scale import SCALE
from reliability.sender import Sender
from reliability.target import Target
from reliability.workload import Workload

POISON = 0.01
KILLED: dict[str, Any] = {"max_concurrent_requests": 8, "request_timeout": 0.5}


@pytest.mark.parametrize(("bulk", "poison"), [(0, 0.0), (3, POISON)], ids=["single", "bulk and poison"])
def test_r01_kills_lose_nothing_and_keep_the_order(
    data: str, bulk: int, poison: float, target: Target, tmp_path: Path, report: Report
) -> None:
    events = Workload(1, poison).events(SCALE.kill_profiles, SCALE.kill_each)
    target.faults = mixed(0.1, seed=2)
    with running(bridge(tmp_path, target.url, data, bulk_threshold=bulk, **KILLED)) as process:
        killer = Killer(process, seed=3, longest=max(len(events) // SCALE.kills // 8, 40))
        sender = Sender([process])
        target.watch = target.applied = sender.answered = killer.happened
        with sender.sending(events):
            killer.kill_and_start(SCALE.kills, lambda: sender.done and process.is_idle())
        assert process.idle(120)
        verdict = judge(events, target.log, target.profiles, process.dead())
    report(f"{killer.kills} kills, {len(target.arrivals)} requests, {verdict}")
    assert verdict.clean
    assert poison or verdict.steady
    assert killer.kills >= SCALE.kills / 2
    assert any(arrival.via == "bulk" for arrival in target.arrivals) == bool(bulk)


def test_r01_with_the_emulator_the_profiles_are_the_oracles(data: str, tmp_path: Path, report: Report) -> None:
    events = Workload(4, POISON).events(SCALE.kill_profiles, SCALE.kill_each // 2)
    with emulator(tmp_path / "emulator") as talon:
        talon.fault(kind="error", status=503, probability=0.04, seed=1)
        talon.fault(kind="reset", moment="before", probability=0.03, seed=2)
        talon.fault(kind="reset", moment="after", probability=0.03, seed=3)
        talon.fault(kind="late", milliseconds=100, probability=0.01, seed=4)
        port = int(talon.url.rsplit(":", 1)[1])
        with proxy_to("127.0.0.1", port) as proxy:
            url = f"http://127.0.0.1:{proxy.port}"
            with running(bridge(tmp_path, url, data, bulk_threshold=3, **KILLED)) as process:
                killer = Killer(process, seed=5, longest=max(len(events) // SCALE.kills // 8, 40))
                sender = Sender([process])
                proxy.passed = sender.answered = killer.happened
                with sender.sending(events):
                    killer.kill_and_start(
                        SCALE.kills, lambda: len(sender.accepted) == len(events) and process.is_idle()
                    )
                assert process.idle(120)
                dead = set(process.dead())
        wrong = [profile for profile, values in oracle(events).items() if talon.profiles().get(profile) != values]
    poison = {event.message_id for event in events if event.poison}
    report(f"{killer.kills} kills, accepted {len(events)}, wrong final {len(wrong)}, dead {len(dead)} of {len(poison)}")
    assert not wrong
    assert dead == poison
    assert killer.kills
