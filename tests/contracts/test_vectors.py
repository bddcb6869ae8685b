"""The vectors are well-formed, and the oracle agrees with every one."""

from decimal import Decimal
from typing import Any

import pytest

from talon_contracts import schemas, vectors
from talon_contracts.exact_json import Json, same_json
from talon_contracts.oracle import (
    DestinationSettings,
    NotSent,
    audience_key,
    audience_problem,
    expected_request,
    flatten,
)
from talon_contracts.value_types import accepts_value
from talon_contracts.vectors import Vector


def of(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", vectors.load(name), ids=lambda vector: vector.id)


@pytest.mark.parametrize("name", vectors.names())
def test_file_is_well_formed(name: str) -> None:
    document = vectors.document(name)
    assert [error.message for error in schemas.validator("vector-file").iter_errors(document)] == []
    ids = [case["id"] for case in document["cases"]]
    assert len(ids) == len(set(ids))


def test_the_files() -> None:
    assert vectors.names() == ("attribute_values", "audience_key", "flatten", "mapping")
    with pytest.raises(KeyError, match="mappings"):
        vectors.load("mappings")


def test_numbers_written_as_text_become_exact() -> None:
    (vector,) = [vector for vector in vectors.load("flatten") if vector.id == "big-numbers"]
    expected: Json = [["a", 2**53 + 1], ["b", 10**30], ["c", Decimal("0.1")], ["d_e", Decimal("1.0")]]
    assert same_json(vector.expected, expected)


@of("flatten")
def test_flatten(vector: Vector) -> None:
    assert same_json([[leaf.name, leaf.value] for leaf in flatten(vector.input)], vector.expected)


@of("audience_key")
def test_audience_key(vector: Vector) -> None:
    given: Any = vector.input
    key = audience_key(given["name"])
    assert {"key": key, "problem": audience_problem(key, given["others"])} == vector.expected


@of("mapping")
def test_mapping(vector: Vector) -> None:
    given: Any = vector.input
    settings = DestinationSettings(
        frozenset(given["settings"]["custom_attributes"]), given["settings"]["client_side_sources"]
    )
    request = expected_request(given["event"], settings)
    withheld: list[Json] = [
        {"path": [*each.leaf.path], "name": each.leaf.name, "rule": each.rule} for each in request.withheld
    ]
    outcome: dict[str, Json] = {"withheld": withheld}
    if isinstance(request, NotSent):
        outcome["not_sent"] = request.rule
    else:
        outcome["sent"] = {"integrationId": request.integration_id, "attributes": request.attributes}
    assert same_json(outcome, vector.expected)


@of("attribute_values")
def test_attribute_values(vector: Vector) -> None:
    given: Any = vector.input
    assert accepts_value(given["type"], given["value"]) is vector.expected
