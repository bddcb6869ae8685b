"""The judge of a bridge: sends a case, and compares what Talon.One then holds with the oracle's."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from talon_contracts.exact_json import Object, same_value
from talon_contracts.judges.blame import blamed, malformed
from talon_contracts.judges.mismatch import Mismatch
from talon_contracts.oracle import DestinationSettings, NotSent, expected_profiles, expected_request
from talon_contracts.schemas import problems
from talon_contracts.strategies.case import Case
from talon_contracts.targets import Bench, CannotJudge
from talon_contracts.targets.bench import LOOK_EVERY

LITTLE: Final = 1.0
"""Seconds that what is on its way may take, once something that was sent after it has arrived."""


def judge_bridge(rule: str | None) -> Callable[[Bench, Case], Mismatch | None]:
    """A judge that sends a case through the bridge and compares what Talon.One then holds with the oracle's.

    Every message on the way must be valid under its schema as well: what is sent, and, where Talon.One keeps a
    journal, what the bridge made of it and what it was answered. With None for the rule, the mismatch names the one
    that speaks most directly of the difference.
    """

    def judge(bench: Bench, case: Case) -> Mismatch | None:
        assert bench.bridge is not None
        tag = bench.tag()
        requests, events = case.requests(tag), case.events(tag)
        for path, body in requests:
            wrong = problems("segment-batch" if path == "/v1/batch" else "segment-identify", body)
            if wrong:
                return Mismatch(rule or "DEL-1", requests, "a message that is valid under its schema", wrong)
            reply = bench.bridge.post(path, body)
            if reply.status != 200 and not (400 <= reply.status < 500 and may_refuse(events, bench.settings)):
                answer = f"{reply.status} {reply.body[:200]!r}"
                return Mismatch(rule or "DEL-1", requests, "200 for a well-formed message", answer)
        bench.settle()
        profiles = expected_profiles(events, bench.settings, bench.definitions)
        expected = {each: profiles.get(each) for each in _concerned(case, tag)}
        found = differing(bench, expected, LITTLE)
        if found is not None:
            about, wanted, held = found
            return Mismatch(rule or blamed(events, bench.settings, wanted, held), requests, wanted, held, about)
        for about in expected:
            for exchange in bench.talon_one.updates_seen(about):
                wrong = malformed(exchange)
                if wrong:
                    valid = "messages that are valid under their schemas"
                    return Mismatch(rule or "ATT-4", requests, valid, wrong, about)
        bench.looked.append((requests, expected))
        return None

    return judge


def differing(
    bench: Bench, expected: Mapping[str, Object | None], patience: float
) -> tuple[str, Object | None, Object | None] | None:
    """The first profile that is not as expected: its id, what it should hold and what it holds; None: no profile.

    Where the bridge does not tell when it is idle, what is on its way still is given so many seconds to arrive. Where
    it does, its word is put to the test once: raises CannotJudge where what was missing arrives after all.
    """
    bridge = bench.bridge
    assert bridge is not None
    doubted = bridge.tells and not bridge.trusted
    until = time.monotonic() + (LITTLE if doubted else 0 if bridge.tells else patience)
    seen = found = _differing(bench, expected)
    while found is not None and time.monotonic() < until:
        time.sleep(LOOK_EVERY)
        found = _differing(bench, expected)
    if doubted and seen is not None:
        if found is None:
            raise CannotJudge(f"{bridge.url} says that it is idle before it has delivered what it accepted: {seen}")
        bridge.trusted = True
    return found


def _differing(bench: Bench, expected: Mapping[str, Object | None]) -> tuple[str, Object | None, Object | None] | None:
    for integration_id, wanted in expected.items():
        held = bench.talon_one.profile(integration_id)
        if not same_value(wanted, held):
            return integration_id, wanted, held
    return None


def late(bench: Bench, rule: str | None) -> Mismatch | None:
    """A second look at all that was found right since the last one, for what arrived after it was looked at."""
    looked = bench.looked[:]
    bench.looked.clear()
    if bench.bridge is None or not looked:
        return None
    bench.settle()
    for requests, expected in looked:
        found = _differing(bench, expected)
        if found is not None:
            about, wanted, held = found
            return Mismatch(rule or "DEL-2", requests, wanted, held, about)
    return None


def _concerned(case: Case, tag: str) -> list[str]:
    """The ids that a case could have touched: its user's, and the anonymous one where a call carries it."""
    anonymous = [case.anonymous_id(tag)] if any(draft.anonymous == "given" for draft in case.drafts) else []
    return [case.user_id(tag), *anonymous]


def may_refuse(events: Sequence[Object], settings: DestinationSettings) -> bool:
    """What is refused may be turned away at the door, or accepted and never sent: both are refusals (ID-1, SRC-1)."""
    requests = [expected_request(event, settings) for event in events]
    return any(isinstance(request, NotSent) and request.rule in ("ID-1", "SRC-1") for request in requests)
