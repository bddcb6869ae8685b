"""`localtalon check --plan`: schemas that say it in parts, under conditions, elsewhere in the file, or not at all."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from check_support import CONFIG, check, definitions, errors, findings
from localtalon.check import stream, subject
from talon_contracts.reports.events import Report, collected

TYPES = {
    "email": "string",
    "age": "number",
    "country": "string",
    "tags": "(list string)",
    "vip": "boolean",
    "seen_at": "time",
    "nums": "(list number)",
}
LISTED = json.dumps([*TYPES])
RESTRICTING = "restricted_by_suggestions = true\n"
RESTRICTED = {"country": ["DE", "AT"], "tags": ["a", "b"]}
TEXT = CONFIG.replace('["email", "age", "vip", "signed_up_at", "favourite_tags", "address_city"]', LISTED) + "".join(
    definitions({name: kind})
    + (
        f"restricted_by_suggestions = true\nsuggestions = {json.dumps(RESTRICTED[name])}\n"
        if name in RESTRICTED
        else ""
    )
    for name, kind in TYPES.items()
)
FITTING: dict[str, Any] = {
    "email": {"type": "string"},
    "age": {"type": "number"},
    "country": {"enum": ["DE", "AT"]},
    "tags": {"type": "array", "items": {"enum": ["a", "b"]}},
    "vip": {"type": "boolean"},
    "seen_at": {"type": "string", "format": "date-time"},
    "nums": {"type": "array", "items": {"type": "number"}},
}


def told(report: Report) -> list[tuple[str, str, str]]:
    """Of each finding the severity, the rule and the pointer."""
    return [(f.severity, f.rule, f.place.pointer if f.place else "") for f in findings(report)]


def planned(folder: Path, changed: dict[str, Any] | None = None, **more: Any) -> list[tuple[str, str, str]]:
    report = check(folder, TEXT, plan={"type": "object", "properties": {**FITTING, **(changed or {})}, **more})
    assert "unjudged" not in {judged.status for judged in report.judged}
    return told(report)


NULL = {"type": "null"}


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, ""),
        ({"country": {"anyOf": [{"enum": ["DE", "AT"]}, NULL]}}, ""),
        ({"country": {"anyOf": [{"enum": ["XX"]}, NULL]}}, "error"),
        ({"country": {"anyOf": [{"$ref": "#/$defs/country"}, NULL], "default": None}}, ""),
        ({"country": {"type": ["string", "null"], "enum": ["DE", None]}}, ""),
        ({"country": {"type": "string", "nullable": True, "enum": ["DE", "AT"]}}, ""),
        ({"country": {"anyOf": [{"const": "DE"}, {"type": "string"}]}}, "warning"),
        ({"country": {"anyOf": [{"const": "XX"}, {"type": "string"}]}}, "error"),
        ({"country": {"allOf": [{"enum": ["DE", "XX"]}, {"enum": ["DE", "YY"]}]}}, ""),
        ({"country": {"type": "string"}}, "warning"),
        ({"age": {"anyOf": [{"const": 1}, {"const": True}]}}, "error"),
        ({"tags": {"type": "array", "items": {"enum": ["XX"]}}}, "error"),
        ({"tags": {"type": "array", "items": {"type": "string", "enum": ["a", "XX"]}}}, "error"),
        ({"tags": {"type": "array", "items": {"const": "a"}}}, ""),
        ({"tags": {"anyOf": [{"type": "array", "items": {"enum": ["a"]}}, NULL]}}, ""),
        ({"tags": {"allOf": [{"type": "array"}, {"items": {"enum": ["b"]}}]}}, ""),
        ({"tags": {"type": "array", "items": {"type": "string"}}}, "warning"),
        ({"tags": {"type": "array", "prefixItems": [{"const": "a"}], "items": False}}, ""),
        ({"nums": {"type": "array", "items": [{"type": "number"}], "additionalItems": {"type": "string"}}}, "error"),
        ({"nums": {"type": "array", "unevaluatedItems": {"type": "string"}}}, "error"),
        ({"nums": {"type": "array", "items": {"enum": [1, "1"]}}}, "error"),
        ({"nums": {"enum": [[1], [2, 3]]}}, ""),
        ({"seen_at": {"anyOf": [{"type": "string"}, NULL], "format": "date-time"}}, ""),
        ({"seen_at": {"allOf": [{"type": "string"}, {"format": "date-time"}]}}, ""),
        ({"seen_at": {"type": "string", "anyOf": [{"format": "date-time"}, {"maxLength": 4}]}}, "warning"),
    ],
    ids=str,
)
def test_values_kinds_and_formats_in_parts(tmp_path: Path, changed: dict[str, Any], found: str) -> None:
    schema = "http://json-schema.org/draft-07/schema#"  # in which items may be a list
    own = {} if "prefixItems" in str(changed) else {"$schema": schema}
    expected = [(found, "ATT-2", f"/properties/{name}") for name in changed if found]
    assert planned(tmp_path, changed, **own, **{"$defs": {"country": {"enum": ["DE"]}}}) == expected


def test_what_to_do_about_a_value_that_is_not_listed_is_to_list_another(tmp_path: Path) -> None:
    for changed, listed in (({"country": {"enum": ["XX"]}}, True), ({"age": {"enum": ["1"]}}, False)):
        (finding,) = findings(check(tmp_path, TEXT, plan={"properties": {**FITTING, **changed}}))
        assert ("plan only values" in finding.hint) == listed


def test_ten_thousand_listed_values_are_no_burden(tmp_path: Path) -> None:
    many = {"enum": [f"x{number}" for number in range(10_000)]}
    twice = {"allOf": [many, {"anyOf": [many, many]}]}
    assert [rule for _, rule, _ in planned(tmp_path, {"email": twice})] == []


def test_a_list_of_objects_is_held_back_wherever_it_comes_from(tmp_path: Path) -> None:
    for nums in (
        {"type": "array", "items": [{"type": "number"}], "additionalItems": {"type": "object"}},
        {"enum": [[1], [[1]]]},
        {"type": "array", "items": {"anyOf": [{"type": "number"}, {"const": {"a": 1}}]}},
    ):
        schema = {"$schema": "http://json-schema.org/draft-07/schema#"}
        assert planned(tmp_path, {"nums": nums}, **schema) == [("error", "MAP-5", "/properties/nums")]


NARROW, WIDE = {"properties": {"age": {"type": "number"}}}, {"age": {"type": ["number", "string"]}}
SLIP = {"properties": {"Age": {"type": "number"}}}


@pytest.mark.parametrize(
    ("changed", "more", "found"),
    [
        (WIDE, {"if": {"required": ["vip"]}, "then": NARROW}, [("error", "ATT-2")]),
        (WIDE, {"if": {"required": ["vip"]}, "then": NARROW, "else": NARROW}, []),
        (WIDE, {"if": {"required": ["vip"]}, "else": NARROW}, [("error", "ATT-2")]),
        (WIDE, {"anyOf": [NARROW, {"required": ["age"]}]}, [("error", "ATT-2")]),
        (WIDE, {"oneOf": [NARROW, {"properties": {"email": {}}}]}, [("error", "ATT-2")]),
        (WIDE, {"anyOf": [NARROW, NARROW]}, []),
        (WIDE, {"allOf": [NARROW]}, []),
        (WIDE, {"dependentSchemas": {"vip": NARROW}}, [("error", "ATT-2")]),
        ({}, {"dependentSchemas": {"vip": SLIP}}, [("error", "MAP-3")]),
        ({}, {"dependencies": {"vip": SLIP, "email": ["age"]}}, [("error", "MAP-3")]),
        ({}, {"then": SLIP}, []),
        ({"x": {"type": ["object", "null"]}}, {}, [("warning", "MAP-3"), ("warning", "PLAN")]),
        ({}, {"unevaluatedProperties": {"type": "string"}}, [("warning", "PLAN")]),
    ],
    ids=str,
)
def test_what_holds_under_a_condition_narrows_nothing_for_all(
    tmp_path: Path, changed: dict[str, Any], more: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    assert sorted((severity, rule) for severity, rule, _ in planned(tmp_path, changed, **more)) == found


@pytest.mark.parametrize(
    ("branch", "found"),
    [
        ({"type": "number"}, "warning"),  # in the other branch it may be anything
        ({"type": "string"}, "error"),
    ],
)
def test_a_trait_that_one_branch_describes_is_judged_by_it(tmp_path: Path, branch: dict[str, Any], found: str) -> None:
    rest = {key: part for key, part in FITTING.items() if key != "age"}
    described, silent = {"properties": {"age": branch}}, {"properties": {"email": {"type": "string"}}}
    parts: dict[str, Any] = {"type": "object", "properties": rest, "oneOf": [described, silent]}
    assert told(check(tmp_path, TEXT, plan=parts)) == [(found, "ATT-2", "/oneOf/0/properties/age")]
    shuts: list[Any] = [{**silent, "additionalProperties": False}, {"type": "null"}, False]
    for shut in shuts:
        parts["oneOf"] = [described, shut]
        report = check(tmp_path, TEXT, plan=parts)
        assert told(report) == ([(found, "ATT-2", "/oneOf/0/properties/age")] if found == "error" else [])


PARTS: list[Any] = [
    True,
    False,
    {},
    {"type": "string"},
    {"type": "number"},
    {"type": ["integer", "null"]},
    {"enum": [1, "DE"]},
    {"enum": ["DE", "XX", None]},
    {"const": True},
    {"type": "string", "format": "date-time"},
    {"type": "array", "items": {"type": "string"}},
    {"type": "array", "items": {"enum": ["a", 1]}},
    {"prefixItems": [{"type": "number"}], "items": {"type": "string"}},
]
VALUES = st.sampled_from([1, "DE", "XX", "a", None, True, 1.5, "2026-01-01T00:00:00Z", ["a"], ["XX"], [1], [1, "a"]])
NAMED = ["age", "country", "tags", "vip"]
KEYWORDS = st.sampled_from(["anyOf", "oneOf", "allOf"])
SHAPES = st.recursive(
    st.sampled_from(PARTS),
    lambda inner: st.one_of(
        st.builds(
            lambda k, parts: {k: parts},
            st.sampled_from(["anyOf", "oneOf", "allOf"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
        st.builds(lambda one, two, three: {"if": one, "then": two, "else": three}, inner, inner, inner),
        st.builds(lambda one, two: {"if": one, "then": two}, inner, inner),
    ),
    max_leaves=4,
)
MEMBERS = st.dictionaries(st.sampled_from(NAMED), SHAPES, max_size=2).map(lambda members: {"properties": members})
OBJECTS = st.recursive(
    MEMBERS | st.just({"required": ["vip"]}) | MEMBERS.map(lambda part: {**part, "additionalProperties": False}),
    lambda inner: st.one_of(
        st.builds(
            lambda k, parts: {k: parts},
            st.sampled_from(["anyOf", "oneOf", "allOf"]),
            st.lists(inner, min_size=1, max_size=2),
        ),
        st.builds(lambda one, two: {"if": one, "then": two}, inner, inner),
        st.builds(lambda one, two: {"if": one, "else": two}, inner, inner),
        st.builds(lambda part: {"dependentSchemas": {"vip": part}}, inner),
        st.builds(lambda one, two: {"allOf": [one], **two}, inner, MEMBERS),
    ),
    max_leaves=4,
)


def named_in(schema: Any) -> Iterator[str]:
    """The members that any part of a schema names, but for those that a condition alone does."""
    parts = [schema[key] for key in schema if key != "if"] if isinstance(schema, dict) else schema
    parts = parts if isinstance(parts, list) else []
    yield from schema.get("properties", ()) if isinstance(schema, dict) else ()
    for part in parts:
        yield from named_in(part)


@given(OBJECTS, st.lists(st.dictionaries(st.sampled_from(NAMED), VALUES, max_size=2), min_size=1, max_size=6))
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=200
)
def test_no_value_that_a_schema_lets_through_and_talon_one_refuses_goes_unsaid(
    tmp_path: Path, schema: dict[str, Any], instances: list[dict[str, Any]]
) -> None:
    """Whatever the parts and conditions, as an independent validator has it; a trait that no part names is free."""
    validator = Draft202012Validator(schema)
    let = [traits for traits in instances if validator.is_valid(traits)]
    judged = check(tmp_path, TEXT, plan={"type": "object", "properties": {"email": {}}, "allOf": [schema]})
    assert "unjudged" not in {each.status for each in judged.judged}
    of_plan = findings(judged)
    said = {f.message.split()[0] for f in of_plan if f.rule == "ATT-2"}
    report = check(tmp_path, TEXT, [{"userId": "u", "traits": traits} for traits in let])
    refused = {f.place.pointer.split("/")[2] for f in findings(report) if f.rule == "ATT-2" and f.place}
    assert refused & set(named_in(schema)) <= said


@pytest.mark.parametrize("age", [{"type": "integer", "enum": ["5"]}, {"allOf": [{"const": 1}, {"const": True}]}])
def test_what_contradicts_itself_lets_nothing_through(tmp_path: Path, age: dict[str, Any]) -> None:
    assert planned(tmp_path, {"age": age}) == [("warning", "MAP-3", "destination.custom_attributes[1]")]


@pytest.mark.parametrize(
    ("age", "text", "root"),
    [
        ("https://x.example/plan.json#/$defs/n", "https://x.example/plan.json#/$defs/t", {}),
        ("plan.json#/$defs/n", "#/$defs/t", {}),
        ("n.json", "https://x.example/t.json", {}),
        ("#n", "#t", {}),
        ("#dn", "plan.json#dt", {}),
        ("#n", "#t", {"$schema": "http://json-schema.org/draft-07/schema#"}),
    ],
)
def test_a_reference_is_followed_wherever_in_the_file_it_leads(
    tmp_path: Path, age: str, text: str, root: dict[str, Any]
) -> None:
    anchored = [{"$id": f"#{k}"} if root else {"$anchor": k, "$dynamicAnchor": f"d{k}"} for k in "nt"]
    defs = {
        "n": {**anchored[0], "type": "number"},
        "t": {**anchored[1], "type": "string"},
        "n2": {"$id": "n.json", "type": "number"},
        "t2": {"$id": "t.json", "allOf": [{"$ref": "#/$defs/own"}], "$defs": {"own": {"type": "string"}}},
    }
    root = {"$id": "https://x.example/plan.json", "$defs": defs, **root}
    assert planned(tmp_path, {"age": {"$ref": age}, "email": {"$ref": text}}, **root) == []
    wrong = planned(tmp_path, {"age": {"$ref": text}}, **root)
    assert wrong == [("error", "ATT-2", "/properties/age")]


def test_the_draft_is_that_of_the_file(tmp_path: Path) -> None:
    part = {
        "type": "object",
        "properties": {**FITTING, "age": {"type": "number", "minimum": 0, "exclusiveMinimum": True}},
    }
    document = {"$schema": "http://json-schema.org/draft-04/schema#", "definitions": {"t": part}}
    assert of_part(tmp_path, document, "#/definitions/t").exit_code == 0


def of_part(folder: Path, document: Any, pointer: str = "") -> Report:
    (folder / "localtalon.toml").write_text(TEXT, "utf-8")
    (folder / "plan.json").write_text(json.dumps(document), "utf-8")
    return collected(
        stream.events(subject.read(folder / "localtalon.toml", (), False), (), f"{folder}/plan.json{pointer}")
    )


def test_a_schema_of_whole_calls_is_no_plan_and_the_part_is_named(tmp_path: Path) -> None:
    traits = {"type": "object", "properties": {**FITTING, "age": {"type": "string"}}}
    call = {"type": "object", "properties": {"userId": {"type": "string"}, "traits": traits}}
    for document, pointer in (
        (call, ""),
        ({"data": {"rules": [{"jsonSchema": call}]}}, ""),
        ({"data": {"rules": [{"jsonSchema": call}]}}, "#/data/rules/0/jsonSchema"),
    ):
        report = of_part(tmp_path, document, pointer)
        (reason,) = (judged.reason for judged in report.judged if judged.rule == "PLAN")
        assert report.exit_code == 2
        named = reason.rpartition("plan.json")[2].rstrip("'")
        assert errors(of_part(tmp_path, document, named))[0][0] == "ATT-2"
