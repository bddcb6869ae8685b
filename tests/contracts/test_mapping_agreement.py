"""The bridge's mapping and the oracle agree on thousands of events, without a server."""

from typing import Any

from hypothesis import given, settings

from contracts_support import DEFINITIONS, SETTINGS
from talon_bridge import codec, events
from talon_bridge.explanation import Verdict
from talon_bridge.mapping import plan
from talon_bridge.settings import Destination
from talon_contracts.exact_json import Object, decode, encode, same_json
from talon_contracts.oracle import Sent, expected_request
from talon_contracts.strategies import identifies, names_of, pooled

NAMES = names_of(SETTINGS, DEFINITIONS)
DESTINATION = Destination("a1" * 32, "http://127.0.0.1:1", tuple(sorted(SETTINGS.custom_attributes)))


def agree(event: Object) -> None:
    mapped = plan(events.read(encode(event), str(event["type"])), DESTINATION)
    expected = expected_request(event, SETTINGS)
    if isinstance(expected, Sent):
        assert mapped.request is not None
        assert same_json(decode(codec.encode(mapped.request.attributes)), expected.attributes)
    else:
        assert mapped.request is None
        if expected.rule != "MAP-6":  # then every trait is explained by what stops the event
            assert mapped.reason is not None
            assert mapped.reason.rule == expected.rule
            return
    held_back: Any = [(trait.attribute, trait.rule) for trait in mapped.traits if trait.verdict is Verdict.WITHHELD]
    assert sorted(held_back) == sorted((each.leaf.name, each.rule) for each in expected.withheld)


@settings(max_examples=3000, deadline=None)
@given(pooled(NAMES))
def test_on_events_from_a_pool(event: Object) -> None:
    agree(event)


@settings(max_examples=300, deadline=None)
@given(identifies(NAMES))
def test_on_events_with_anything_in_them(event: Object) -> None:
    agree(event)
