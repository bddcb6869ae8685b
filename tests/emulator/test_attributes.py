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
