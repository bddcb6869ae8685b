"""The judges: each sends one case, sees what came of it, and compares that with the oracle."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from talon_contracts.exact_json import Json, Object, same_value
from talon_contracts.oracle import (
    DestinationSettings,
    Leaf,
    NotSent,
    Refused,
    apply,
    audience_key,
    audience_problem,
    expected_profiles,
    expected_request,
)
from talon_contracts.schemas import problems
from talon_contracts.strategies.case import Case
from talon_contracts.strategies.updates import Update
from talon_contracts.targets import JOURNAL_CUTS_AT, Bench, Exchange


@dataclass(frozen=True, slots=True)
class Mismatch:
    """What was seen against what the rule demands; `case` can be sent again as it stands."""

    rule: str
    case: object
    expected: object
    actual: object


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
            if reply.status != 200 and not (400 <= reply.status < 500 and _may_refuse(events, bench.settings)):
                answer = f"{reply.status} {reply.body[:200]!r}"
                return Mismatch(rule or "DEL-1", requests, "200 for a well-formed message", answer)
        bench.bridge.settle()
        expected = expected_profiles(events, bench.settings, bench.definitions)
        for integration_id in _concerned(case, tag):
            wanted, held = expected.get(integration_id), bench.talon_one.profile(integration_id)
            if not same_value(wanted, held):
                return Mismatch(rule or blamed(events, bench.settings, wanted, held), requests, wanted, held)
            for exchange in bench.talon_one.updates_seen(integration_id):
                wrong = malformed(exchange)
                if wrong:
                    return Mismatch(rule or "ATT-4", requests, "messages that are valid under their schemas", wrong)
        return None

    return judge


def malformed(exchange: Exchange) -> tuple[str, ...]:
    """What is wrong with the shape of an update of a profile and of its answer.

    A value that no attribute can take is no fault of the bridge, which passes lists of any scalars on (MAP-5), if
    Talon.One refuses it (ATT-2).
    """
    request: Json = exchange.request
    if exchange.status == 400 and isinstance(request, dict) and isinstance(request.get("attributes"), dict):
        request = {**request, "attributes": {}}
    wrong: tuple[str, ...] = ()
    if exchange.request_bytes <= JOURNAL_CUTS_AT:
        wrong += problems("talon-profile-update", request)
    if exchange.answer_bytes <= JOURNAL_CUTS_AT:
        wrong += problems("talon-profile-answer" if exchange.status == 200 else "talon-error", exchange.answer)
    return wrong


def judge_talon_one(rule: str) -> Callable[[Bench, Update], Mismatch | None]:
    """A judge that updates a profile directly and compares status and attributes with the oracle's."""

    def judge(bench: Bench, case: Update) -> Mismatch | None:
        integration_id = bench.tag()
        held = apply(None, case.first, bench.definitions)
        assert not isinstance(held, Refused)
        after = apply(held, case.second, bench.definitions)
        expected = (400, held) if isinstance(after, Refused) else (200, after)
        if case.authorization is not None:
            expected = (401, held)
        bench.talon_one.update(integration_id, case.first)
        reply = bench.talon_one.update(integration_id, case.second, authorization=case.authorization)
        actual = (reply.status, bench.talon_one.profile(integration_id))
        if actual[0] == expected[0] and same_value(expected[1], actual[1]):
            return None
        return Mismatch(rule, case, expected, actual)

    return judge


def judge_audience_key(rule: str) -> Callable[[Bench, tuple[str, tuple[str, ...]]], Mismatch | None]:
    """A judge that has a key made from a name, and compares it, or the error, with the oracle's.

    AUD-1 looks only at names whose key is in order, AUD-3 at all of them but only at whether there is an error.
    """

    def judge(bench: Bench, case: tuple[str, tuple[str, ...]]) -> Mismatch | None:
        assert bench.audience_key is not None
        name, others = case
        key = audience_key(name)
        problem = audience_problem(key, others)
        try:
            actual: str | None = bench.audience_key(name, others)
        except ValueError as error:
            actual = None
            if rule == "AUD-3" and problem is not None and not _names(str(error), name):
                return Mismatch(rule, case, f"an error that names the audience {name!r}", str(error))
        if rule == "AUD-1" and problem is None and actual != key:
            return Mismatch(rule, case, key, actual)
        if rule == "AUD-3" and (actual is None) != (problem is not None):
            return Mismatch(rule, case, f"an error: {problem}" if problem else f"the key {key!r}", actual)
        return None

    return judge


def _names(message: str, name: str) -> bool:
    """Whether a message has the name in it, as it is or escaped as Python or JSON would."""
    return any(form in message for form in (name, repr(name)[1:-1], json.dumps(name)[1:-1]))


def blamed(events: Sequence[Object], settings: DestinationSettings, wanted: Object | None, held: Object | None) -> str:
    """The rule that speaks most directly of the difference between a profile and what it should be."""
    had, should = held or {}, wanted or {}
    differing = {name for name in {*had, *should} if not same_value(should.get(name), had.get(name))}
    requests = [expected_request(event, settings) for event in reversed(events)]
    for request in requests:
        for withheld in request.withheld:
            if withheld.leaf.name in differing:
                return withheld.rule
    for request in requests:
        if not isinstance(request, NotSent):
            for leaf in request.leaves:
                if leaf.name in differing:
                    return _rule_of_sending(leaf, settings)
    stopping = [request.rule for request in requests if isinstance(request, NotSent)]
    return stopping[0] if stopping else "ATT-4"


def _rule_of_sending(leaf: Leaf, settings: DestinationSettings) -> str:
    """The most particular of the rules by which a leaf is sent as it is."""
    if len(leaf.path) > 1:
        return "MAP-1"
    if leaf.name not in settings.custom_attributes:
        return "MAP-4"
    if leaf.value is None:
        return "MAP-6"
    if isinstance(leaf.value, bool):
        return "AUD-4"
    if isinstance(leaf.value, list):
        return "MAP-5"
    return "MAP-3" if isinstance(leaf.value, str) else "MAP-8"


def _concerned(case: Case, tag: str) -> list[str]:
    """The ids that a case could have touched: its user's, and the anonymous one where a call carries it."""
    anonymous = [case.anonymous_id(tag)] if any(draft.anonymous == "given" for draft in case.drafts) else []
    return [case.user_id(tag), *anonymous]


def _may_refuse(events: Sequence[Object], settings: DestinationSettings) -> bool:
    """What is refused may be turned away at the door, or accepted and never sent: both are refusals (ID-1, SRC-1)."""
    requests = [expected_request(event, settings) for event in events]
    return any(isinstance(request, NotSent) and request.rule in ("ID-1", "SRC-1") for request in requests)
