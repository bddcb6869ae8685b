"""Values against the definitions of one entity: every assumption, and what a value is restricted to."""

import json
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emulator_support import pure
from talon_emulator.assumptions import DEFAULTS
from talon_emulator.attributes import TYPES, Attribute
from talon_emulator.definitions import Definitions
from talon_emulator.values import CHECKS, NOUNS

FIELDS: dict[str, Any] = {
    "entity": "CustomerProfile",
    "description": "",
    "suggestions": (),
    "editable": True,
    "id": 1,
    "created": "2030-01-01T00:00:00.000000Z",
}


def defined(name: str, kind: str, **fields: Any) -> Attribute:
    return Attribute(**{**FIELDS, "name": name, "title": name, "type": kind, **fields})


def restricted(kind: str, *suggestions: str, allowed: tuple[str, ...] = (), listed: bool = False) -> Definitions:
    """One attribute `x` that takes some values only."""
    limits = {"restricted_by_suggestions": True, "suggestions": suggestions}
    return definitions(defined("x", kind, **limits, has_allowed_list=listed, allowed_list=allowed))


def definitions(*attributes: Attribute, **assumed: str) -> Definitions:
    choices = {name.replace("_", "-"): choice for name, choice in assumed.items()}
    return Definitions("CustomerProfile", attributes, {**DEFAULTS, **choices})


def details(found: Definitions, **values: Any) -> list[str]:
    return [problem.details for problem in found.check(values)]


NUMBER, TEXT = defined("number", "number"), defined("text", "string")
EVERY_TYPE = tuple(defined(kind.strip("()").replace(" ", "_"), kind) for kind in TYPES)
KIND = {attribute.name: attribute.type for attribute in EVERY_TYPE}

point = st.just({"format": "point", "object": "5, 7.2"})
scalars = st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | point
words = scalars | st.sampled_from(["", "a", "5", "true", "2030-01-01T00:00:00Z"])
values = words | st.lists(words, max_size=2)


@pure
@given(st.dictionaries(st.sampled_from([*KIND, "nothing", "String"]), values), st.booleans())
@example({"boolean": 1, "number": True, "string": None, "nothing": None}, True)
def test_each_value_must_have_the_type_of_its_name(sent: dict[str, Any], all_listed: bool) -> None:
    found = definitions(*EVERY_TYPE, problems_listed="all" if all_listed else "first")
    expected = []
    for name in sorted(sent):
        if name not in KIND:
            expected.append(("Unknown", f"/attributes/{name}"))
        elif sent[name] is not None and not CHECKS[KIND[name]](sent[name]):
            expected.append(("Invalid type", f"/attributes/{name}"))
    problems = [(problem.title, problem.source["pointer"]) for problem in found.check(sent)]
    assert problems == (expected if all_listed else expected[:1])


@pytest.mark.parametrize("attribute", EVERY_TYPE, ids=lambda attribute: attribute.type)
def test_a_wrong_type_is_named(attribute: Attribute) -> None:
    wrong = {"no": [1]}
    noun = NOUNS[attribute.type]
    text = f'Value of "{attribute.name}" attribute (map[no:[1]]) is not {noun}'
    assert details(definitions(attribute), **{attribute.name: wrong}) == [text]
    assert noun.startswith("a ")
    singular = attribute.type.strip("()").split()[-1]
    assert noun.split()[-1].rstrip("s") == singular
    assert ("list of" in noun) == attribute.type.startswith("(list")


def test_only_the_definitions_of_the_entity_count() -> None:
    other = defined("other", "string", entity="CustomerSession")
    found = definitions(TEXT, other)
    assert found.attributes == (TEXT,)
    assert found.entity == "CustomerProfile"
    assert details(found, other="x") == ['The attribute "other" is not defined on CustomerProfile entities.']
    assert found.defined({"text": None, "other": 1, "Text": 2}) == {"text": None}
    assert Definitions("CustomerSession", (TEXT, other)).attributes == (other,)


# What is read


def test_values_are_read_as_they_are() -> None:
    sent = {"number": "5", "text": None, "nothing": 1}
    found = definitions(NUMBER, TEXT)
    assert found.plain
    assert found.read(sent) is sent


def test_null_can_mean_that_nothing_happens() -> None:
    found = definitions(NUMBER, TEXT, null_value="keep")
    assert not found.plain
    assert found.read({"number": "5", "text": None, "nothing": None}) == {"number": "5", "nothing": None}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5),
        ("0", 0),
        ("-0", 0),
        ("-17", -17),
        ("10", 10),
        ("9" * 100, 10**100 - 1),
        ("0.5", Decimal("0.5")),
        ("-1.50", Decimal("-1.50")),
        ("1." + "1" * 99, Decimal("1." + "1" * 99)),
    ],
)
def test_a_quoted_number_can_be_taken(text: str, number: int | Decimal) -> None:
    found = definitions(NUMBER, TEXT, quoted_number="take")
    assert not found.plain
    read = found.read({"number": text, "text": text, "nothing": text})
    assert repr(read) == repr({"number": number, "text": text, "nothing": text})


@pytest.mark.parametrize("text", ["", "-", "+5", "05", "-05", "5.", ".5", "1e3", " 5", "5 ", "٣", "1_0", "0x1", "--1"])
def test_what_only_looks_like_a_number_stays_text(text: str) -> None:
    assert definitions(NUMBER, quoted_number="take").read({"number": text}) == {"number": text}


@pytest.mark.parametrize("text", ["9" * 101, "0." + "1" * 100])
def test_a_number_that_is_too_long_stays_text(text: str) -> None:
    assert definitions(NUMBER, quoted_number="take").read({"number": text}) == {"number": text}


@pure
@given(st.text("0123456789.-+e_ ", max_size=8) | st.integers().map(str) | st.decimals(allow_nan=False).map(str))
@example("9.5")
@example("1.09")
def test_what_is_taken_is_what_json_writes_without_an_exponent(text: str) -> None:
    try:
        number = json.loads(text, parse_float=Decimal, parse_constant=lambda _: None) if text.strip() == text else None
    except ValueError:
        number = None
    read = definitions(NUMBER, quoted_number="take").read({"number": text})["number"]
    plain = number is not None and "e" not in text and "E" not in text
    assert repr(read) == repr(number if plain else text)


@pytest.mark.parametrize("value", [None, True, 5, ["5"], {"5": 5}])
def test_only_text_is_quoted(value: Any) -> None:
    listed = defined("numbers", "(list number)")
    found = definitions(NUMBER, listed, quoted_number="take")
    assert repr(found.read({"number": value, "numbers": value})) == repr({"number": value, "numbers": value})


def test_both_readings_at_once() -> None:
    found = definitions(NUMBER, TEXT, quoted_number="take", null_value="keep")
    assert found.read({"number": "5", "text": None}) == {"number": 5}
    assert not found.plain


# What a value is restricted to


@pytest.mark.parametrize(
    ("kind", "allowed", "value", "good"),
    [
        ("string", ("gold",), "gold", True),
        ("string", ("gold",), "Gold", False),
        ("string", ("gold",), "golden", False),
        ("string", ("gold",), "gol", False),
        ("string", ("x" * 200 + "...",), "x" * 201, False),
        ("string", ("x" * 2000,), "x" * 2000, True),
        ("string", ("5",), "5.0", False),
        ("string", ("5",), "5", True),
        ("number", ("1.50", "many"), Decimal("1.5"), True),
        ("number", ("2.0", "many"), 2, True),
        ("number", ("many", "2"), 2, True),
        ("number", ("many",), 2, False),
        ("number", ("NaN", "sNaN", "Infinity", "2"), 2, True),
        ("number", ("NaN", "sNaN", "Infinity"), 2, False),
        ("number", ("1" * 40,), int("1" * 40), True),
        ("number", ("1" * 40,), int("1" * 39 + "2"), False),
        ("boolean", ("true",), True, True),
        ("boolean", ("1",), True, False),
        ("boolean", ("true",), False, False),
        ("time", ("2030-01-01T00:00:00Z",), "2030-01-01T00:00:00Z", True),
        ("time", ("2030-01-01T00:00:00Z",), "2030-01-01T00:00:01Z", False),
        ("location", ("map[format:point object:5,7]",), {"object": "5,7", "format": "point"}, True),
        ("(list string)", ("a", "b"), ["b", "a", "b"], True),
        ("(list string)", ("a", "b"), ["a", "c"], False),
        ("(list string)", ("a",), [], True),
        ("(list number)", ("1.0",), [1, 1], True),
        ("(list number)", ("1.0",), [1, 2], False),
    ],
)
def test_a_value_is_one_of_the_suggestions_or_of_the_allowed_list(
    kind: str, allowed: tuple[str, ...], value: Any, good: bool
) -> None:
    suggested = restricted(kind, *allowed)
    imported = restricted(kind, "nothing else counts", allowed=allowed, listed=True)
    one_of = ", ".join(f'"{item}"' for item in allowed)
    for _ in range(2):  # an allowed list is looked at once only
        assert details(suggested, x=value) == ([] if good else [f"x must be one of the following: {one_of}"])
        assert details(imported, x=value) == ([] if good else ["x must be in the allowed list of the attribute"])


@pure
@given(st.lists(st.integers(-2, 2)), st.sets(st.integers(-2, 2)), st.booleans())
def test_every_item_of_a_list_is_one_of_them(sent: list[int], allowed: set[int], imported: bool) -> None:
    texts = tuple(map(str, sorted(allowed)))
    found = restricted("(list number)", *texts, allowed=texts, listed=imported)
    assert (found.check({"x": sent}) == ()) == (set(sent) <= allowed)


@pytest.mark.parametrize("found", [restricted("string", "a"), restricted("string", allowed=("a",), listed=True)])
def test_a_refused_value_is_pointed_at(found: Definitions) -> None:
    (problem,) = found.check({"x": "b"})
    assert (problem.title, problem.source) == ("enum", {"pointer": "/attributes/x"})


def test_without_an_allowed_list_the_suggestions_count() -> None:
    for found in (restricted("string", "a", listed=True), restricted("string", "a", allowed=("b",))):
        assert details(found, x="a") == []
        assert details(found, x="b") == ['x must be one of the following: "a"']


def test_restricted_to_nothing() -> None:
    lack = {False: "it has no suggestions", True: "its allowed list has no values yet; import one"}
    for listed, why in lack.items():
        found = restricted("(list string)", listed=listed)
        assert details(found, x=["a"]) == [f"x is restricted to values, but {why}"]
        assert details(found, x=[]) == details(found, x=None) == []
        assert found.check({"x": ["a"]})[0].source == {"pointer": "/attributes/x"}


def test_a_wrong_type_comes_before_a_restriction() -> None:
    assert details(restricted("string", "a"), x=1) == ['Value of "x" attribute (1) is not a string']


def test_only_people_may_be_restricted() -> None:
    gold = defined("x", "string", suggestions=("gold",), restricted_by_suggestions=True)
    assert details(definitions(gold, restricted_value="accept"), x="tin") == []
    assert details(definitions(gold, restricted_value="refuse"), x="tin") != []


def test_a_suggestion_is_a_mere_hint_where_nothing_is_restricted() -> None:
    assert details(definitions(defined("x", "string", suggestions=("gold",))), x="tin") == []


def test_every_name_of_the_types_is_distinct() -> None:
    assert len(KIND) == len(TYPES) == 9
    assert all(re.fullmatch(r"[a-z_]+", name) for name in KIND)
