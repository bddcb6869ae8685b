"""An event and the settings give a request or the reason for none (ID, MAP, SRC)."""

import json
from collections import Counter
from decimal import Decimal
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge_support import destination
from talon_bridge import codec, events
from talon_bridge.explanation import Notice, TraitExplanation, Verdict
from talon_bridge.flatten import leaves
from talon_bridge.mapping import CLIENT_LIBRARIES, Plan, Request, computation_key, plan, superseded, unreadable
from talon_bridge.settings import Destination

LISTED = ("a", "a_b", "a_B", "a_b_c", "b", "_", "")
TO = destination(custom_attributes=LISTED)

keys = st.sampled_from(["a", "b", "B", "c", "a_b", "b_c", "_", "", "a.b"])
scalars = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([Decimal("1.0"), Decimal("1.10"), "x", ""])
lists = st.lists(scalars | st.lists(scalars, max_size=1) | st.dictionaries(keys, scalars, max_size=1), max_size=2)
traits = st.dictionaries(
    keys, st.recursive(scalars | lists, lambda inner: st.dictionaries(keys, inner, max_size=3)), max_size=4
)


def event(**members: Any) -> events.Event:
    """An identify as it is after the door."""
    body = codec.encode({"type": "identify", "userId": "u", "traits": {"a": 1}, **members})
    return events.read(body, members.get("type", "identify"))


def engaged(key: Any) -> dict[str, Any]:
    return {"personas": {"computation_class": "audience", "computation_key": key}}


def attributes(mapped: Plan) -> dict[str, Any]:
    return mapped.request.attributes if mapped.request else {}


def fate(mapped: Plan) -> dict[str, tuple[str, str]]:
    return {trait.pointer: (trait.verdict.value, trait.rule) for trait in mapped.traits}


# Properties


@given(traits, st.none() | keys)
@example({"a": {"b": 1}, "a_b": 1}, None)
@example({"a": {"b": 1}, "a_b": Decimal("1.0")}, None)
@example({"a": {"b": True}, "a_b": 1}, None)
@example({"c": {"": None}}, "c")
def test_each_leaf_has_the_fate_that_the_rules_give_it(nested: dict[str, Any], excused: str | None) -> None:
    """The rules in their order, one leaf after the other."""
    mapped = plan(event(traits=nested, context=engaged(excused)), TO)
    found = leaves(nested)
    assert [trait.pointer for trait in mapped.traits] == [leaf.pointer for leaf in found]
    for leaf, trait in zip(found, mapped.traits, strict=True):
        assert (trait.attribute, trait.value) == ("_".join(leaf.path), leaf.value)
        namesakes = {codec.encode(other.value) for other in found if other.name == leaf.name}
        if leaf.name not in LISTED and (not excused or leaf.path[0] != excused):
            assert (trait.verdict, trait.rule) == (Verdict.WITHHELD, "MAP-3")
        elif len(namesakes) > 1:
            assert (trait.verdict, trait.rule) == (Verdict.WITHHELD, "MAP-7")
        elif isinstance(leaf.value, list) and any(isinstance(item, list | dict) for item in leaf.value):
            assert (trait.verdict, trait.rule) == (Verdict.WITHHELD, "MAP-5")
        else:
            assert (trait.verdict, trait.rule, trait.reason) == (Verdict.WAITING, "", "")


@given(traits, st.none() | keys)
def test_what_is_sent_is_what_was_not_withheld(nested: dict[str, Any], excused: str | None) -> None:
    mapped = plan(event(traits=nested, context=engaged(excused)), TO)
    waiting = [trait for trait in mapped.traits if trait.verdict is Verdict.WAITING]
    assert (mapped.request is None) == (not waiting)
    assert (mapped.reason is None) == (mapped.request is not None)
    assert attributes(mapped).keys() == {trait.attribute for trait in waiting}
    for trait in waiting:
        assert codec.encode(attributes(mapped)[trait.attribute]) == codec.encode(trait.value)


@given(traits)
def test_an_absent_trait_is_never_sent(nested: dict[str, Any]) -> None:
    sent = attributes(plan(event(traits=nested), TO))
    names = Counter(leaf.name for leaf in leaves(nested))
    assert sent.keys() <= names.keys()


@given(traits)
def test_every_withheld_trait_says_why(nested: dict[str, Any]) -> None:
    for trait in plan(event(traits=nested), TO).traits:
        assert bool(trait.reason) == (trait.verdict is Verdict.WITHHELD)
        assert bool(trait.nearest) == ("differs in" in trait.reason)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=1000))
@example("a/b")
@example("%2F")
@example("?x=1#y")
@example("😀" * 1000)
@example("\0\r\n")
@example("...")
@example(" u ")
@example("../x")
def test_any_user_id_is_one_segment_of_the_path(user_id: str) -> None:
    mapped = plan(event(userId=user_id), TO)
    if user_id in (".", ".."):
        assert (mapped.request, mapped.dead) == (None, True)
        return
    assert mapped.request is not None
    assert mapped.request.integration_id == user_id
    segments = mapped.request.path.split("/")
    assert segments[:3] == ["", "v2", "customer_profiles"]
    assert len(segments) == 4
    assert unquote_to_bytes(segments[3]).decode() == user_id
    assert not set(segments[3]) & set("?# \r\n\0;")


# Whether an event is sent at all


@pytest.mark.parametrize("kind", ["track", "page", "screen", "group", "alias"])
def test_only_identify_calls_are_sent(kind: str) -> None:
    mapped = plan(event(type=kind), TO)
    assert mapped.reason is not None
    assert (mapped.request, mapped.reason.rule, mapped.dead) == (None, "ID-3", False)
    assert mapped.reason.reason == f"only identify calls are sent to Talon.One; this is a {kind}"
    assert fate(mapped) == {"/a": ("withheld", "ID-3")}


@pytest.mark.parametrize(
    ("integrations", "sent"),
    [
        (None, True),
        ({}, True),
        ([], True),
        ({"All": True}, True),
        ({"All": False}, False),
        ({"all": False}, False),
        ({"All": True, "all": False}, True),
        ({"All": False, "all": True}, False),
        ({"All": {}}, True),
        ({"All": None}, True),
        ({"ALL": False}, True),
        ({"Talon.One": False}, False),
        ({"Talon_One": False}, False),
        ({"talon.one": False}, True),
        ({"Talon.One (Actions)": False}, True),
        ({"All": False, "Talon.One": True}, True),
        ({"All": False, "Talon_One": True}, True),
        ({"All": False, "Talon_One": {"setting": False}}, True),
        ({"All": False, "Talon.One": None}, True),
        ({"All": False, "Talon.One": 0}, True),
        ({"Talon.One": True, "Talon_One": False}, True),
        ({"Talon.One": False, "Talon_One": True}, False),
        ({"All": False, "Salesforce": True, "Warehouses": {"all": False}}, False),
    ],
)
def test_integrations_is_honoured(integrations: Any, sent: bool) -> None:
    mapped = plan(event(integrations=integrations), TO)
    assert (mapped.request is not None) == sent
    if not sent:
        assert mapped.reason is not None
        assert mapped.reason.rule == "ID-4"
        assert "false" in mapped.reason.reason


@pytest.mark.parametrize("user_id", [None, ""])
def test_an_identify_without_a_user_is_not_sent(user_id: str | None) -> None:
    mapped = plan(event(userId=user_id, anonymousId="a"), TO)
    assert mapped.reason is not None
    assert (mapped.request, mapped.reason.rule, mapped.dead) == (None, "ID-2", False)


@pytest.mark.parametrize(("user_id", "dead"), [(".", True), ("..", True), ("x" * 1001, True), ("😀" * 1000, False)])
def test_a_user_id_that_cannot_be_sent_is_a_dead_letter(user_id: str, dead: bool) -> None:
    mapped = plan(event(userId=user_id), TO)
    assert mapped.dead is dead
    assert (mapped.reason is not None and mapped.reason.rule == "ID-1") is dead


CLIENT_SIDE: list[dict[str, Any]] = [
    *({"context": {"library": {"name": name}}} for name in sorted(CLIENT_LIBRARIES)),
    *({"channel": channel} for channel in ("client", "browser", "mobile")),
    {"context": {"channel": "browser"}},
]
SERVER_SIDE: list[dict[str, Any]] = [
    {},
    {"context": {"library": {"name": "analytics-python"}}},
    {"context": {"library": {"name": "@segment/analytics-node"}}},
    {"context": {"library": "analytics.js"}},
    {"context": {"library": {"name": ["analytics.js"]}}},
    {"context": []},
    {"channel": "server"},
    {"context": {"channel": {"browser": 1}}},
]


@pytest.mark.parametrize("members", CLIENT_SIDE, ids=json.dumps)
def test_client_side_sources(members: dict[str, Any]) -> None:
    for setting, sent, warned in (("accept", True, 0), ("warn", True, 1), ("reject", False, 0)):
        mapped = plan(event(**members), destination(custom_attributes=LISTED, client_side_sources=setting))
        assert (mapped.request is not None, len(mapped.warnings)) == (sent, warned)
        if not sent:
            assert mapped.reason is not None
            assert (mapped.reason.rule, mapped.dead) == ("SRC-1", False)
        if warned:
            assert mapped.warnings[0].rule == "SRC-1"


@pytest.mark.parametrize("members", SERVER_SIDE, ids=json.dumps)
def test_server_side_sources(members: dict[str, Any]) -> None:
    for setting in ("accept", "warn", "reject"):
        mapped = plan(event(**members), destination(custom_attributes=LISTED, client_side_sources=setting))
        assert mapped.request is not None
        assert mapped.warnings == ()


def test_the_first_reason_is_told() -> None:
    """Type, then integrations, then the user, then the source."""
    wrong: dict[str, Any] = {"type": "track", "integrations": {"All": False}, "userId": None, "channel": "browser"}
    right: dict[str, Any] = {"type": "identify", "integrations": {}, "userId": "u", "channel": "server"}
    told = []
    for corrected in range(5):
        members = {**wrong, **dict(list(right.items())[:corrected])}
        mapped = plan(event(**members), destination(custom_attributes=LISTED, client_side_sources="reject"))
        told.append(mapped.reason.rule if mapped.reason else "sent")
    assert told == ["ID-3", "ID-4", "ID-2", "SRC-1", "sent"]


# What is sent of it


def mapped_to(*listed: str, **members: Any) -> Plan:
    return plan(event(**members), destination(custom_attributes=listed))


def test_the_examples_of_the_documentation() -> None:
    mapped = mapped_to("email", "name", userId="userId123", traits={"email": "j@example.com", "name": "John"})
    assert mapped.request == Request("userId123", {"email": "j@example.com", "name": "John"})
    assert attributes(mapped_to("address_city", traits={"address": {"city": "Berlin"}})) == {"address_city": "Berlin"}


@pytest.mark.parametrize(
    ("listed", "given_traits", "pointer", "reason"),
    [
        (
            "address_city",
            {"Address": {"City": "B"}},
            "/Address/City",
            "Address_City is not in Custom Attributes; address_city is, and differs in case",
        ),
        (
            "address_city",
            {"adress_city": "B"},
            "/adress_city",
            "adress_city is not in Custom Attributes; address_city is, and differs in spelling",
        ),
        ("address_city", {"shoe": 1}, "/shoe", "shoe is not in Custom Attributes"),
        ("a_b", {"a": {"b": 1}, "a_b": 2}, "/a/b", "/a_b makes the same name a_b with another value"),
        ("a", {"a": [{"b": 1}]}, "/a", "a list that holds an object or a list cannot be an attribute"),
    ],
)
def test_the_words_of_an_explanation(listed: str, given_traits: Any, pointer: str, reason: str) -> None:
    mapped = mapped_to(listed, traits=given_traits)
    (trait,) = (trait for trait in mapped.traits if trait.pointer == pointer)
    assert trait.reason == reason
    assert trait.nearest == (listed if "differs" in reason else "")


def test_an_engage_event_excuses_its_own_trait_only() -> None:
    mapped = mapped_to("x", traits={"buyers": False, "email": "e"}, context=engaged("buyers"))
    assert attributes(mapped) == {"buyers": False}
    assert fate(mapped) == {"/buyers": ("waiting", ""), "/email": ("withheld", "MAP-3")}


@pytest.mark.parametrize("key", [None, "", "Buyers", "buyers_x", 5, ["buyers"], {"buyers": 1}])
def test_a_key_that_names_no_trait_excuses_nothing(key: Any) -> None:
    assert plan(event(traits={"buyers": True}, context=engaged(key)), TO).request is None


@pytest.mark.parametrize("context", [None, [], {"personas": None}, {"personas": []}, {"personas": "buyers"}])
def test_a_context_of_another_shape_excuses_nothing(context: Any) -> None:
    assert plan(event(traits={"buyers": True}, context=context), TO).request is None


def test_an_arriving_key_is_never_re_cased() -> None:
    mapped = mapped_to("order_completed", traits={"Order Completed": True}, context=engaged("Order Completed"))
    assert attributes(mapped) == {"Order Completed": True}


def test_a_computed_trait_that_is_an_object_is_excused_below() -> None:
    mapped = mapped_to("x", traits={"k": {"n": 1}, "k_n": 1}, context=engaged("k"))
    assert fate(mapped) == {"/k/n": ("waiting", ""), "/k_n": ("withheld", "MAP-3")}


@pytest.mark.parametrize("value", [None, False, 0, "", [], [None], [1, "x", True], Decimal("0.1"), 2**53 + 1])
def test_a_value_is_sent_as_it_is(value: Any) -> None:
    assert repr(attributes(mapped_to("a", traits={"a": value}))) == repr({"a": value})


@pytest.mark.parametrize("given_traits", [None, {}, {"a": {}}, {"a": {"b": {}}}])
def test_without_a_leaf_no_request_is_made(given_traits: Any) -> None:
    mapped = mapped_to("a", traits=given_traits)
    assert mapped.reason is not None
    assert (mapped.request, mapped.traits, mapped.reason.rule) == (None, (), "MAP-6")


def test_settings_decide_at_the_time_of_mapping() -> None:
    call = event(traits={"email": "e"})
    plans = [plan(call, Destination("k", "h", custom_attributes=listed)) for listed in ((), ("email",))]
    assert [attributes(mapped) for mapped in plans] == [{}, {"email": "e"}]


# What a replay leaves out


@given(traits, st.none() | keys, st.frozensets(st.sampled_from(LISTED)))
@example({"a": 1, "b": 2}, None, frozenset({"a"}))
@example({"a": 1, "b": 2, "c": 3}, None, frozenset({"a", "b", "c"}))
def test_a_replay_leaves_out_what_newer_events_have_delivered(
    nested: dict[str, Any], excused: str | None, newer: frozenset[str]
) -> None:
    mapped = plan(event(traits=nested, context=engaged(excused), channel="browser"), TO)
    left = superseded(mapped, newer)
    assert attributes(left) == {name: value for name, value in attributes(mapped).items() if name not in newer}
    assert (left.request is None) == (not attributes(left))
    assert (left.warnings, left.dead) == (mapped.warnings, False)
    if not newer & attributes(mapped).keys():
        assert left is mapped
        return
    assert left.reason == (
        None if left.request else Notice("DEL-2", "newer events have delivered all its attributes meanwhile")
    )
    assert left.request is None or left.request.integration_id == "u"
    for before, after in zip(mapped.traits, left.traits, strict=True):
        if before.verdict is not Verdict.WAITING or before.attribute not in newer:
            assert after == before
        else:
            reason = "a newer event has delivered this attribute meanwhile; a forced replay would overwrite it"
            withheld = (before.pointer, before.attribute, before.value, Verdict.WITHHELD, "DEL-2", reason)
            assert after == TraitExplanation(*withheld)


def test_what_is_not_sent_is_not_superseded() -> None:
    mapped = plan(event(type="track", traits={"a": 1}), TO)
    assert superseded(mapped, frozenset({"a"})) is mapped


def test_an_event_that_cannot_be_read_is_a_dead_letter() -> None:
    notice = Notice("", "the stored call cannot be mapped; the bridge's log says why")
    assert unreadable() == Plan(None, notice, (), (), dead=True)


# The words of it


def why(mapped: Plan) -> tuple[str, str]:
    assert mapped.reason is not None
    return mapped.reason.rule, mapped.reason.reason


@pytest.mark.parametrize(
    ("members", "rule", "reason"),
    [
        ({"type": "page"}, "ID-3", "only identify calls are sent to Talon.One; this is a page"),
        ({"integrations": {"All": False}}, "ID-4", "integrations switches the destination off (All: false)"),
        ({"integrations": {"all": False}}, "ID-4", "integrations switches the destination off (all: false)"),
        (
            {"integrations": {"Talon.One": False}},
            "ID-4",
            "integrations switches the destination off (Talon.One: false)",
        ),
        (
            {"integrations": {"Talon_One": False}},
            "ID-4",
            "integrations switches the destination off (Talon_One: false)",
        ),
        ({"userId": ""}, "ID-2", "there is no userId; only logged-in users are sent"),
        ({"userId": ".."}, "ID-1", "the userId '..' cannot be part of a path"),
        ({"userId": "x" * 1001}, "ID-1", "the userId has 1001 characters; an integration ID has at most 1000"),
        ({"channel": "mobile"}, "SRC-1", "channel mobile is a client-side source, and client_side_sources is reject"),
        ({"traits": {}}, "MAP-6", "no trait is left to send, so no request is made"),
        ({"traits": {"c": 1, "a": [[]]}}, "MAP-3", "no trait is left to send, so no request is made"),
        ({"traits": {"a": [[]], "c": 1}}, "MAP-5", "no trait is left to send, so no request is made"),
    ],
)
def test_the_words_of_a_reason(members: dict[str, Any], rule: str, reason: str) -> None:
    mapped = plan(event(**members), destination(custom_attributes=LISTED, client_side_sources="reject"))
    assert why(mapped) == (rule, reason)
    assert mapped.dead == (rule == "ID-1")
    for trait in mapped.traits:
        if rule[:3] != "MAP":
            assert (trait.verdict, trait.rule, trait.reason) == (Verdict.WITHHELD, rule, "its event is not sent")


def test_a_collision_names_all_the_others() -> None:
    mapped = mapped_to("a_b_c", traits={"a": {"b_c": 1, "b": {"c": 2}}, "a_b": {"c": 1}})
    assert [trait.reason for trait in mapped.traits] == [
        "/a/b/c, /a_b/c makes the same name a_b_c with another value",
        "/a/b_c, /a_b/c makes the same name a_b_c with another value",
        "/a/b_c, /a/b/c makes the same name a_b_c with another value",
    ]


CLIENT_NAMES = (
    "analytics.js", "@segment/analytics-next", "analytics-next", "analytics-ios", "analytics-android",
    "analytics-kotlin", "analytics-swift", "analytics-react-native", "@segment/analytics-react-native",
    "analytics-flutter", "analytics_flutter", "analytics-xamarin",
)  # fmt: skip


@pytest.mark.parametrize(
    ("members", "source"),
    [
        *(({"context": {"library": {"name": name}, "channel": "server"}}, name) for name in CLIENT_NAMES),
        *(({"channel": channel}, f"channel {channel}") for channel in ("client", "browser", "mobile")),
        ({"channel": "server", "context": {"channel": "browser"}}, "channel browser"),
        ({"channel": "mobile", "context": {"channel": "browser"}}, "channel mobile"),
    ],
)
def test_a_client_side_source_is_named(members: dict[str, Any], source: str) -> None:
    mapped = plan(event(**members), TO)
    text = f"{source} is a client-side source; traits that affect promotions are expected from server-side sources"
    assert mapped.warnings == (Notice("SRC-1", text),)
    unsent = plan(event(**members, traits={}), TO)
    assert unsent.warnings == mapped.warnings


@pytest.mark.parametrize("key", ["30_day_buyers", "_x", "a-b", "é", "a b"])
def test_a_key_that_no_attribute_can_have_is_warned_of(key: str) -> None:
    mapped = plan(event(traits={key: True}, context=engaged(key), channel="browser"), TO)
    assert attributes(mapped) == {key: True}
    warned = Notice("AUD-3", f"no Talon.One attribute can be called {key}; give the audience another key")
    assert mapped.warnings[1:] == (warned,)
    assert mapped.warnings[0].rule == "SRC-1"


@pytest.mark.parametrize("key", [None, "", "buyers", "B2", 5])
def test_a_key_that_an_attribute_can_have_is_not(key: Any) -> None:
    assert plan(event(context=engaged(key)), TO).warnings == ()


@pytest.mark.parametrize("key", ["k", "a_b", "A"])
def test_the_key_of_an_event(key: str) -> None:
    assert computation_key(event(context=engaged(key))) == key
