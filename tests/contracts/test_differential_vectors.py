"""Every vector agrees with the bridge and the emulator, as code and over HTTP; `test_vectors` holds the oracle to them.

Values over HTTP are in `test_talon_one`.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from bridge_support import Bridge, Target, quick, running, scripted_target
from talon_bridge import events
from talon_bridge.audience_key import key_of, problems
from talon_bridge.codec import encode
from talon_bridge.explanation import TraitExplanation, Verdict
from talon_bridge.flatten import leaves
from talon_bridge.mapping import Plan, plan
from talon_bridge.settings import Destination
from talon_contracts import vectors
from talon_contracts.exact_json import Json, decode, same_json
from talon_contracts.vectors import Vector
from talon_emulator import attributes
from talon_emulator.attributes import Attribute, NewAttribute
from talon_emulator.definitions import Definitions
from talon_emulator.errors import Refusal

MAPPINGS = vectors.load("mapping")
# Why AUD-3 forbids a key, in the words of the vectors and in those of the bridge.
AUDIENCE_PROBLEMS = {"empty": "would be empty", "starts_with_digit": "starts with a letter", "taken": "already has"}


def of(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", vectors.load(name), ids=lambda vector: vector.id)


@of("flatten")
def test_the_bridge_flattens(vector: Vector) -> None:
    found: list[Json] = [[leaf.name, leaf.value] for leaf in leaves(vector.input or {})]  # type: ignore[arg-type]
    assert same_json(found, vector.expected)


@of("audience_key")
def test_the_bridge_makes_keys(vector: Vector) -> None:
    given: Any = vector.input
    expected: Any = vector.expected
    assert key_of(given["name"]) == expected["key"]
    others = {f"other {number}": key for number, key in enumerate(given["others"])}
    said = [each.reason for each in problems({**others, given["name"]: None}) if each.audience == given["name"]]
    problem = expected["problem"]
    assert len(said) == (problem is not None)
    assert problem is None or AUDIENCE_PROBLEMS[problem] in said[0]


def destination(given: Mapping[str, Any], url: str) -> Destination:
    return Destination("key", url, tuple(given["custom_attributes"]), given["client_side_sources"])


def pointer(path: list[str]) -> str:
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in path)


def agrees(vector: Vector, request: Json, rule: str, withheld: list[tuple[str, str, str]]) -> None:
    """What was made of the event is what the vector says: the request, or the rule that stops it, and what was held.

    Where nothing is left to send, the vector cites MAP-6; the bridge cites the rule that held the first trait.
    Where an event is not sent at all, the bridge lists its traits as held by that rule; the vectors do not.
    """
    expected: Any = vector.expected
    held = [(pointer(each["path"]), each["name"], each["rule"]) for each in expected["withheld"]]
    if "sent" in expected:
        assert same_json(request, expected["sent"])
    else:
        assert request is None
        first = [each[2] for each in held[:1]]
        assert rule in ([*first, "MAP-6"] if expected["not_sent"] == "MAP-6" else [expected["not_sent"]])
    if expected.get("not_sent", "MAP-6") == "MAP-6":
        assert sorted(withheld) == sorted(held)


def held_by(traits: tuple[TraitExplanation, ...]) -> list[tuple[str, str, str]]:
    return [(each.pointer, each.attribute, each.rule) for each in traits if each.verdict is Verdict.WITHHELD]


@of("mapping")
def test_the_bridge_maps(vector: Vector) -> None:
    given: Any = vector.input
    kind = given["event"].get("type", "identify")
    mapped: Plan = plan(events.read(encode(given["event"]), kind), destination(given["settings"], "http://127.0.0.1:9"))
    request: Json = None
    if mapped.request is not None:
        request = {"integrationId": mapped.request.integration_id, "attributes": mapped.request.attributes}
    rule = "" if mapped.reason is None else mapped.reason.rule
    agrees(vector, request, rule, held_by(mapped.traits))


def settings_of(vector: Vector) -> str:
    given: Any = vector.input
    return json.dumps(given["settings"], sort_keys=True)


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    with scripted_target() as scripted:
        yield scripted


@pytest.mark.parametrize("settings", sorted({settings_of(vector) for vector in MAPPINGS}))
def test_a_running_bridge_maps(settings: str, target: Target) -> None:
    """The events of a file one after the other, so that none is merged with another."""
    with running(quick(destination(json.loads(settings), target.url))) as bridge:
        for number, vector in enumerate(vector for vector in MAPPINGS if settings_of(vector) == settings):
            mapped_over_http(vector, f"vector-{number}", bridge, target)


def mapped_over_http(vector: Vector, message_id: str, bridge: Bridge, target: Target) -> None:
    given: Any = vector.input
    known = len(target.seen)
    event = {**given["event"], "messageId": message_id}
    answer = bridge.post("/v1/batch", encode({"batch": [event]}))
    assert answer.status_code == 200, answer.text
    assert bridge.idle()
    explained: Any = bridge.client.get(f"/_bridge/events/{message_id}").json()
    seen = target.seen[known:]
    assert len(seen) <= 1
    request: Json = None
    if seen:
        body: Any = decode(seen[0].body)
        request = {"integrationId": seen[0].user, "attributes": body["attributes"]}
    traits = [(each["pointer"], each["attribute"], each["rule"]) for each in explained["traits"] if "rule" in each]
    agrees(vector, request, (explained["reason"] or {}).get("rule", ""), traits)


@of("attribute_values")
def test_the_emulator_takes_values(vector: Vector) -> None:
    given: Any = vector.input
    new = NewAttribute(
        entity="CustomerProfile",
        name="it",
        title="it",
        type=given["type"],
        description="",
        suggestions=(),
        editable=True,
    )
    made = attributes.create((), new, "2024-01-02T03:04:05Z")
    assert not isinstance(made, Refusal)
    assert isinstance(made, Attribute)
    found = Definitions("CustomerProfile", [made]).check({"it": given["value"]})
    assert (found == ()) is vector.expected
    assert [problem.title for problem in found] in ([], ["Invalid type"])
