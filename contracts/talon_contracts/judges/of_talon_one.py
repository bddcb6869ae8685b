"""The judges of a Talon.One: updates, definitions, keys, limits and what can be seen, asked of it directly."""

from collections.abc import Callable
from contextlib import closing
from typing import Final

from talon_contracts.definition_names import Definition, definition_problem
from talon_contracts.exact_json import Json, same_value
from talon_contracts.judges.mismatch import Mismatch
from talon_contracts.oracle import Refused, apply
from talon_contracts.strategies.talon_ones import Burst, Definitions, EndedKey, LookUp
from talon_contracts.strategies.updates import Update
from talon_contracts.targets import Bench, Levers, encoded, together

A_SECOND: Final = 60
"""Requests that one client may send to the Segment endpoints in a second (documented)."""
AT_ONCE: Final = 3
"""Requests that may be on at the same time for one profile (documented)."""
_SLOW: Final = (300, 1500)
"""Milliseconds that make requests meet; the second where the first was too short for that."""


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
        return Mismatch(rule, case, expected, actual, integration_id)

    return judge


def judge_definitions(rule: str) -> Callable[[Bench, Definitions], Mismatch | None]:
    """A judge that makes definitions one after the other, and tries to change what never changes."""

    def judge(bench: Bench, case: Definitions) -> Mismatch | None:
        assert bench.management is not None
        made: dict[int, Definition] = {}
        for definition in case.under(bench.name()):
            problem = definition_problem(definition, made.values())
            reply = bench.management.define(definition.name, "string", title=definition.title, entity=definition.entity)
            if problem is not None:
                if not 400 <= reply.status < 500 or reply.status == 401:
                    return Mismatch(rule, definition, f"a refusal: {problem}", (reply.status, _text(reply.body)))
                continue
            document = reply.json()
            if reply.status != 201 or not isinstance(document, dict) or document.get("name") != definition.name:
                return Mismatch(rule, definition, "201 and the definition", (reply.status, _text(reply.body)))
            number = document.get("id")
            assert isinstance(number, int)
            made[number] = definition
        return _changed(bench, rule, made, case.become)

    return judge


def _changed(bench: Bench, rule: str, made: dict[int, Definition], become: tuple[str, str]) -> Mismatch | None:
    """Ask a definition to become another; refused or passed over, its name and type stay."""
    assert bench.management is not None
    for number, definition in made.items():
        wanted: dict[str, Json] = {"entity": definition.entity, "name": definition.name, "title": definition.title}
        wanted |= {"type": "string", "description": "", "suggestions": [], "editable": True}
        wanted[become[0]] = f"{definition.name}_other" if become[0] == "name" else become[1]
        bench.management.request("PUT", f"/v1/attributes/{number}", wanted)
        now = bench.management.definition(number)
        if (now.get("name"), now.get("type")) != (definition.name, "string"):
            return Mismatch(rule, definition, "the name and type it was made with", now)
    return None


def judge_look_up(rule: str) -> Callable[[Bench, LookUp], Mismatch | None]:
    """A judge that updates a profile and looks for it as the Campaign Manager does: exactly it, under no other id."""

    def judge(bench: Bench, case: LookUp) -> Mismatch | None:
        assert bench.management is not None
        integration_id = f"{bench.tag()}{case.before}Mm{case.after}"
        bench.talon_one.update(integration_id, case.attributes)
        wanted = bench.talon_one.profile(integration_id)
        alike = (integration_id.swapcase(), integration_id.upper(), f" {integration_id}", integration_id[:-1])
        for asked in (integration_id, *alike):
            found = [(each.get("integrationId"), each.get("attributes")) for each in bench.management.customers(asked)]
            expected = [(integration_id, wanted)] if asked == integration_id else []
            if not same_value([[*each] for each in expected], [[*each] for each in found]):
                return Mismatch(rule, f"the search for {asked!r}", expected, found, integration_id)
        return None

    return judge


def judge_ended_key(rule: str) -> Callable[[Bench, EndedKey], Mismatch | None]:
    """A judge that updates a profile of a deployment of its own, then again with a key that must not reach it."""

    def judge(bench: Bench, case: EndedKey) -> Mismatch | None:
        assert bench.levers is not None
        levers, integration_id = bench.levers, bench.tag()
        held = apply(None, case.first, bench.definitions)
        elsewhere = apply(None, case.second, bench.definitions) if case.kind == "other environment" else None
        assert not isinstance(held, Refused)
        assert not isinstance(elsewhere, Refused)
        expected: list[Json] = [401 if elsewhere is None else 200, held, elsewhere]
        with (
            closing(levers.talon_one(levers.side().key)) as own,
            closing(levers.talon_one(_ended(levers, case.kind))) as other,
        ):
            own.update(integration_id, case.first)
            reply = other.update(integration_id, case.second)
            seen = None if elsewhere is None else other.profile(integration_id)
            actual: list[Json] = [reply.status, own.profile(integration_id), seen]
        return None if same_value(expected, actual) else Mismatch(rule, case, expected, actual, integration_id)

    return judge


def _ended(levers: Levers, kind: str) -> str:
    """A key that is no good any more, or that of the live environment."""
    if kind == "other environment":
        return levers.side().live_key
    number, key = levers.make_key(**({"expires": "2001-01-01T00:00:00Z"} if kind == "expired" else {}))
    if kind == "deleted":
        levers.delete_key(number)
    return key


def judge_burst(rule: str) -> Callable[[Bench, Burst], Mismatch | None]:
    """A judge that counts how many requests pass of a burst."""

    def judge(bench: Bench, case: Burst) -> Mismatch | None:
        assert bench.levers is not None
        most, refused = (A_SECOND, 429) if case.kind == "second" else (AT_ONCE, 409)
        expected = [200] * min(case.requests, most) + [refused] * max(case.requests - most, 0)
        send = _in_a_second if case.kind == "second" else _at_once
        actual = send(bench.levers, bench.tag(), case.requests, _SLOW[0])
        if actual != expected and case.kind == "profile":
            actual = send(bench.levers, bench.tag(), case.requests, _SLOW[1])
        return None if actual == expected else Mismatch(rule, case, expected, actual)

    return judge


def _in_a_second(levers: Levers, tag: str, requests: int, _: int) -> list[int]:
    """Requests to the Segment endpoints while the clock stands still, in a second of their own."""
    side = levers.side()
    levers.limit("real")
    levers.freeze()
    levers.advance(2)
    headers = {"Authorization": f"ApiKey-v1 {side.segment_key}", "destination-hostname": "demo.talon.one"}
    path = f"/segment/v2/customer_profiles/{encoded(tag)}"
    replies = [levers.request("PUT", path, headers, b"{}") for _ in range(requests)]
    levers.limit("off")
    return sorted(reply.status for reply in replies)


def _at_once(levers: Levers, tag: str, requests: int, milliseconds: int) -> list[int]:
    """Requests for one profile that take long enough to meet."""
    side = levers.side()
    levers.limit("real")
    levers.slow(milliseconds)
    request = ("PUT", f"/v2/customer_profiles/{encoded(tag)}", {"Authorization": f"ApiKey-v1 {side.key}"}, b"{}")
    replies = together(levers.target, [request] * requests)
    levers.slow(0)
    levers.limit("off")
    return sorted(reply.status for reply in replies)


def _text(body: bytes) -> str:
    return body[:200].decode(errors="replace")
