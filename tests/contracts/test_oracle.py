"""The oracle's own properties: each rule said in a second way."""

import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from contracts_support import DEFINITIONS, SETTINGS
from talon_contracts.exact_json import Json, Object, same_json
from talon_contracts.oracle import (
    DestinationSettings,
    NotSent,
    Refused,
    Sent,
    apply,
    audience_key,
    audience_problem,
    batch_events,
    expected_profiles,
    expected_request,
    flatten,
)
from talon_contracts.strategies import Case, audience_definitions, audience_names, histories, identifies, names_of
from talon_contracts.strategies.traits import nest
from talon_contracts.strategies.traits import traits as drawn_traits
from talon_contracts.strategies.updates import Update, updates
from talon_contracts.strategies.values import scalars
from talon_contracts.value_types import ATTRIBUTE_TYPES, accepts_value

NAMES = names_of(SETTINGS, DEFINITIONS)
PATHS = st.lists(st.text(max_size=3), min_size=1, max_size=5).map(tuple)


@given(st.lists(st.tuples(PATHS, scalars()), max_size=6))
def test_flatten_finds_exactly_what_was_nested(pairs: list[tuple[tuple[str, ...], Json]]) -> None:
    paths = [path for path, _ in pairs]
    assume(all(one == other or one != other[: len(one)] for one in paths for other in paths))
    leaves = [(leaf.path, leaf.value) for leaf in flatten(nest(pairs))]
    first = dict(reversed(pairs))
    assert sorted(path for path, _ in leaves) == sorted(first)
    assert all(same_json(value, first[path]) for path, value in leaves)


@given(drawn_traits(NAMES))
def test_flattening_twice_is_flattening_once(traits: Object) -> None:
    flat: Object = {leaf.name: leaf.value for leaf in flatten(traits)}
    assert {leaf.name: leaf.value for leaf in flatten(flat)} == flat


@given(audience_names())
def test_audience_key_keeps_letters_and_digits_and_nothing_else(name: str) -> None:
    key = audience_key(name)
    lowered = "".join(each.lower() if each.isascii() else each for each in name)
    assert key.split("_") == (re.findall("[a-z0-9]+", lowered) or [""])
    assert audience_key(key) == key


@given(audience_definitions())
def test_audience_problem_means_that_no_attribute_can_be_called_so(definition: tuple[str, tuple[str, ...]]) -> None:
    name, others = definition
    key = audience_key(name)
    problem = audience_problem(key, others)
    assert (problem in ("empty", "starts_with_digit")) == (re.fullmatch("[A-Za-z][A-Za-z0-9_]*", key) is None)
    assert problem is None or problem != "taken" or key in others


@given(identifies(NAMES))
def test_every_leaf_is_sent_or_withheld_and_none_invented(event: Object) -> None:
    request = expected_request(event, SETTINGS)
    if isinstance(request, NotSent) and request.rule != "MAP-6":
        assert request.withheld == ()
        return
    leaves = flatten(event.get("traits"))
    sent = request.leaves if isinstance(request, Sent) else ()
    assert sorted(leaf.path for leaf in (*sent, *(each.leaf for each in request.withheld))) == sorted(
        leaf.path for leaf in leaves
    )
    if isinstance(request, Sent):
        assert request.attributes.keys() == {leaf.name for leaf in sent}
        assert all(same_json(request.attributes[leaf.name], leaf.value) for leaf in sent)
        assert not {leaf.name for leaf in sent} & {each.leaf.name for each in request.withheld if each.rule == "MAP-7"}


@given(identifies(NAMES), st.randoms(use_true_random=False))
def test_the_order_of_members_does_not_matter(event: Object, random: Any) -> None:
    def shuffled(value: Json) -> Json:
        if not isinstance(value, dict):
            return value
        keys = list(value)
        random.shuffle(keys)
        return {key: shuffled(value[key]) for key in keys}

    one, other = expected_request(event, SETTINGS), expected_request(shuffled(event), SETTINGS)  # type: ignore[arg-type]
    assert type(one) is type(other)
    if isinstance(one, Sent) and isinstance(other, Sent):
        assert same_json(one.attributes, other.attributes)


@given(updates(NAMES, values="any"))
def test_an_update_is_a_patch_or_nothing(update: Update) -> None:
    held = apply(None, update.first, DEFINITIONS)
    assert held == update.first
    result = apply(update.first, update.second, DEFINITIONS)
    if isinstance(result, Refused):
        assert result.offences
        assert result.offences.keys() <= update.second.keys()
        return
    assert None not in result.values()
    for name in DEFINITIONS:
        expected = update.second.get(name, update.first.get(name))
        assert result.get(name) == expected
    assert apply(result, update.second, DEFINITIONS) == result


@given(histories(NAMES))
def test_history_is_taken_one_event_at_a_time(case: Case) -> None:
    events = case.events("tag")
    at_once = expected_profiles(events, SETTINGS, DEFINITIONS)
    step_by_step: dict[str, Object] = {}
    for event in events:
        step_by_step = expected_profiles([event], SETTINGS, DEFINITIONS, step_by_step)
    assert at_once == step_by_step
    assert at_once.keys() <= {case.user_id("tag")}


def test_a_refused_request_leaves_no_profile() -> None:
    event: Object = {"type": "identify", "userId": "u", "traits": {"age": "5", "name": "A"}}
    assert expected_profiles([event], SETTINGS, DEFINITIONS) == {}


def test_apply_names_every_offence() -> None:
    result = apply({"age": 1}, {"age": "5", "nope": None, "name": "A", "vip": None}, DEFINITIONS)
    assert result == Refused({"age": "ATT-2", "nope": "ATT-1"})


def test_items_of_a_batch_have_the_last_word() -> None:
    batch: Object = {
        "integrations": {"All": False, "Talon_One": True},
        "context": {"channel": "server", "ip": "x"},
        "batch": [
            {"type": "identify", "integrations": {"Talon_One": False}},
            {"type": "identify", "integrations": None, "context": {"channel": "browser"}},
        ],
    }
    first, second = batch_events(batch)
    assert first["integrations"] == {"All": False, "Talon_One": False}
    assert second["integrations"] == {"All": False, "Talon_One": True}
    assert second["context"] == {"channel": "browser", "ip": "x"}


@pytest.mark.parametrize("channel", [None, 1, ["browser"], "Browser"])
def test_only_the_channels_named_are_client_side(channel: Json) -> None:
    event: Object = {"type": "identify", "userId": "u", "traits": {"age": 1}, "channel": channel}
    request = expected_request(event, DestinationSettings(frozenset({"age"}), "reject"))
    assert isinstance(request, Sent)


def test_a_type_that_talon_one_does_not_have() -> None:
    with pytest.raises(ValueError, match="list boolean"):
        accepts_value("(list boolean)", [True])


@pytest.mark.parametrize("attribute_type", ATTRIBUTE_TYPES)
def test_null_is_a_value_of_no_type(attribute_type: str) -> None:
    assert not accepts_value(attribute_type, None)


@pytest.mark.parametrize("number", [1, -1, 10**40, Decimal("0.1")])
def test_numbers_of_every_size(number: Json) -> None:
    assert accepts_value("number", number)
    assert accepts_value("(list number)", [number])
    assert not accepts_value("string", number)
