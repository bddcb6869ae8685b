"""The oracle's own properties: each rule said in a second way."""

import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from contracts_support import DEFINITIONS, SETTINGS
from talon_contracts.exact_json import Json, Object, same_json
from talon_contracts.oracle import (
    DestinationSettings,
    Leaf,
    NotSent,
    Refused,
    Sent,
    Withheld,
    apply,
    audience_key,
    audience_problem,
    batch_events,
    expected_profiles,
    expected_request,
    flatten,
    is_client_side,
    once,
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


# What stops a whole event


def identify(**members: Json) -> Object:
    """An identify that can be sent, with other members."""
    return {"type": "identify", "userId": "u", "traits": {"age": 1}, **members}


def ruled(event: Object, client_side: Any = "warn") -> str:
    request = expected_request(event, DestinationSettings(frozenset({"age"}), client_side))
    return request.rule if isinstance(request, NotSent) else "sent"


@pytest.mark.parametrize("kind", ["track", "page", "screen", "group", "alias", "Identify", "", None])
def test_only_identify_calls_are_sent(kind: Json) -> None:
    assert ruled(identify(type=kind)) == "ID-3"
    assert ruled({"userId": "u", "traits": {"age": 1}}) == "ID-3"


@pytest.mark.parametrize(
    ("user_id", "rule"),
    [
        (None, "ID-2"),
        ("", "ID-2"),
        (".", "ID-1"),
        ("..", "ID-1"),
        ("...", "sent"),
        (" ", "sent"),
        ("x" * 1000, "sent"),
        ("\U0001f600" * 1000, "sent"),
        ("x" * 1001, "ID-1"),
        (5, "ID-1"),
        (False, "ID-1"),
    ],
)
def test_whom_an_event_is_about(user_id: Json, rule: str) -> None:
    assert ruled(identify(userId=user_id)) == rule


SWITCHES: list[tuple[Json, bool]] = [
    (None, True),
    ([], True),
    ({}, True),
    ({"All": False}, False),
    ({"All": None}, True),
    ({"All": {}}, True),
    ({"all": False}, False),
    ({"ALL": False}, True),
    ({"All": True, "all": False}, True),
    ({"All": False, "all": True}, False),
    ({"All": False, "Salesforce": True}, False),
]


@pytest.mark.parametrize(("integrations", "on"), SWITCHES)
def test_integrations_switches_the_destination(integrations: Json, on: bool) -> None:
    assert ruled(identify(integrations=integrations)) == ("sent" if on else "ID-4")
    if isinstance(integrations, dict):
        for name in ("Talon.One", "Talon_One"):
            values: list[Json] = [True, None, {}, 0, "false"]
            for value in values:
                assert ruled(identify(integrations={**integrations, name: value})) == "sent"
            assert ruled(identify(integrations={**integrations, name: False})) == "ID-4"
        assert ruled(identify(integrations={**integrations, "Talon.One": True, "Talon_One": False})) == "sent"
        assert ruled(identify(integrations={**integrations, "Talon.One": False, "Talon_One": True})) == "ID-4"
        assert ruled(identify(integrations={**integrations, "talon.one": False})) == ("sent" if on else "ID-4")


CLIENT_SIDE: list[Any] = [
    *(
        {"context": {"library": {"name": name}}}
        for name in (
            "analytics.js", "@segment/analytics-next", "analytics-next", "analytics-ios", "analytics-android",
            "analytics-kotlin", "analytics-swift", "analytics-react-native", "@segment/analytics-react-native",
            "analytics-flutter", "analytics_flutter", "analytics-xamarin",
        )
    ),
    *({"channel": channel} for channel in ("client", "browser", "mobile")),
    *({"context": {"channel": channel}} for channel in ("client", "browser", "mobile")),
    {"channel": "server", "context": {"channel": "browser", "library": {"name": "analytics-node"}}},
]  # fmt: skip
SERVER_SIDE: list[Object] = [
    {},
    {"context": None},
    {"context": []},
    {"context": {"library": "analytics.js"}},
    {"context": {"library": {"name": ["analytics.js"]}}},
    {"context": {"library": {"name": "analytics-node"}, "channel": "server"}},
    {"channel": "server"},
    {"channel": {"browser": 1}},
]


@pytest.mark.parametrize("members", CLIENT_SIDE)
def test_client_side_sources(members: Object) -> None:
    assert is_client_side(identify(**members))
    rules = [ruled(identify(**members), setting) for setting in ("accept", "warn", "reject")]
    assert rules == ["sent", "sent", "SRC-1"]


@pytest.mark.parametrize("members", SERVER_SIDE)
def test_server_side_sources(members: Object) -> None:
    assert not is_client_side(identify(**members))
    assert ruled(identify(**members), "reject") == "sent"


def test_the_first_rule_is_named() -> None:
    wrong: Object = {"type": "track", "integrations": {"All": False}, "userId": None, "channel": "browser"}
    right: Object = {"type": "identify", "integrations": {}, "userId": "u", "channel": "server"}
    rules = [ruled({**identify(), **wrong, **dict(list(right.items())[:count])}, "reject") for count in range(5)]
    assert rules == ["ID-3", "ID-4", "ID-2", "SRC-1", "sent"]


def test_a_rejected_event_withholds_nothing_by_itself() -> None:
    assert expected_request(identify(type="track"), SETTINGS) == NotSent("ID-3", ())
    assert DestinationSettings(frozenset()).client_side_sources == "warn"


# What is left out of one


LISTED = DestinationSettings(frozenset({"a", "a_b", "b"}))
PARTS = st.sampled_from(["a", "b", "c", "a_b"])
LEAVES: st.SearchStrategy[Any] = st.sampled_from(
    [1, True, Decimal("1.0"), None, "x", [], ["x", None], [[]], [{}], ["x", {}]]
)
NESTED = st.dictionaries(PARTS, LEAVES | st.dictionaries(PARTS, LEAVES, max_size=2), max_size=3)


@given(NESTED, st.sampled_from([None, "", "a", "c", "a_b", "A", 5, ["c"]]))
@example({"c": {"a": 1}, "c_a": 2}, "c")
@example({"c": {"a": 1}, "c_a": 1, "b": 1}, "c")
@example({"a": {"b": [{}]}, "a_b": [[]]}, None)
@example({"a": {"b": True}, "a_b": 1}, None)
def test_each_leaf_is_sent_or_withheld_by_the_first_rule(traits: Any, key: Json) -> None:
    event = identify(traits=traits, context={"personas": {"computation_key": key}})
    request = expected_request(event, LISTED)
    flat = [
        (path, value)
        for first, under in traits.items()
        for path, value in (
            [((first, second), value) for second, value in under.items()]
            if isinstance(under, dict)
            else [((first,), under)]
        )
    ]
    sent, withheld = [], []
    for path, value in flat:
        name = "_".join(path)
        rivals = [other for where, other in flat if "_".join(where) == name]
        if name not in ("a", "a_b", "b") and (not key or path[0] != key):
            rule = "MAP-3"
        elif any(repr(other) != repr(value) for other in rivals):
            rule = "MAP-7"
        elif value in ([[]], [{}], ["x", {}]):
            rule = "MAP-5"
        else:
            sent.append(Leaf(path, value))
            continue
        withheld.append(Withheld(Leaf(path, value), rule))
    if sent:
        attributes = {leaf.name: leaf.value for leaf in sent}
        assert request == Sent("u", attributes, tuple(sent), tuple(withheld))
    else:
        assert request == NotSent("MAP-6", tuple(withheld))


@pytest.mark.parametrize("context", [None, [], {}, {"personas": None}, {"personas": "c"}, {"personas": []}])
def test_a_context_that_names_no_key(context: Json) -> None:
    leaf = Leaf(("c",), 1)
    expected = NotSent("MAP-6", (Withheld(leaf, "MAP-3"),))
    assert expected_request(identify(traits={"c": 1}, context=context), LISTED) == expected


@pytest.mark.parametrize("traits", [None, [], "a", {}, {"a": {}}, {"a": {"b": {}}}])
def test_without_a_leaf_nothing_is_sent(traits: Json) -> None:
    assert flatten(traits) == []
    assert expected_request(identify(traits=traits), LISTED) == NotSent("MAP-6", ())


# Keys, batches, histories


@given(st.text("aAzZ09@[`{/:_- é\u212a", max_size=6))
@example("_a__B_")
def test_the_key_of_an_audience_by_splitting(name: str) -> None:
    letters = "".join(each if each.isascii() and each.isalnum() else " " for each in name)
    assert audience_key(name) == "_".join(letters.lower().split())


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("", "empty"),
        ("0a", "starts_with_digit"),
        ("9", "starts_with_digit"),
        ("a", "taken"),
        ("A", None),
        ("_a", None),
        ("a0", None),
        ("/a", None),
        (":", None),
    ],
)
def test_the_problem_of_a_key(key: str, problem: str | None) -> None:
    assert audience_problem(key, iter(["a", "b"])) == problem


OWN: st.SearchStrategy[Any] = st.sampled_from([None, [], "x", {}, {"a": 1}, {"b": 2}, {"a": 3, "b": 4}])


@given(OWN, st.lists(OWN, max_size=3), st.sampled_from(["integrations", "context"]))
def test_what_a_batch_gives_to_its_events(common: Any, own: list[Any], member: str) -> None:
    items: list[Any] = [{"type": "identify", "n": place, member: value} for place, value in enumerate(own)]
    events = batch_events({"batch": [*items, {"n": -1}], member: common, "type": "batch", "traits": {"a": 1}})
    for value, item, event in zip([*own, None], [*items, {"n": -1}], events, strict=True):
        both = isinstance(common, dict) and (value is None or isinstance(value, dict))
        assert event == ({**item, member: {**common, **(value or {})}} if both else item)


def test_an_update_without_a_profile_makes_one() -> None:
    assert apply(None, {"vip": None}, DEFINITIONS) == {}
    held: Object = {"age": 1}
    assert apply(held, {"age": None, "vip": True}, DEFINITIONS) == {"vip": True}
    assert held == {"age": 1}


def test_a_history_goes_on_from_what_was_there() -> None:
    before: dict[str, Object] = {"u": {"age": 1}, "v": {"vip": True}}
    events = [
        identify(type="track", traits={"age": 9}),
        identify(traits={"age": "9"}),
        identify(traits={"name": "A"}),
        identify(userId="w", traits={"nothing": 1}),
        identify(userId="x", traits={"age": None}),
    ]
    after = expected_profiles(events, SETTINGS, DEFINITIONS, before)
    assert after == {"u": {"age": 1, "name": "A"}, "v": {"vip": True}, "x": {}}
    assert before == {"u": {"age": 1}, "v": {"vip": True}}


@given(st.lists(st.sampled_from([None, "", "m", "n", 5, ["m"]]), max_size=6))
def test_a_message_counts_once(ids: list[Json]) -> None:
    events: list[Object] = [{"n": place, "messageId": each} for place, each in enumerate(ids)]
    events.append({"n": -1})
    again = [place for place, each in enumerate(ids) if each in ("m", "n") and each in ids[:place]]
    assert once(events) == [event for place, event in enumerate(events) if place not in again]


def test_a_duplicate_changes_nothing() -> None:
    events = [identify(messageId="m", traits={"age": 1}), identify(messageId="m", traits={"age": 2})]
    assert expected_profiles(events, SETTINGS, DEFINITIONS) == {"u": {"age": 1}}
