"""Attribute definitions: patterns, uniqueness, what never changes, and the check of values."""

import string
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator_support import pure
from talon_emulator import attributes
from talon_emulator.attributes import Attribute, NewAttribute
from talon_emulator.definitions import Definitions
from talon_emulator.errors import Refusal

NOW = "2030-01-01T00:00:00.000000Z"
LETTERS = set(string.ascii_letters)
NAME_REST = LETTERS | set(string.digits + "_")
TITLE_REST = LETTERS | set(string.digits + "_.!~*'() -")

near_names = st.text(st.sampled_from("aZ09_- .é٣\n"), max_size=6)


def new(name: str = "colour", **fields: Any) -> NewAttribute:
    defaults = {
        "entity": "CustomerProfile",
        "title": name,
        "type": "string",
        "description": "",
        "suggestions": (),
        "editable": True,
    }
    return NewAttribute(name=name, **{**defaults, **fields})


def made(*definitions: NewAttribute) -> tuple[Attribute, ...]:
    existing: tuple[Attribute, ...] = ()
    for definition in definitions:
        attribute = attributes.create(existing, definition, NOW)
        assert isinstance(attribute, Attribute)
        existing = (*existing, attribute)
    return existing


def pointers(refusal: Attribute | Refusal) -> list[str]:
    assert isinstance(refusal, Refusal)
    return [problem.source["pointer"] for problem in refusal.errors]


@pure
@given(st.one_of(near_names, st.text()))
def test_a_name_is_ascii_letters_digits_and_underscores_after_a_letter(name: str) -> None:
    good = name[:1] in LETTERS and set(name) <= NAME_REST and name != ""
    problems = attributes.check_definition(new(name, title="ok"))
    assert [problem.source["pointer"] for problem in problems] == ([] if good else ["/name"])


@pure
@given(st.one_of(near_names, st.text()))
def test_a_title_begins_with_a_letter(title: str) -> None:
    good = title[:1] in LETTERS and set(title) <= TITLE_REST and title != ""
    problems = attributes.check_definition(new(title=title))
    assert [problem.source["pointer"] for problem in problems] == ([] if good else ["/title"])


@pytest.mark.parametrize("name", ["30_day_buyers", "2024_vip", "_x", "a-b", "a.b", "a b", "a\n", "é", "a٣", ""])
def test_names_that_cannot_be(name: str) -> None:
    assert pointers(attributes.create((), new(name, title="ok"), NOW)) == ["/name"]


def test_numbers_definitions_and_keeps_their_fields() -> None:
    first, second = made(new("a", title="Alpha"), new("b", suggestions=("x",)))
    assert (first.id, second.id) == (1, 2)
    assert (second.suggestions, second.created) == (("x",), NOW)


@pytest.mark.parametrize(
    ("definition", "status", "where"),
    [
        (new("colour", title="Other"), 409, ["/name"]),
        (new("other", title="colour"), 409, ["/title"]),
        (new("colour"), 409, ["/name", "/title"]),
        (new("x", entity="Nothing", type="text"), 400, ["/entity", "/type"]),
        (new("x", suggestions=("a", "")), 400, ["/suggestions/1"]),
        (new("x", suggestions=("a",) * 51), 400, ["/suggestions"]),
        (new("x", entity="CartItem", allowed_subscriptions=("catalog", "shop")), 400, ["/allowedSubscriptions/1"]),
        (new("x", entity="CartItem", allowed_subscriptions=("catalog",) * 3), 400, ["/allowedSubscriptions"]),
        (new("x", allowed_subscriptions=("catalog",)), 400, ["/allowedSubscriptions"]),
        (new("x", event_type="visit"), 400, ["/eventType"]),
        (new("x", subscribed_applications_ids=(1, 1, 1)), 400, ["/subscribedApplicationsIds/1"]),
    ],
)
def test_refuses_definitions(definition: NewAttribute, status: int, where: list[str]) -> None:
    refusal = attributes.create(made(new("colour")), definition, NOW)
    assert pointers(refusal) == where
    assert isinstance(refusal, Refusal)
    assert refusal.status == status


def test_names_are_unique_per_entity_and_case_sensitive() -> None:
    assert len(made(new("colour"), new("Colour"), new("colour", entity="CustomerSession"))) == 3


def test_an_update_changes_what_may_change() -> None:
    [old] = made(new("colour"))
    changed = attributes.update((old,), old, new("colour", title="Shade", description="d", editable=False))
    assert changed == msgspec.structs.replace(old, title="Shade", description="d", editable=False)


@pytest.mark.parametrize(("field", "value"), [("entity", "Event"), ("name", "shade"), ("type", "number")])
def test_an_update_refuses_what_never_changes(field: str, value: str) -> None:
    [old] = made(new("colour"))
    definition = msgspec.structs.replace(new("colour"), **{field: value})
    assert pointers(attributes.update((old,), old, definition)) == [f"/{field}"]


def test_an_update_refuses_a_title_that_is_taken() -> None:
    old, other = made(new("a"), new("b"))
    assert pointers(attributes.update((old, other), old, new("a", title="b"))) == ["/title"]


DEFINITIONS = Definitions(
    "CustomerProfile",
    made(
        new("text"),
        new("flag", type="boolean"),
        new("elsewhere", entity="CustomerSession"),
        new("tier", suggestions=("gold", "1"), restricted_by_suggestions=True),
        new("size", type="number", suggestions=("1.50", "many"), restricted_by_suggestions=True),
        new("tags", type="(list string)", suggestions=("a",), restricted_by_suggestions=True),
    ),
)


def test_lists_every_problem_in_the_order_of_names() -> None:
    values = {"z/~": None, "text": 1, "Text": "x", "flag": True, "elsewhere": "x", "tier": "tin"}
    problems = DEFINITIONS.check(values)
    assert [(problem.title, problem.source["pointer"]) for problem in problems] == [
        ("Unknown", "/attributes/Text"),
        ("Unknown", "/attributes/elsewhere"),
        ("Invalid type", "/attributes/text"),
        ("enum", "/attributes/tier"),
        ("Unknown", "/attributes/z~1~0"),
    ]
    assert problems[0].details == 'The attribute "Text" is not defined on CustomerProfile entities.'
    assert problems[2].details == 'Value of "text" attribute (1) is not a string'
    assert problems[3].details == 'tier must be one of the following: "gold", "1"'


def test_null_goes_with_every_defined_name() -> None:
    assert DEFINITIONS.check(dict.fromkeys(("text", "flag", "tier", "size", "tags"))) == ()


@pytest.mark.parametrize(
    ("name", "value", "good"),
    [
        ("tier", "gold", True),
        ("tier", "Gold", False),
        ("size", 1.5, False),
        ("size", 2, False),
        ("tags", ["a", "a"], True),
        ("tags", [], True),
        ("tags", ["a", "b"], False),
    ],
)
def test_restricted_attributes_take_suggestions_only(name: str, value: Any, good: bool) -> None:
    assert (DEFINITIONS.check({name: value}) == ()) == good


def test_a_restricted_number_compares_by_value() -> None:
    number = msgspec.json.decode(b"1.5", type=msgspec.Raw)
    from talon_emulator import body

    assert DEFINITIONS.check({"size": body.ANY.decode(number)}) == ()


# What the documents list


def test_the_entities_and_types_of_the_documents() -> None:
    assert attributes.ENTITIES == (
        "Application", "Campaign", "CustomerProfile", "CustomerSession", "CartItem", "Coupon", "Event", "Giveaway",
        "LoyaltyCard", "Referral", "Store",
    )  # fmt: skip
    assert attributes.TYPES == (
        "string", "number", "boolean", "time", "(list string)", "(list number)", "(list time)", "location",
        "(list location)",
    )  # fmt: skip


def test_what_is_left_out_of_a_new_definition() -> None:
    definition = new("a")
    left_out = (definition.event_type, definition.has_allowed_list, definition.restricted_by_suggestions)
    assert left_out == (None, False, False)
    [kept] = made(definition)
    assert (kept.builtin, kept.allowed_list) == (False, ())
    assert not Attribute(**msgspec.structs.asdict(definition), id=1, created=NOW).builtin
    builtin = attributes.create((), new("b"), NOW, builtin=True)
    assert isinstance(builtin, Attribute)
    assert builtin.builtin


@pytest.mark.parametrize("entity", attributes.ENTITIES)
@pytest.mark.parametrize("kind", attributes.TYPES)
def test_every_entity_has_attributes_of_every_type(entity: str, kind: str) -> None:
    assert attributes.check_definition(new("a", entity=entity, type=kind)) == ()


ALREADY = '"colour" already exists on CustomerProfile entities'


def texts(refusal: Attribute | Refusal) -> list[tuple[str, str]]:
    assert isinstance(refusal, Refusal)
    return [(problem.title, problem.details) for problem in refusal.errors]


@pytest.mark.parametrize(
    ("definition", "problem"),
    [
        (new("1", title="ok"), ("pattern", r"name does not match pattern ^[A-Za-z]\w*$")),
        (new(title="1"), ("pattern", "title does not match pattern ^[A-Za-z][A-Za-z0-9_.!~*'() -]*$")),
        (new(suggestions=("a",) * 51), ("maxLength", "suggestions must have at most 50 items")),
        (new(suggestions=("", "a", "")), ("Invalid type", "a suggestion must not be empty")),
        (
            new(entity="CartItem", allowed_subscriptions=("shop",)),
            ("enum", 'allowedSubscriptions must be one of the following: "application", "catalog"'),
        ),
        (
            new(entity="CartItem", allowed_subscriptions=("catalog",) * 3),
            ("maxLength", "allowedSubscriptions must have at most 2 items"),
        ),
        (new(event_type="v"), ("Invalid type", "eventType is for attributes of Event only")),
        (
            new(allowed_subscriptions=("catalog",)),
            ("Invalid type", "allowedSubscriptions is for attributes of CartItem only"),
        ),
        (new(subscribed_applications_ids=(4, 7, 4)), ("Invalid type", "4 is there twice")),
        (new("colour", title="x"), ("Duplicate", f"An attribute with name {ALREADY}")),
        (new("x", title="colour"), ("Duplicate", f"An attribute with title {ALREADY}")),
    ],
)
def test_the_words_of_a_refusal(definition: NewAttribute, problem: tuple[str, str]) -> None:
    assert texts(attributes.create(made(new("colour")), definition, NOW)) == [problem]


@pytest.mark.parametrize("field", ["entity", "type"])
def test_a_refusal_lists_what_can_be(field: str) -> None:
    allowed = {"entity": attributes.ENTITIES, "type": attributes.TYPES}[field]
    listed = ", ".join(f'"{item}"' for item in allowed)
    assert texts(attributes.create((), new(**{field: "Nothing"}), NOW)) == [
        ("enum", f"{field} must be one of the following: {listed}")
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"suggestions": tuple(map(str, range(50)))},
        {"entity": "CartItem", "allowed_subscriptions": ("application", "catalog")},
        {"entity": "Event", "event_type": "visit"},
        {"event_type": ""},
        {"subscribed_applications_ids": (1, 2, 3)},
    ],
)
def test_takes_definitions_at_the_edge(fields: dict[str, Any]) -> None:
    assert attributes.check_definition(new("a", **fields)) == ()


@pure
@given(st.lists(st.integers(1, 4), max_size=5).map(tuple))
def test_an_application_is_named_once(ids: tuple[int, ...]) -> None:
    problems = attributes.check_definition(new("a", subscribed_applications_ids=ids))
    again = [place for place, number in enumerate(ids) if number in ids[:place]]
    assert [problem.source["pointer"] for problem in problems] == [
        f"/subscribedApplicationsIds/{place}" for place in again[:1]
    ]


@pure
@given(st.lists(st.text("abAB", max_size=2), max_size=4).map(tuple))
def test_every_suggestion_says_something(suggestions: tuple[str, ...]) -> None:
    problems = attributes.check_definition(new("a", suggestions=suggestions))
    empty = [f"/suggestions/{place}" for place, text in enumerate(suggestions) if text == ""]
    assert [problem.source["pointer"] for problem in problems] == empty[:1]


# What changes and what does not


def test_a_number_is_never_given_twice() -> None:
    assert [attribute.id for attribute in made(*map(new, "abcd"))] == [1, 2, 3, 4]
    first, second = made(new("a"), new("b"))
    third = attributes.create(iter((second,)), new("c"), NOW)
    assert isinstance(third, Attribute)
    assert third.id == 3
    assert first.id == 1


def test_an_update_may_keep_its_own_name_and_title() -> None:
    first, second = made(new("a"), new("b"))
    kept = attributes.update((first, second), second, new("b", description="d"))
    assert kept == msgspec.structs.replace(second, description="d")


def test_an_update_is_held_to_the_rules_of_a_definition() -> None:
    [old] = made(new("a"))
    refusal = attributes.update((old,), old, new("b", type="number", title="1", suggestions=("",)))
    assert pointers(refusal) == ["/name", "/type", "/title", "/suggestions/0"]
    assert texts(refusal)[0] == ("Immutable", "name of an attribute cannot be changed")
    assert isinstance(refusal, Refusal)
    assert refusal.status == 400


def wanted(old: Attribute, **fields: Any) -> attributes.AttributeUpdate:
    """What a client sends that repeats the members it must, and changes some."""
    required = ("entity", "name", "title", "type", "description", "suggestions", "editable")
    return attributes.AttributeUpdate(**{**{name: getattr(old, name) for name in required}, **fields})


(FULL,) = made(
    new(
        "visits",
        entity="Event",
        event_type="visit",
        has_allowed_list=True,
        restricted_by_suggestions=True,
        suggestions=("a",),
        subscribed_applications_ids=(1,),
        subscribed_catalogs_ids=(2,),
    )
)
CHANGES: dict[str, Any] = {
    "title": "Other",
    "description": "d",
    "suggestions": ("b",),
    "editable": False,
    "has_allowed_list": False,
    "restricted_by_suggestions": False,
    "subscribed_applications_ids": (3,),
    "subscribed_catalogs_ids": (),
}


@pure
@given(st.sets(st.sampled_from(sorted(CHANGES))), st.sampled_from([None, "", "visit"]))
def test_a_revision_changes_what_is_sent_and_nothing_else(names: set[str], event_type: str | None) -> None:
    changes = {name: CHANGES[name] for name in names}
    sent = wanted(FULL, **changes, event_type=event_type)
    assert attributes.revise((FULL,), FULL, sent, False) == msgspec.structs.replace(FULL, **changes)
    only = {name: value for name, value in changes.items() if name == "description"}
    assert attributes.revise((FULL,), FULL, sent, True) == msgspec.structs.replace(FULL, **only)


def test_a_revision_can_connect_a_catalog_or_a_cart() -> None:
    [old] = made(new("a", entity="CartItem"))
    sent = wanted(old, allowed_subscriptions=("catalog",), subscribed_catalogs_ids=(1,))
    changed = attributes.revise((old,), old, sent, False)
    assert changed == msgspec.structs.replace(
        old, allowed_subscriptions=("catalog",), subscribed_catalogs_ids=(1,), event_type=None
    )


@pytest.mark.parametrize("only_description", [False, True])
@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"event_type": "purchase"}, "/eventType"),
        ({"name": "other"}, "/name"),
        ({"entity": "Store"}, "/entity"),
        ({"type": "number"}, "/type"),
        ({"suggestions": ("",)}, "/suggestions/0"),
    ],
)
def test_a_revision_refuses_what_never_changes(only_description: bool, changes: dict[str, Any], where: str) -> None:
    refusal = attributes.revise((FULL,), FULL, wanted(FULL, **changes), only_description)
    assert pointers(refusal)[0] == where
    assert isinstance(refusal, Refusal)
    assert refusal.status == 400


def test_a_new_event_type_is_refused_even_where_there_was_none() -> None:
    [old] = made(new("a"))
    refusal = attributes.revise((old,), old, wanted(old, event_type="visit"), False)
    assert texts(refusal) == [("Immutable", "eventType of an attribute cannot be changed")]


def test_a_title_that_is_taken_matters_to_who_gets_it() -> None:
    old, other = made(new("a"), new("b"))
    sent = wanted(old, title="b", description="d")
    assert pointers(attributes.revise((old, other), old, sent, False)) == ["/title"]
    assert attributes.revise((old, other), old, sent, True) == msgspec.structs.replace(old, description="d")


@pure
@given(
    st.lists(
        st.tuples(
            st.integers(1, 99), st.sampled_from(["Event", "CustomerProfile"]), st.sampled_from([None, "", "a", "b"])
        ),
        max_size=6,
    )
)
def test_an_event_type_has_the_number_of_its_oldest_attribute(drawn: list[tuple[int, str, str | None]]) -> None:
    kept = [msgspec.structs.replace(FULL, id=number, entity=entity, event_type=kind) for number, entity, kind in drawn]
    expected = {
        kind: min(number for number, entity, other in drawn if (entity, other) == ("Event", kind))
        for kind in {kind for _, entity, kind in drawn if entity == "Event" and kind}
    }
    assert attributes.event_types(kept) == expected
