"""R07, R09: what Talon.One refuses is a dead letter and nothing else is; a replay keeps the order."""

from pathlib import Path
from typing import Any

import pytest

from reliability.checker import N, Sent, judge, oracle
from reliability.misbehaviour import Gate, Well
from reliability.processes import bridge, emulator, running
from reliability.reports import Report
from reliability.sender import Sender
from reliability.target import Target
from reliability.workload import FLAG, LABEL, LATER, UNDEFINED, Workload


@pytest.mark.parametrize(("bulk", "share"), [(0, 0.05), (5, 0.05), (5, 0.5)])
def test_r07_the_dead_letters_are_the_poison_set(
    data: str, bulk: int, share: float, target: Target, tmp_path: Path, report: Report
) -> None:
    """A backlog goes out merged and in bulk, and is taken apart until the refused events are alone."""
    events = Workload(1, share).events(40, 12)
    gate = Gate()
    target.faults = lambda arrival: gate if arrival.number <= 2 else Well()
    with running(bridge(tmp_path, target.url, data, bulk_threshold=bulk, max_concurrent_requests=2)) as process:
        Sender([process]).send(events)
        gate.open()
        assert process.idle()
        dead = process.dead()
        verdict = judge(events, target.log, target.profiles, dead)
    vias = [arrival.via for arrival in target.arrivals]
    merged = sum(1 for patch in target.log if len(patch.attributes) > 3)
    report(f"{len(vias)} requests, {vias.count('bulk')} in bulk, {merged} merged patches applied, {verdict}")
    assert verdict.steady
    assert merged
    assert ("bulk" in vias) == bool(bulk)
    for event in events:
        if event.poison:
            assert blamed(dead[event.message_id]) == poisonous(event), event
            assert dead[event.message_id]["attempts"][-1]["status"] == 400


def blamed(letter: dict[str, Any]) -> set[str]:
    """The attributes that Talon.One named when it refused an event."""
    whole = "the whole request was refused"
    return {trait["attribute"] for trait in letter["traits"] if not trait["reason"].startswith(whole)}


def poisonous(event: Sent) -> set[str]:
    """The attributes for which an event is refused."""
    values = event.attributes
    found = {UNDEFINED} & set(values)
    found |= {FLAG} if values.get(FLAG) is not None and not isinstance(values[FLAG], bool) else set()
    return found | ({LABEL} if isinstance(values.get(LABEL), int) else set())


@pytest.mark.parametrize("wrong", ["refuse", "store"])
def test_r07_with_the_emulator_whatever_it_does_to_the_others_of_a_bulk_request(
    wrong: str, tmp_path: Path, report: Report
) -> None:
    events = Workload(2, 0.05).events(60, 8)
    with emulator(tmp_path / "emulator", assumptions={"bulk-with-a-wrong-profile": wrong}) as talon:
        talon.fault(kind="error", status=503, count=5)
        with running(bridge(tmp_path, talon.url, str(tmp_path / "data"), bulk_threshold=3, first_wait=0.3)) as process:
            Sender([process], number=1, size=2000).send(events)
            assert process.idle()
            dead = set(process.dead())
        profiles = talon.profiles()
    poison = {event.message_id for event in events if event.poison}
    bad = [profile for profile, values in oracle(events).items() if profiles.get(profile) != values]
    report(f"accepted {len(events)}, wrong final {len(bad)}, dead letters {len(dead)}, poison {len(poison)}")
    assert dead == poison
    assert not bad


def label(n: int, value: Any, **more: Any) -> Sent:
    """Event `n` of the profile `p`, with a label."""
    values = {N: n, f"e{n}": n, LABEL: value, **more}
    return Sent(f"p-{n}", "p", n, f"e{n}", {name: each for name, each in values.items() if each is not ...})


def test_r09_a_replay_never_goes_over_newer_values_unless_forced(
    data: str, target: Target, tmp_path: Path, report: Report
) -> None:
    events = [label(0, "a"), label(1, "b", later=1), label(2, ..., later=2), label(3, "c"), label(4, ...)]
    with running(bridge(tmp_path, target.url, data)) as process:
        for event in events:
            Sender([process]).send([event])
            assert process.idle()
        assert set(process.dead()) == {"p-1", "p-2"}
        before = dict(target.profiles["p"])
        target.types[LATER] = "number"
        first = process.replay()
        assert process.idle()
        kept = dict(target.profiles["p"])
        second = process.replay()
        assert process.idle()
        requests = len(target.arrivals)
        counts = process.counts()
    report(f"replayed {first}, then {second}; {requests} requests, dead {counts['dead']}; {kept}")
    assert before == {N: 4, "e0": 0, "e3": 3, "e4": 4, LABEL: "c"}
    assert kept == {**before, "e1": 1, "e2": 2, LATER: 2}
    assert (first, second, counts["dead"], counts["delivered"]) == (2, 0, 0, 5)


def test_r09_a_forced_replay_sends_everything_in_order(
    data: str, target: Target, tmp_path: Path, report: Report
) -> None:
    events = [label(0, "a"), label(1, "b", later=1), label(2, ..., later=2), label(3, "c")]
    with running(bridge(tmp_path, target.url, data)) as process:
        for event in events:
            Sender([process]).send([event])
            assert process.idle()
        target.types[LATER] = "number"
        replayed = process.replay(force=True)
        assert process.idle()
        again = process.replay(force=True)
        counts = process.counts()
    report(f"replayed {replayed}, then {again}; {target.profiles['p']}")
    assert target.profiles["p"] == {N: 2, "e0": 0, "e1": 1, "e2": 2, "e3": 3, LABEL: "b", LATER: 2}
    assert (replayed, again, counts["dead"]) == (2, 0, 0)


def test_r09_the_same_event_succeeds_after_the_attribute_is_defined(tmp_path: Path, report: Report) -> None:
    work = Workload(6)
    events = [work.event("p") for _ in range(3)]
    dead = Sent("late", "p", 3, "e3", {N: 3, "e3": 3, UNDEFINED: "now"})
    with emulator(tmp_path / "emulator") as talon:
        with running(bridge(tmp_path, talon.url, str(tmp_path / "data"))) as process:
            Sender([process], number=1).send([*events, dead])
            assert process.idle()
            assert set(process.dead()) == {"late"}
            talon.define(UNDEFINED, "string")
            replayed = process.replay(messageId="late")
            assert process.idle()
            letters = len(process.dead())
        profile = talon.profiles()["p"]
    report(f"replayed {replayed}, dead letters {letters}, {profile}")
    assert profile == oracle([*events, dead])["p"]


def test_r09_replays_among_new_events_keep_the_order(data: str, target: Target, tmp_path: Path, report: Report) -> None:
    """A whole history dies; while it is replayed, newer events of the same profiles come in."""
    old, new = Workload(7).events(20, 6), []
    for name in {event.profile for event in old}:
        new += [Sent(f"new-{name}", name, 6, "e6", {N: 6, "e6": 6})]
    kinds, target.types = dict(target.types), {}
    with running(bridge(tmp_path, target.url, data)) as process:
        Sender([process]).send(old)
        assert process.idle()
        assert len(process.dead()) == len(old)
        target.types.update(kinds)
        with Sender([process]).sending(new):
            replayed = process.replay()
        assert process.idle()
        letters = process.dead()
    stale = sum(1 for name, values in target.profiles.items() if values[N] != 6)
    marks = {
        (patch.profile, value) for patch in target.log for name, value in patch.attributes.items() if name[0] == "e"
    }
    lost = sum(1 for event in [*old, *new] if (event.profile, event.n) not in marks)
    report(f"replayed {replayed}, lost {lost}, profiles with an older value {stale}, dead {len(letters)}")
    assert (replayed, lost, stale, len(letters)) == (len(old), 0, 0, 0)
