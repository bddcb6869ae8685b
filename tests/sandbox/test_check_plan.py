"""`localtalon check --plan`: what a JSON Schema lets traits be is held against Custom Attributes and definitions."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from check_support import CONFIG, SHOP, at, check, definitions, errors, findings
from localtalon.check import stream, subject
from localtalon.check.plan_document import PlanError, read
from localtalon.json_lines import step
from talon_contracts.reports.events import Report, collected
from talon_contracts.value_types import accepts_value

LENIENT = [HealthCheck.function_scoped_fixture]
FITTING: dict[str, Any] = {
    "email": {"type": "string"},
    "age": {"type": "integer"},
    "vip": {"type": ["boolean", "null"]},
    "signed_up_at": {"type": "string", "format": "date-time"},
    "favourite_tags": {"type": "array", "items": {"type": "string"}},
    "address": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def plan(**changed: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {**FITTING, **changed}}


def of(folder: Path, document: Any, name: str = "plan.json", pointer: str = "") -> Report:
    """The report on a plan that is written as it is given."""
    (folder / "localtalon.toml").write_text(SHOP, "utf-8")
    path = folder / name
    path.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode())
    item = subject.read(folder / "localtalon.toml", (), False)
    return collected(stream.events(item, (), f"{path}{pointer}"))


def test_a_plan_that_fits_is_kept(tmp_path: Path) -> None:
    report = check(tmp_path, plan=plan())
    assert (report.exit_code, findings(report)) == (0, [])
    assert {judged.rule: judged.cases for judged in report.judged}["PLAN"] == 6


@pytest.mark.parametrize(
    ("changed", "rule", "pointer"),
    [
        ({"age": {"type": "string"}}, "ATT-2", "/properties/age"),
        ({"age": {"type": ["number", "string"]}}, "ATT-2", "/properties/age"),
        ({"age": {"anyOf": [{"type": "number"}, {"type": "boolean"}]}}, "ATT-2", "/properties/age"),
        ({"age": {"enum": [1, "2"]}}, "ATT-2", "/properties/age"),
        ({"age": {"const": "5"}}, "ATT-2", "/properties/age"),
        ({"vip": {"type": "string", "enum": ["true", "false"]}}, "ATT-2", "/properties/vip"),
        ({"email": {"type": "integer"}}, "ATT-2", "/properties/email"),
        ({"signed_up_at": {"type": "string", "format": "date"}}, "ATT-2", "/properties/signed_up_at"),
        ({"signed_up_at": {"type": "integer"}}, "ATT-2", "/properties/signed_up_at"),
        ({"favourite_tags": {"type": "array", "items": {"type": "number"}}}, "ATT-2", "/properties/favourite_tags"),
        ({"favourite_tags": {"type": "string"}}, "ATT-2", "/properties/favourite_tags"),
        ({"favourite_tags": {"type": "array", "items": {"type": "object"}}}, "MAP-5", "/properties/favourite_tags"),
        (
            {"favourite_tags": {"type": "array", "items": {"type": "array", "items": {"type": "string"}}}},
            "MAP-5",
            "/properties/favourite_tags",
        ),
        ({"address_city": {"type": "string"}}, "MAP-7", "/properties/address_city"),
        ({"Email": {"type": "string"}}, "MAP-3", "/properties/Email"),
        ({"lifetime_value": {"type": "number"}}, "MAP-3", "/properties/lifetime_value"),
        (
            {"address": {"properties": {"City": {}, "city": {"type": "string"}}}},
            "MAP-3",
            "/properties/address/properties/City",
        ),
    ],
)
def test_a_planted_mistake_is_found_where_it_is(
    tmp_path: Path, changed: dict[str, Any], rule: str, pointer: str
) -> None:
    report = check(tmp_path, plan=plan(**changed))
    ((found_rule, found_pointer, line),) = errors(report)
    assert (found_rule, found_pointer) == (rule, pointer)
    assert report.exit_code == 1
    text = (tmp_path / "plan.json").read_text().splitlines()
    assert json.dumps(pointer.rpartition("/")[2]) in text[line - 1]


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"signed_up_at": {"type": "string"}}, "ATT-2"),
        ({"favourite_tags": {"type": "array"}}, "ATT-2"),
        ({"age": {}}, "ATT-2"),
        ({"first name": {"type": "string"}}, "ATT-3"),
        ({"shoe_size": {"type": "number"}}, "MAP-3"),
        ({"tags": {"type": "array", "items": {"type": "object"}}}, "MAP-3"),
        ({"self": {"$ref": "#"}}, "PLAN"),
        ({"x": {"type": "object"}}, "PLAN"),
        ({"x": {"type": "object", "additionalProperties": {"type": "string"}}}, "PLAN"),
        ({"address": {"properties": {"city": {"type": "string"}, "zip": {}}, "patternProperties": {"a": {}}}}, "PLAN"),
        ({"address": {"type": "string"}}, "MAP-3"),
    ],
)
def test_what_may_be_meant_is_a_warning(tmp_path: Path, changed: dict[str, Any], rule: str) -> None:
    report = check(tmp_path, plan=plan(**changed))
    assert errors(report) == []
    assert rule in {finding.rule for finding in findings(report) if finding.severity == "warning"}


KINDS: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "string": ({"type": "string", "maxLength": 3}, ["a"]),
    "date-time": ({"type": "string", "format": "date-time"}, ["2026-01-01T00:00:00Z"]),
    "number": ({"type": "number"}, [1, 5]),
    "integer": ({"type": "integer"}, [1]),
    "boolean": ({"type": "boolean"}, [True]),
    "strings": ({"type": "array", "items": {"type": "string"}}, [["a"]]),
    "numbers": ({"items": {"type": "number"}}, [[1]]),
    "booleans": ({"type": "array", "items": {"type": "boolean"}}, [[True]]),
    "times": ({"type": "array", "items": {"type": "string", "format": "date-time"}}, [["2026-01-01T00:00:00Z"]]),
    "mixed": ({"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "number"}}, [["a", 1]]),
    "null": ({"type": "null"}, []),
}
DOUBTFUL = {("time", "string"), ("(list time)", "strings")}


@given(
    st.sampled_from(["string", "number", "boolean", "time", "(list string)", "(list number)", "(list time)"]),
    st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=3, unique=True),
    st.sampled_from(["anyOf", "oneOf", "$ref", "allOf", "$defs/x/$ref", "nested"]),
)
@settings(suppress_health_check=LENIENT, deadline=None)
def test_a_type_fits_where_the_oracle_takes_its_values(tmp_path: Path, kind: str, planned: list[str], way: str) -> None:
    """However the schema says it: by itself, through a reference, in parts, or inside an object."""
    schema: dict[str, Any] = {"anyOf": [KINDS[name][0] for name in planned]}
    document: dict[str, Any] = {"type": "object", "$defs": {"x": {"$ref": "#/$defs/y"}, "y": schema}}
    leaf = {
        "anyOf": schema,
        "oneOf": {"oneOf": schema["anyOf"]},
        "allOf": {"description": "x", "allOf": [{}, schema, True]},
        "$ref": {"$ref": "#/$defs/y"},
        "$defs/x/$ref": {"$ref": "#/$defs/x"},
        "nested": {"allOf": [{"oneOf": [schema]}]},
    }[way]
    document["properties"] = {"a": {"properties": {"b": leaf}}}
    text = CONFIG.replace('["email", "age", "vip", "signed_up_at", "favourite_tags", "address_city"]', '["a_b"]')
    report = check(tmp_path, text + definitions({"a_b": kind}), plan=document)
    refused = [
        name
        for name in planned
        if (kind, name) not in DOUBTFUL and not all(accepts_value(kind, value) for value in KINDS[name][1])
    ]
    expected = [("ATT-2", "/properties/a/properties/b")] if refused else []
    assert [(rule, pointer) for rule, pointer, _ in errors(report)] == expected


@given(st.recursive(st.just({}), lambda inner: st.dictionaries(st.sampled_from("ab_/~"), inner, max_size=3)))
@settings(suppress_health_check=LENIENT, deadline=None)
def test_every_trait_is_found_and_its_pointer_leads_to_it(tmp_path: Path, tree: dict[str, Any]) -> None:
    def schema(node: dict[str, Any]) -> dict[str, Any]:
        below = {key: schema(inner) for key, inner in node.items()}
        return {"properties": below} if below else {"type": "string"}

    def leaves(node: dict[str, Any], names: str, pointer: str) -> dict[str, str]:
        if not node:
            return {pointer: names}
        return {
            where: name
            for key, inner in node.items()
            for where, name in leaves(inner, f"{names}_{key}", f"{pointer}/properties{step(key)}").items()
        }

    path = tmp_path / "plan.json"
    path.write_text(json.dumps(schema(tree)))
    expected = {pointer: name[1:] for pointer, name in leaves(tree, "", "").items()} if tree else {}
    found = read(str(path))
    assert {trait.shape.pointer: trait.name for trait in found.traits} == expected
    for pointer in expected:
        at(schema(tree), pointer)


def test_custom_attributes_that_nothing_fills_are_a_warning_but_for_audiences(tmp_path: Path) -> None:
    text = SHOP.replace('"email"', '"email", "big_spenders"', 1) + '\n[[audiences]]\nname = "Big spenders"\n'
    document = plan()
    del document["properties"]["age"]
    report = check(tmp_path, text, plan=document)
    (finding,) = findings(report)
    assert (finding.rule, finding.severity) == ("MAP-3", "warning")
    assert finding.place is not None
    assert finding.place.pointer == "destination.custom_attributes[2]"  # age


@pytest.mark.parametrize(
    ("age", "found"),
    [
        ({"$ref": "#age"}, []),
        ({"$ref": "#text"}, ["error"]),
        ({"$ref": "#/$defs/list/0"}, []),
        ({"$ref": "#/%24defs/list/1"}, ["error"]),
        ({"type": "number", "nullable": True}, []),
        ({"if": {"const": 1}, "then": {"type": "number"}, "else": {"type": "integer"}}, []),
        ({"if": {"const": 1}, "then": {"type": "number"}, "else": {"type": "string"}}, ["error"]),
        ({"type": "number", "if": {"const": 1}, "then": {"type": "string"}}, []),
        ({"allOf": [{"enum": [1, "a"]}, {"enum": [1, "b"]}]}, []),
        ({"allOf": [{"type": ["number", "string"]}, {"type": ["integer", "boolean"]}]}, []),
        ({"allOf": [{"type": "array"}, {"items": {"type": "number"}}]}, ["error"]),
        ({"items": [{"type": "number"}, {"type": "number"}]}, ["error"]),
        ({"enum": [[1], {"a": 1}, None]}, ["error"]),
        ({"enum": [None, 1]}, []),
        (True, ["warning"]),
        (False, []),
    ],
    ids=str,
)
def test_however_a_schema_says_it(tmp_path: Path, age: Any, found: list[str]) -> None:
    document = {"$schema": "http://json-schema.org/draft-07/schema#", **plan(age=age)}
    document["$defs"] = {
        "age": {"$anchor": "age", "type": "number"},
        "text": {"$anchor": "text", "type": "string"},
        "list": [{"type": "integer"}, {"type": "string"}],
    }
    report = check(tmp_path, plan=document)
    assert [f.severity for f in findings(report) if f.rule == "ATT-2"] == found


def test_values_of_a_restricted_attribute_are_held_against_its_list(tmp_path: Path) -> None:
    restricted = 'restricted_by_suggestions = true\nsuggestions = ["Berlin", "Paris"]\n'
    text = SHOP.replace('name = "address_city"\n', f'name = "address_city"\n{restricted}')
    for city, found in (
        ({"enum": ["Berlin"]}, []),
        ({"enum": ["Berlin", "Rome"]}, ["error"]),
        ({"type": "string"}, ["warning"]),
    ):
        report = check(tmp_path, text, plan=plan(address={"properties": {"city": city}}))
        assert [finding.severity for finding in findings(report)] == found


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"", "it is empty"),
        (b'{"type":\n\n', "plan.json:1: "),
        (b"[]", "no JSON Schema"),
        (b'"\xff"', "UTF-8"),
        ({"type": "strin"}, "no valid JSON Schema"),
        ({"properties": {"a": {"minimum": "x"}}}, "plan.json:1: the plan is no valid JSON Schema"),
        ({"type": "object"}, "no trait"),
        ({"$ref": "https://example.com/plan.json"}, "nowhere in this file"),
        ({"properties": {"a": {"$ref": "#/nowhere"}}}, "nowhere in this file"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}, "no trait"),
        (
            {
                "$ref": "#/$defs/d0",
                "$defs": {f"d{n}": {"properties": {k: {"$ref": f"#/$defs/d{n + 1}"} for k in "ab"}} for n in range(40)},
            },
            "more than 20000",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_plan_that_cannot_be_judged_is_no_pass(tmp_path: Path, document: Any, reason: str) -> None:
    report = of(tmp_path, document)
    (judged,) = (judged for judged in report.judged if judged.rule == "PLAN")
    assert judged.status == "unjudged"
    assert reason in judged.reason
    assert report.exit_code == 2


def test_a_deep_schema_is_no_crash(tmp_path: Path) -> None:
    for opening, closing in ((b'{"properties":{"a":', b"}}"), (b'{"allOf":[', b"]}"), (b'{"x":[', b"]}")):
        for depth in (60, 400, 3000):
            assert of(tmp_path, opening * depth + b"{}" + closing * depth).exit_code in (0, 2)


def test_the_schema_may_be_a_part_of_the_file(tmp_path: Path) -> None:
    document: dict[str, Any] = {"rules": {"identify": {"properties": {"traits": plan(age={"$ref": "#/types/age"})}}}}
    document["types"] = {"age": {"type": "string"}}
    report = of(tmp_path, document, pointer="#/rules/identify/properties/traits")
    assert [(rule, pointer) for rule, pointer, _ in errors(report)] == [
        ("ATT-2", "/rules/identify/properties/traits/properties/age")
    ]
    assert of(tmp_path, document, pointer="#/rules/nowhere").exit_code == 2
    assert of(tmp_path, document).exit_code == 2
    with pytest.raises(PlanError, match="leads nowhere"):
        read(f"{tmp_path}/plan.json#/rules/identify/2")


def _object(members: dict[str, tuple[Any, Any]]) -> tuple[Any, Any]:
    """A schema of an object, and a strategy of what it lets through."""
    schema = {"type": "object", "properties": {key: part for key, (part, _) in members.items()}}
    return schema, st.fixed_dictionaries({}, optional={key: values for key, (_, values) in members.items()})


def _one_of(parts: list[tuple[Any, Any]], keyword: str) -> tuple[Any, Any]:
    return {keyword: [part for part, _ in parts]}, st.one_of([values for _, values in parts])


SCALARS = st.sampled_from(
    [
        ({"type": "string"}, st.text(max_size=3)),
        ({"type": "string", "format": "date-time"}, st.just("2026-01-01T00:00:00Z")),
        ({"type": "integer"}, st.integers(-5, 5)),
        ({"type": "number"}, st.integers(-5, 5) | st.just(1.5)),
        ({"type": ["boolean", "null"]}, st.booleans() | st.none()),
        ({"type": ["number", "string"]}, st.integers(0, 5) | st.text(max_size=2)),
        ({"enum": [1, "1", None]}, st.sampled_from([1, "1", None])),
        ({"const": True}, st.just(True)),
        ({"items": {"type": "string"}, "type": "array"}, st.lists(st.text(max_size=2), max_size=2)),
        ({"items": {"type": ["string", "object"]}, "type": "array"}, st.lists(st.just({}), max_size=2)),
    ]
)
SCHEMAS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from(["a", "b", "a_b", "A"]), inner, max_size=3).map(_object),
        st.builds(_one_of, st.lists(inner, min_size=1, max_size=2), st.sampled_from(["anyOf", "oneOf"])),
        inner.map(lambda part: ({"allOf": [part[0], {}]}, part[1])),
    ),
    max_leaves=6,
)
COLLIDING = st.tuples(SCALARS, SCALARS).map(lambda pair: _object({"a": _object({"b": pair[0]}), "a_b": pair[1]}))
ANYWHERE = ["a", "b", "a_b", "a_a", "b_a", "b_b", "a_b_a", "A"]


@given(
    st.dictionaries(st.sampled_from(["a", "b", "a_b"]), SCHEMAS, min_size=1, max_size=3).map(_object) | COLLIDING,
    st.dictionaries(
        st.sampled_from(ANYWHERE), st.sampled_from(["string", "number", "boolean", "time", "(list string)"])
    ),
    st.data(),
)
@settings(suppress_health_check=LENIENT, deadline=None, max_examples=150)
def test_what_a_kept_plan_lets_through_breaks_nothing(
    tmp_path: Path, planned: tuple[Any, Any], types: dict[str, str], data: st.DataObject
) -> None:
    """The plan speaks for every event that it lets through: what breaks a rule there breaks one of the plan."""
    schema, instances = planned
    listed = CONFIG.replace(
        '["email", "age", "vip", "signed_up_at", "favourite_tags", "address_city"]', json.dumps([*types])
    )
    config = listed + definitions(types)
    of_plan = {(f.rule, f.severity) for f in findings(check(tmp_path, config, plan=schema))}
    events = [{"userId": "u", "traits": traits} for traits in data.draw(st.lists(instances, min_size=1, max_size=3))]
    of_events = findings(check(tmp_path, config, events))
    for finding in of_events:
        rules = {"MAP-3", "ATT-3"} if finding.rule == "MAP-3" else {finding.rule}
        doubtful = finding.severity == "warning" or finding.rule == "ATT-2"  # a plain string may be a time
        enough = {"error", "warning"} if doubtful else {"error"}
        assert any(rule in rules and severity in enough for rule, severity in of_plan)
