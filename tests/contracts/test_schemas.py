"""The schemas accept what libraries and Talon.One really send, and refuse other shapes."""

import re
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from contracts_support import DEFINITIONS, SETTINGS
from talon_contracts import schemas
from talon_contracts.exact_json import Object
from talon_contracts.oracle import Refused, Sent, apply, expected_request
from talon_contracts.strategies import Case, histories, identifies, names_of

NAMES = names_of(SETTINGS, DEFINITIONS)

PYTHON_LIBRARY = {
    "integrations": {},
    "anonymousId": None,
    "timestamp": "2024-01-02T03:04:05.123456+00:00",
    "context": {"library": {"name": "analytics-python", "version": "2.4.0"}},
    "type": "identify",
    "userId": "u",
    "traits": {"email": "a@example.com", "age": 3, "address": {"city": "Berlin"}, "tags": ["a"], "gone": None},
    "messageId": "6f1c0b52-6a0f-4c1d-9d9e-3c1f7a0b1c2d",
}
NODE_LIBRARY = {
    "type": "identify",
    "userId": "u",
    "traits": {"email": "a@example.com"},
    "context": {"library": {"name": "@segment/analytics-node", "version": "3.1.0"}},
    "integrations": {},
    "timestamp": "2024-01-02T03:04:05.123Z",
    "messageId": "node-next-1714765370066-0e6b8f1e-6b1f-4c52-8f0e-2d1b6f0f6a11",
    "_metadata": {"nodeVersion": "20.1.0", "jsRuntime": "node"},
}
ENGAGE_AUDIENCE = {
    "context": {
        "integrations": {"personas": False},
        "library": {"name": "unknown", "version": "unknown"},
        "personas": {
            "computation_class": "audience",
            "computation_id": "aud_2fZ6lmpD5SkGRzWYp0VYHCk3hJx",
            "computation_key": "order_completed_last_30days",
            "namespace": "spa_9nXhW2cDkq4yZQm8pLtJvR",
            "space_id": "spa_9nXhW2cDkq4yZQm8pLtJvR",
        },
    },
    "integrations": {"All": False, "Talon_One": True, "Warehouses": {"all": False}},
    "messageId": "personas_2fZ6lmpD5SkGRzWYp0VYHCk3hJy",
    "originalTimestamp": "2024-05-03T19:42:50.066179717Z",
    "receivedAt": "2024-05-03T19:42:59.762Z",
    "sentAt": None,
    "timestamp": "2024-05-03T19:42:50.066Z",
    "traits": {"order_completed_last_30days": True, "email": "x@example.com"},
    "type": "identify",
    "userId": "u",
    "writeKey": "wk",
}
ENGAGE_TRAIT = {
    **ENGAGE_AUDIENCE,
    "context": {"personas": {"computation_class": "trait", "computation_key": "lifetime_value"}},
    "traits": {"lifetime_value": None},
}
DELETE: dict[str, Any] = {
    "type": "delete",
    "channel": "server",
    "messageId": "delete-6f1c0b52-6a0f-4c1d-9d9e-3c1f7a0b1c2d",
    "userId": "u",
    "context": [],
    "integrations": [],
}
DEFINITION: dict[str, Any] = {
    "entity": "CustomerProfile",
    "name": "address_city",
    "title": "Address city",
    "type": "string",
    "description": "",
    "suggestions": [],
    "editable": True,
}
PROFILE: dict[str, Any] = {
    "id": 7,
    "created": "2024-01-02T03:04:05.123456Z",
    "integrationId": "u",
    "attributes": {"email": "a", "tags": ["a"], "spot": {"format": "point", "object": "5, 7.2"}},
    "accountId": 1,
    "closedSessions": 0,
    "totalSales": 0,
    "lastActivity": "2024-01-02T03:04:05Z",
    "loyaltyMemberships": None,
    "audienceMemberships": [],
    "sandbox": True,
}
ANSWER: dict[str, Any] = {"effects": [], "createdCoupons": [], "createdReferrals": [], "customerProfile": PROFILE}
PROBLEM: dict[str, Any] = {"title": "Unknown", "details": "…", "source": {"pointer": "/attributes/vip"}}


def without(document: dict[str, Any], member: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != member}


ACCEPTED: list[tuple[str, Any]] = [
    ("segment-identify", PYTHON_LIBRARY),
    ("segment-identify", NODE_LIBRARY),
    ("segment-identify", ENGAGE_AUDIENCE),
    ("segment-identify", {"userId": "u"}),
    ("segment-identify", {"userId": None, "anonymousId": "a", "traits": None, "context": None, "integrations": None}),
    ("segment-identify", {"userId": "u", "timestamp": "2015-2-02T00:30:08.276Z", "email": "x", "projectId": "p"}),
    ("segment-batch", {"batch": [PYTHON_LIBRARY], "sentAt": "2024-01-02T03:04:06.000001+00:00", "writeKey": "wk"}),
    ("segment-batch", {"batch": [NODE_LIBRARY, {"type": "track", "event": "x", "properties": {}}], "timestamp": "x"}),
    ("segment-batch", {"batch": [{**DELETE, "type": each} for each in ("delete", "Identify", "x")]}),
    ("segment-batch", {"batch": [{"type": "track"}] * 2500}),
    ("segment-identify", {"userId": "u", "messageId": "é" * 100}),
    ("segment-identify", {"userId": "u", "messageId": ""}),
    ("segment-batch", {"batch": [], "context": {}, "integrations": {"All": True}}),
    ("engage-audience-identify", ENGAGE_AUDIENCE),
    ("engage-audience-identify", {**ENGAGE_AUDIENCE, "userId": None, "anonymousId": "a"}),
    ("engage-audience-identify", {**ENGAGE_AUDIENCE, "traits": {"order_completed_last_30days": False}}),
    ("engage-trait-identify", ENGAGE_TRAIT),
    ("talon-attribute-definition", DEFINITION),
    ("talon-attribute-definition", {**DEFINITION, "id": 1, "created": "2024-01-02T03:04:05Z", "accountId": 1}),
    ("talon-attribute-definition", {**DEFINITION, "type": "(list location)", "title": "A.b (c) ~*'!-_"}),
    ("talon-profile-update", {}),
    ("talon-profile-update", {"attributes": {"a": 1, "b": ["x", ""], "c": None, "d": True}}),
    ("talon-profile-update", {"audiencesChanges": {"adds": [], "deletes": [1]}}),
    ("talon-profile-update", {"attributes": {"a": [], "b": [1, 2.5], "c": PROFILE["attributes"]["spot"]}}),
    ("talon-profile-update", {"evaluableCampaignIds": [1], "responseContent": ["customerProfile"]}),
    ("talon-profile-answer", ANSWER),
    ("talon-profile-answer", without(ANSWER, "customerProfile")),
    ("talon-error", {"message": "The submitted data was invalid", "errors": [PROBLEM]}),
    ("talon-error", {"message": "Invalid API key", "errors": [], "StatusCode": 401}),
]
REFUSED: list[tuple[str, Any]] = [
    ("segment-identify", []),
    ("segment-identify", "identify"),
    ("segment-identify", {"type": "track"}),
    ("segment-identify", {"userId": 42}),
    ("segment-identify", {"userId": "u", "traits": []}),
    ("segment-identify", {"userId": "u", "traits": "x"}),
    ("segment-identify", {"userId": "u", "context": []}),
    ("segment-identify", {"userId": "u", "integrations": "all"}),
    ("segment-identify", {"userId": "u", "timestamp": 1714765370}),
    ("segment-identify", {"userId": "u", "messageId": 1}),
    ("segment-identify", {"userId": "u", "messageId": "x" * 101}),
    ("segment-identify", {"userId": "u", "type": ""}),
    ("segment-batch", {}),
    ("segment-batch", {"batch": {}}),
    ("segment-batch", {"batch": [1]}),
    ("segment-batch", {"batch": [{"userId": "u"}]}),
    ("segment-batch", {"batch": [{"type": ""}]}),
    ("segment-batch", {"batch": [{"type": None}]}),
    ("segment-batch", {"batch": [{"type": "track"}] * 2501}),
    ("segment-batch", {"batch": [{**DELETE, "userId": 1}]}),
    *(
        ("segment-batch", {"batch": [{**DELETE, "type": each, member: []}]})
        for each in ("identify", "track", "page", "screen", "group", "alias")
        for member in ("context", "integrations", "traits")
    ),
    ("segment-batch", {"batch": [{"type": "identify", "traits": []}]}),
    ("engage-audience-identify", PYTHON_LIBRARY),
    ("engage-audience-identify", ENGAGE_TRAIT),
    ("engage-audience-identify", {**ENGAGE_AUDIENCE, "traits": {"order_completed_last_30days": "true"}}),
    ("engage-audience-identify", {**ENGAGE_AUDIENCE, "traits": {"email": "x", "score": 1}}),
    ("engage-audience-identify", {**ENGAGE_AUDIENCE, "traits": {}}),
    ("engage-audience-identify", {**ENGAGE_AUDIENCE, "traits": None}),
    ("engage-audience-identify", without(ENGAGE_AUDIENCE, "traits")),
    ("engage-trait-identify", ENGAGE_AUDIENCE),
    ("engage-trait-identify", {**ENGAGE_TRAIT, "traits": {}}),
    ("engage-trait-identify", {**ENGAGE_TRAIT, "traits": None}),
    ("engage-trait-identify", without(ENGAGE_TRAIT, "traits")),
    *(("talon-attribute-definition", without(DEFINITION, member)) for member in DEFINITION),
    ("talon-attribute-definition", {**DEFINITION, "name": "30_day_buyers"}),
    ("talon-attribute-definition", {**DEFINITION, "name": "name\n"}),
    ("talon-attribute-definition", {**DEFINITION, "name": "größe"}),
    ("talon-attribute-definition", {**DEFINITION, "name": ""}),
    ("talon-attribute-definition", {**DEFINITION, "title": "30 day buyers"}),
    ("talon-attribute-definition", {**DEFINITION, "type": "list string"}),
    ("talon-attribute-definition", {**DEFINITION, "type": "(list boolean)"}),
    ("talon-attribute-definition", {**DEFINITION, "entity": "customerProfile"}),
    ("talon-attribute-definition", {**DEFINITION, "suggestions": [""]}),
    ("talon-profile-update", []),
    ("talon-profile-update", {"attributes": None}),
    ("talon-profile-update", {"attributes": {"a": {}}}),
    ("talon-profile-update", {"attributes": {"a": [[]]}}),
    ("talon-profile-update", {"attributes": {"a": [True]}}),
    ("talon-profile-update", {"attributes": {"a": [None]}}),
    ("talon-profile-update", {"attributes": {"a": ["x", 1]}}),
    ("talon-profile-update", {"attributes": {}, "integrationId": "u"}),
    ("talon-profile-update", {"attributes": {}, "runRuleEngine": True}),
    ("talon-profile-update", {"audiencesChanges": {}}),
    ("talon-profile-update", {"audiencesChanges": {"adds": [1], "deletes": [], "add": [1]}}),
    ("talon-profile-update", {"attributes": {"a": {"format": "point", "object": "Berlin"}}}),
    ("talon-attribute-definition", {**DEFINITION, "eventType": "x"}),
    ("talon-attribute-definition", {**DEFINITION, "allowedSubscriptions": ["catalog"]}),
    ("segment-batch", {"batch": [{"type": "x", "traits": []}]}),
    ("segment-batch", {"batch": [{"type": "x", "context": [1]}]}),
    ("talon-profile-update", {"audiencesChanges": {"adds": ["1"], "deletes": []}}),
    ("talon-profile-answer", {}),
    ("talon-profile-answer", {**ANSWER, "effects": None}),
    ("talon-profile-answer", {**ANSWER, "customerProfile": {**PROFILE, "attributes": {"email": None}}}),
    ("talon-profile-answer", {**ANSWER, "customerProfile": {**PROFILE, "created": "2024-01-02"}}),
    ("talon-profile-answer", {**ANSWER, "customerProfile": {**PROFILE, "integrationId": ""}}),
    *(
        ("talon-profile-answer", {**ANSWER, "customerProfile": without(PROFILE, member)})
        for member in ("id", "integrationId", "attributes", "lastActivity")
    ),
    ("talon-error", {"errors": []}),
    ("talon-error", {"message": ""}),
    ("talon-error", {"message": "m", "errors": [{**PROBLEM, "source": {}}]}),
    ("talon-error", {"message": "m", "errors": [{**PROBLEM, "source": {"pointer": "/a", "line": "1"}}]}),
    ("talon-error", {"message": "m", "errors": [{**PROBLEM, "source": {"pointer": "attributes"}}]}),
    ("talon-error", {"message": "m", "StatusCode": "400"}),
    ("talon-error", {"StatusCode": 400, "Error": "x", "RequestUUID": "y"}),
]


@pytest.mark.parametrize("name", schemas.names())
def test_schema_is_in_order(name: str) -> None:
    schema = schemas.load(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"{schemas.BASE}{name}.json"
    assert schema["title"]
    assert name in ("definitions", "vector-file") or re.search(r"\([A-Z]+-[0-9]", schema["description"])


@pytest.mark.parametrize(("name", "instance"), ACCEPTED)
def test_accepted(name: str, instance: Any) -> None:
    assert [error.message for error in schemas.validator(name).iter_errors(instance)] == []


@pytest.mark.parametrize(("name", "instance"), REFUSED)
def test_refused(name: str, instance: Any) -> None:
    assert not schemas.validator(name).is_valid(instance)


@pytest.mark.parametrize("name", [name for name in schemas.names() if name != "definitions"])
def test_both_validators_agree(name: str) -> None:
    for _, instance in ACCEPTED + REFUSED:
        assert (schemas.problems(name, instance) == ()) == schemas.validator(name).is_valid(instance)


def test_problems_say_what_and_where() -> None:
    update = {"attributes": {"age": [True], "big": 10**30, "exact": Decimal("1.10")}, "x": 1}
    value, unknown = sorted(schemas.problems("talon-profile-update", update))
    assert value.startswith("/attributes/age: ")
    assert re.match(r": .*'x'", unknown)


@given(identifies(NAMES))
def test_drawn_events_are_well_formed_and_so_is_what_becomes_of_them(event: Object) -> None:
    assert schemas.problems("segment-batch", {"batch": [event]}) == ()
    request = expected_request(event, SETTINGS)
    if isinstance(request, Sent):
        refused = isinstance(apply(None, request.attributes, DEFINITIONS), Refused)
        # A list that no attribute can take is sent all the same (MAP-5), and Talon.One refuses it (ATT-2).
        assert refused or schemas.problems("talon-profile-update", {"attributes": request.attributes}) == ()


@given(histories(NAMES))
def test_drawn_requests_are_well_formed(case: Case) -> None:
    for path, body in case.requests("tag"):
        name = "segment-batch" if path == "/v1/batch" else "segment-identify"
        assert schemas.problems(name, body) == ()


def test_unknown_schema_is_named() -> None:
    with pytest.raises(KeyError, match="segment-identity"):
        schemas.load("segment-identity")


def test_importing_the_schemas_imports_nothing_heavy() -> None:
    heavy = {"jsonschema", "jsonschema_rs", "referencing", "httpx", "hypothesis", "aiohttp", "starlette"}
    program = f"import sys; from talon_contracts import rules, schemas, vectors; print({heavy} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"
