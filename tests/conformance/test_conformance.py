"""The conformance driver finds what it is there to find; and the emulator keeps the documents, when they are given."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance import documents, driver
from conformance.cases import Case
from conformance.documents import Document, Documented
from conformance.drawing import Drawer
from conformance.judging import Judge
from emulator_support import Emulator, running
from talon_emulator import operations
from talon_emulator.settings import Settings

PATH = "/v2/customer_profiles/{id}"
OURS: dict[str, Any] = {
    "openapi": "3.1.0",
    "paths": {
        PATH: {
            "put": {
                "operationId": "update",
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
                    {"name": "dry", "in": "query", "schema": {"type": "boolean"}},
                ],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Update"}}}},
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/State"}}}},
                    "400": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}},
                    "401": {"description": "no"},
                },
            }
        }
    },
    "components": {
        "schemas": {
            "Update": {"type": "object", "properties": {"attributes": {"type": "object"}}},
            "State": {
                "type": "object",
                "required": ["effects", "customerProfile"],
                "properties": {
                    "effects": {"type": "array", "maxItems": 0},
                    "customerProfile": {
                        "type": "object",
                        "required": ["created"],
                        "properties": {"created": {"type": "string", "format": "date-time"}},
                    },
                },
            },
            "Error": {"type": "object", "required": ["message"], "properties": {"StatusCode": {"const": 400}}},
        }
    },
}
EVERYTHING: dict[str, Any] = {
    "allOf": [
        {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string", "enum": ["a", "b"]}}},
        {"$ref": "#/components/schemas/Update"},
    ],
    "required": ["count"],
    "properties": {
        "count": {"type": "integer", "minimum": 1, "maximum": 9},
        "share": {"type": "number", "minimum": 0, "maximum": 1},
        "name": {"type": "string", "pattern": r"^[A-Za-z]\w*$", "minLength": 2, "maxLength": 8},
        "at": {"type": "string", "format": "date-time"},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2, "uniqueItems": True},
        "nothing": {"type": ["boolean", "null"]},
        "either": {"oneOf": [{"type": "integer"}, {"type": "string"}]},
    },
}


@pytest.fixture(scope="module")
def seeded() -> Iterator[Emulator]:
    with running(Settings(deployment=driver.SEED)) as emulator:
        yield emulator


def run(emulator: Emulator, document: Document, most: int = 15) -> list[driver.Outcome]:
    return [
        driver.run(emulator.client, document, documented, operation.security, most)
        for documented, operation in driver.emulated(document, operations.EMULATED)
    ]


def changed(*steps: str, to: Any) -> Document:
    """Our document with one place changed."""
    root = copy.deepcopy(OURS)
    place = root
    for step in steps[:-1]:
        place = place[step]
    place[steps[-1]] = to
    return Document("ours", root)


def test_a_document_that_is_kept(seeded: Emulator) -> None:
    [outcome] = run(seeded, Document("ours", OURS))
    assert outcome.findings == {}
    assert set(outcome.statuses) == {200, 400, 401}
    assert "kept" in driver.table([outcome])


@pytest.mark.parametrize(
    ("steps", "to", "words"),
    [
        (("components", "schemas", "State", "required"), ["effects", "price"], '"price" is a required property'),
        (("components", "schemas", "State", "properties", "effects"), {"type": "object"}, "at /effects"),
        (("paths", PATH, "put", "responses", "200"), {"content": {"application/json": {"schema": False}}}, "at /"),
        (("components", "schemas", "Error", "properties", "StatusCode"), {"const": 4}, "400 breaks its schema"),
        (("paths", PATH, "put", "responses"), {"204": {}, "400": {}}, "status 200 is not documented"),
    ],
)
def test_a_document_that_is_broken(seeded: Emulator, steps: tuple[str, ...], to: Any, words: str) -> None:
    [outcome] = run(seeded, changed(*steps, to=to))
    assert any(words in text for text in outcome.findings), outcome.findings
    assert "broken" in driver.table([outcome])
    assert words in driver.table([outcome])


def test_an_operation_that_never_succeeds_was_not_tried(seeded: Emulator) -> None:
    nobodys = {"type": "object", "required": ["audiencesChanges"], "properties": {"audiencesChanges": {"const": 1}}}
    [outcome] = run(seeded, changed("components", "schemas", "Update", to=nobodys))
    assert any("no request succeeded" in text for text in outcome.findings)


def judge(**answers: Any) -> Judge:
    documented = Documented("x", "GET", "/x", (), None, False, {name.strip("_"): s for name, s in answers.items()})
    return Judge(Document("ours", OURS), documented)


@pytest.mark.parametrize(
    ("kind", "status", "body", "words"),
    [
        ("valid", 500, b"{}", "failure of the server"),
        ("valid", 501, b"{}", "failure of the server"),
        ("valid", 400, b"{}", "not documented"),
        ("body", 400, b"{}", ""),
        ("key", 401, b"{}", ""),
        ("key", 403, b"{}", "not documented"),
        ("path", 404, b"{}", ""),
        ("valid", 200, b"", "not JSON"),
        ("valid", 200, b"[]", "at /"),
        ("valid", 200, b"{}", ""),
        ("valid", 204, b"{}", "with a body"),
        ("valid", 204, b"", ""),
    ],
)
def test_the_judge(kind: str, status: int, body: bytes, words: str) -> None:
    found = judge(_200={"type": "object"}, _204=None, _404=None)
    complaints = found.complaints(Case(kind, "GET", "/x"), status, "application/json", body)
    assert bool(complaints) == bool(words)
    assert all(words in complaint.text for complaint in complaints)


def test_where_no_refusal_is_documented_the_general_ones_are_allowed() -> None:
    found = judge(_200=None)
    assert not found.complaints(Case("valid", "GET", "/x"), 409, "", b"")
    assert found.complaints(Case("valid", "GET", "/x"), 405, "", b"")
    assert found.complaints(Case("valid", "GET", "/x"), 201, "", b"")


def test_a_contradiction_is_excused_and_shown() -> None:
    found = judge(_200={"properties": {"loyaltyMemberships": {"type": "array"}}})
    answers = (b'{"loyaltyMemberships":null}', b'{"loyaltyMemberships":1}')
    excused = [found.complaints(Case("valid", "GET", "/x"), 200, "application/json", body) for body in answers]
    assert [[complaint.is_excused for complaint in complaints] for complaints in excused] == [[True], [False]]


@given(st.data())
def test_what_is_drawn_keeps_the_schema(data: st.DataObject) -> None:
    document = Document("ours", OURS)
    value = data.draw(Drawer(document, {}).values(EVERYTHING))
    assert jsonschema_rs.is_valid(document.standalone(EVERYTHING), value), value
    json.dumps(value)


@given(st.data())
def test_what_is_known_is_drawn_too(data: st.DataObject) -> None:
    drawer = Drawer(Document("ours", OURS), {"count": st.just(7)})
    counts = data.draw(st.lists(drawer.values(EVERYTHING), min_size=40, max_size=40))
    assert 7 in [value["count"] for value in counts]


def test_the_schemas_of_3_0_become_json_schema() -> None:
    old = {"nullable": True, "type": "integer", "minimum": 1, "exclusiveMinimum": True, "maximum": 3}
    root = {"openapi": "3.0.1", "paths": {}, "components": {"schemas": {"A": old, "B": {"$ref": "#/A", "type": "x"}}}}
    schemas = Document("old", root).root["components"]["schemas"]
    assert [jsonschema_rs.is_valid(schemas["A"], value) for value in (None, 1, 2, 3, 4)] == [
        True,
        False,
        True,
        True,
        False,
    ]
    assert schemas["B"] == {"$ref": "#/A"}


def test_documents_are_read_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "ours.json").write_text(json.dumps(OURS), "utf-8")
    (tmp_path / "notes.txt").write_text("no document", "utf-8")
    [document] = driver.read(tmp_path)
    assert [operation.id for operation in document.operations()] == ["update"]


@pytest.mark.skipif(not documents.paths(), reason=documents.NO_SPECS)
@pytest.mark.parametrize("path", documents.paths(), ids=lambda path: path.stem)
def test_the_emulator_keeps_the_documents(seeded: Emulator, path: Path) -> None:
    """A short run; `make conformance` is the long one and prints what came of each operation."""
    outcomes = run(seeded, documents.load(path))
    assert not any(outcome.findings for outcome in outcomes), driver.table(outcomes)
