"""The emulator keeps Talon.One's rules, and its messages are valid under the schemas."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given

from contracts_support import DEFINITIONS, MANAGEMENT_KEY, SETTINGS, bench
from talon_contracts import schemas, vectors
from talon_contracts.checks import CHECKS, Check
from talon_contracts.exact_json import Json, Object, encode
from talon_contracts.strategies import names_of
from talon_contracts.strategies.updates import Update
from talon_contracts.targets import Bench, Connection
from talon_contracts.trial import run
from talon_contracts.value_types import ATTRIBUTE_TYPES
from talon_contracts.vectors import Vector
from talon_contracts.verdicts import Kept

OF_TALON_ONE = [check for check in CHECKS.values() if check.target == "talon_one"]
NAMES = names_of(SETTINGS, DEFINITIONS)
MANAGEMENT = {"Authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}", "Content-Type": "application/json"}


@pytest.fixture(scope="module")
def deployment(talon_one_url: str) -> Iterator[Bench]:
    with bench(talon_one_url) as made:
        yield made


@pytest.fixture(scope="module")
def attribute_of(talon_one_url: str) -> dict[str, str]:
    """A new attribute of each type: type to name."""
    connection = Connection(talon_one_url)
    names: dict[str, str] = {}
    for number, attribute_type in enumerate(ATTRIBUTE_TYPES):
        names[attribute_type] = f"vector_{number}"
        definition: Object = {
            "entity": "CustomerProfile",
            "name": names[attribute_type],
            "title": f"Vector {number}",
            "type": attribute_type,
            "description": "",
            "suggestions": [],
            "editable": True,
        }
        reply = connection.request("POST", "/v1/attributes", MANAGEMENT, encode(definition))
        assert reply.status == 201, reply
        assert schemas.validator("talon-attribute-definition").is_valid(reply.json())
    connection.close()
    return names


@pytest.mark.parametrize("check", OF_TALON_ONE, ids=lambda check: check.name)
def test_keeps(check: Check, deployment: Bench) -> None:
    verdict = run(check, deployment)
    assert isinstance(verdict, Kept), verdict


@pytest.mark.parametrize("vector", vectors.load("attribute_values"), ids=lambda vector: vector.id)
def test_attribute_values(vector: Vector, deployment: Bench, attribute_of: dict[str, str]) -> None:
    given: Any = vector.input
    user_id, attributes = deployment.tag(), {attribute_of[given["type"]]: given["value"]}
    reply = deployment.talon_one.update(user_id, attributes)
    assert reply.status == (200 if vector.expected else 400)
    assert deployment.talon_one.profile(user_id) == (attributes if vector.expected else None)


def test_answers_are_valid_under_their_schemas(deployment: Bench) -> None:
    @given(CHECKS["ATT-1 at Talon.One"].strategy(NAMES))
    def answers(update: Update) -> None:
        reply = deployment.talon_one.update(deployment.tag(), update.second)
        name = {200: "talon-profile-answer", 400: "talon-error"}[reply.status]
        assert [error.message for error in schemas.validator(name).iter_errors(reply.json())] == []

    answers()


@pytest.mark.parametrize("key", ["", "ApiKey-v1 wrong", "Bearer x"])
def test_rejected_keys_get_an_error_of_that_shape(key: str, deployment: Bench) -> None:
    reply = deployment.talon_one.update("u", {"name": "A"}, authorization=key)
    assert reply.status == 401
    assert schemas.validator("talon-error").is_valid(reply.json())


def test_definitions_are_valid_under_their_schema(talon_one_url: str) -> None:
    connection = Connection(talon_one_url)
    reply = connection.request("GET", "/v1/attributes?entity=CustomerProfile", MANAGEMENT)
    connection.close()
    document: Any = reply.json()
    custom: list[Json] = [each for each in document["data"] if each["name"] in DEFINITIONS]
    assert len(custom) == len(DEFINITIONS)
    validator = schemas.validator("talon-attribute-definition")
    assert [error.message for definition in custom for error in validator.iter_errors(definition)] == []
