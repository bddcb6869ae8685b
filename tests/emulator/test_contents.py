"""Snapshots, export and import: everything comes back as it was, and nothing of it is another deployment's."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator_support import Emulator, api_key, over_http
from talon_emulator.contents_document import Definitions
from talon_emulator.deployments import State


class Deployment:
    """A deployment of its own."""

    def __init__(self, client: httpx.Client) -> None:
        made = client.post(
            "/_emulator/deployments", json={"attributes": ATTRIBUTES, "applications": APPLICATIONS}
        ).json()
        self.client, self.name = client, made["deployment"]
        self.key = made["apiKeys"][0]["key"]

    def control(self, method: str, what: str, body: Any = None) -> httpx.Response:
        return self.client.request(method, f"/_emulator/{what}?deployment={self.name}", json=body)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return self.client.request(method, path, json=body, headers={**api_key(self.key), **headers})

    def update(self, name: str, attributes: Any, **more: Any) -> httpx.Response:
        return self.send("PUT", f"/v2/customer_profiles/{name}", {"attributes": attributes, **more})

    def export(self) -> Any:
        return self.control("GET", "export").json()


APPLICATIONS = [{"id": 1, "name": "one"}]
ATTRIBUTES = [{"name": "text", "type": "string"}, {"name": "number", "type": "number"}]


@pytest.fixture
def deployment(emulator: Emulator) -> Iterator[Deployment]:
    made = Deployment(emulator.client)
    yield made
    assert emulator.client.delete(f"/_emulator/deployments/{made.name}").status_code == 204


def filled(deployment: Deployment) -> None:
    audience = deployment.send("POST", "/v2/audiences", {"name": "a"}).json()["id"]
    deployment.update("u", {"text": "\x00ü", "number": 1}, audiencesChanges={"adds": [audience], "deletes": []})
    deployment.update("v/w", {"text": "b"})
    action = {"action": "add", "profileIntegrationId": "hidden", "audienceId": audience}
    deployment.send("POST", "/v2/customer_audiences", {"data": [action]})
    headers = {"idempotency-key": "k"}
    deployment.send("PUT", "/v2/customer_profiles/w", {"attributes": {}}, **headers)


def test_a_snapshot_brings_everything_back(deployment: Deployment) -> None:
    filled(deployment)
    before = deployment.export()
    assert deployment.control("POST", "snapshot", {"name": "full"}).status_code == 201
    deployment.update("u", {"text": "other"})
    deployment.update("new", {})
    deployment.send("DELETE", "/v2/audiences/1")
    assert deployment.control("POST", "reset").status_code == 200
    assert deployment.export()["profiles"] == []
    assert deployment.control("POST", "restore", {"name": "full"}).status_code == 200
    assert deployment.export() == before
    deployment.update("last", {})
    assert deployment.export()["profiles"][-1]["id"] == before["profiles"][-1]["id"] + 1
    audience = deployment.send("POST", "/v2/audiences", {"name": "b"}).json()["id"]
    assert audience == before["definitions"]["last_audience"] + 1


def test_snapshots_have_names(deployment: Deployment) -> None:
    for name in ("two", "one", "two"):
        assert deployment.control("POST", "snapshot", {"name": name}).status_code == 201
    assert deployment.control("GET", "snapshots").json()["snapshots"] == ["one", "two"]
    assert deployment.control("DELETE", "snapshots/two").status_code == 204
    missing = deployment.control("POST", "restore", {"name": "two"})
    assert (missing.status_code, missing.json()["error"]["hint"]) == (404, "there are: one")
    assert deployment.control("POST", "snapshot", {"name": "a b"}).status_code == 400


def test_a_snapshot_is_of_one_deployment(emulator: Emulator, deployment: Deployment) -> None:
    deployment.control("POST", "snapshot", {"name": "mine"})
    assert "mine" not in emulator.client.get("/_emulator/snapshots").json()["snapshots"]


def test_an_export_has_no_keys_and_imports_elsewhere_under_its_keys(emulator: Emulator, deployment: Deployment) -> None:
    filled(deployment)
    document = deployment.export()
    assert "fingerprint" not in str(document)
    assert deployment.key not in str(document)
    other = Deployment(emulator.client)
    other.update("gone", {})
    assert other.control("POST", "import", document).status_code == 200
    assert other.export() == document
    again = other.send("PUT", "/v2/customer_profiles/w", {"attributes": {"text": "x"}}, **{"idempotency-key": "k"})
    assert again.json()["customerProfile"]["attributes"] == {}
    emulator.client.delete(f"/_emulator/deployments/{other.name}")


@over_http
@given(
    values=st.fixed_dictionaries(
        {}, optional={"text": st.text(st.characters(exclude_categories=["Cs"])), "number": st.integers()}
    ),
    name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
)
def test_any_profile_comes_back(emulator: Emulator, values: dict[str, Any], name: str) -> None:
    deployment = Deployment(emulator.client)
    profiles = {"customerProfiles": [{"integrationId": name, "attributes": {}}]}
    deployment.send("PUT", "/v2/customer_profiles", profiles)
    document = deployment.export()
    document["profiles"][0]["attributes"] = values
    assert deployment.control("POST", "import", document).status_code == 200
    assert deployment.export() == document
    emulator.client.delete(f"/_emulator/deployments/{deployment.name}")


NOW = "2030-01-01T00:00:00.000000Z"
PROFILE = {"id": 1, "environment": "live", "integration_id": "u", "created": NOW, "last_activity": NOW}
SESSION = {"integrationId": "s", "applicationId": 1, "created": NOW, "updated": NOW}
RECORD = {"id": 1, "kind": "session", "application": 1, "key": "s", "profile": "", "created": NOW, "document": SESSION}
REST = {"description": "", "suggestions": [], "editable": True}
ATTRIBUTE = {
    "id": 1,
    "created": NOW,
    "entity": "CustomerProfile",
    "name": "text",
    "title": "text",
    "type": "string",
    **REST,
}

AUDIENCE = {"id": 1, "sandbox": False, "created": NOW, "name": "a", "integration": "i", "integration_id": "x"}


def with_profile(**members: Any) -> Any:
    """Return a document with a customer profile."""
    definitions = {"attributes": [ATTRIBUTE], "audiences": [AUDIENCE]}
    return {"format": 1, "definitions": definitions, "profiles": [{**PROFILE, **members}]}


def with_session(**members: Any) -> Any:
    """Return a document with a session."""
    return {"format": 1, "records": [{**RECORD, "document": {**SESSION, **members}}]}


def with_event(**members: Any) -> Any:
    """Return a document with an event."""
    event = {"key": "s", "applicationId": 1, "created": NOW, "type": "bought", **members}
    return {"format": 1, "records": [{**RECORD, "kind": "event", "document": event}]}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "/: "),
        ({"format": 2}, "/format: "),
        ({"format": 1, "profile": []}, "profile"),
        ({"format": 1, "profiles": [{**PROFILE, "environment": "test"}]}, "/profiles/0/environment: "),
        ({"format": 1, "profiles": [{**PROFILE, "attributes": 1}]}, "/profiles/0/attributes: "),
        ({"format": 1, "profiles": [PROFILE, PROFILE]}, "/profiles/1/id: 1 is there twice"),
        ({"format": 1, "profiles": [{**PROFILE, "audiences": [3]}]}, "/profiles/0/audiences: there is no audience 3"),
        ({"format": 1, "definitions": {"assumptions": {"x": "y"}}}, "/definitions/assumptions/x: there is no"),
        ({"format": 1, "definitions": {"last_audience": 10**40}}, "/definitions/last_audience: "),
        ({"format": 1, "definitions": {"last_audience": -9}}, "/definitions/last_audience: "),
        (
            {"format": 1, "baseline": {"attributes": [{**ATTRIBUTE, "name": "bad name!"}]}},
            "/baseline/attributes/0/name: ",
        ),
        ({"format": 1, "definitions": {"attributes": [{**ATTRIBUTE, "id": -5}]}}, "/definitions/attributes/0/id: "),
        ({"format": 1, "profiles": [{**PROFILE, "id": 2**70}]}, "/profiles/0/id: "),
        ({"format": 1, "profiles": [{**PROFILE, "created": "nonsense"}]}, "/profiles/0/created: 'nonsense' is no time"),
        ({"format": 1, "profiles": [{**PROFILE, "integration_id": ""}]}, "/profiles/0/integration_id: "),
        ({"format": 1, "profiles": [{**PROFILE, "attributes": {"text": 1}}]}, "/profiles/0/attributes/text: "),
        ({"format": 1, "records": [{**RECORD, "document": {}}]}, "/records/0/document: is no session"),
        ({"format": 1, "records": [{**RECORD, "kind": "event"}]}, "/records/0/document: is no event"),
        ({"format": 1, "records": [{**RECORD, "application": 2**70}]}, "/records/0/application: "),
        ({"format": 1, "records": [{**RECORD, "key": "other"}]}, "/records/0/document: has another key"),
        ({"format": 1, "records": [RECORD, RECORD]}, "/records/1/id: "),
        ({"format": 1, "records": [{**RECORD, "application": 9}]}, "/records/0/application: there is no Application 9"),
        (with_session(updated="nonsense"), "/records/0/document/updated: 'nonsense' is no time"),
        (with_session(cartItems=[{"sku": "s", "quantity": 1, "price": "x"}]), "/records/0/document/cartItems/0/price"),
        (with_session(additionalCosts={"a": {"price": []}}), "/records/0/document/additionalCosts/a/price"),
        (with_session(couponCodes=["c" * 101]), "/records/0/document: is no session"),
        (with_session(attributes={"unknown": 1}), "/records/0/document/attributes/unknown: "),
        (with_event(attributes={"unknown": 1}), "/records/0/document/attributes/unknown: "),
        (with_event(type=""), "/records/0/document/type: must not be empty"),
        ({"format": 1, "profiles": [{**PROFILE, "closed_sessions": 2**70}]}, "/profiles/0/closed_sessions: "),
        (with_profile(attributes={"text": None}), "/profiles/0/attributes/text: null is no value"),
        (with_profile(created="0000-01-01T00:00:00Z"), "/profiles/0/created: "),
        (with_profile(audiences=[1], environment="sandbox"), "/profiles/0/audiences: the audience 1 is of the other"),
        ({"format": 1, "definitions": {"attributes": [ATTRIBUTE, ATTRIBUTE]}}, "/definitions/attributes/1/id: 1 is"),
        (
            {"format": 1, "baseline": {"attributes": [ATTRIBUTE, {**ATTRIBUTE, "id": 2, "name": "b"}]}},
            "/baseline/attributes/1/title: ",
        ),
        (
            {"format": 1, "definitions": {"audiences": [{**AUDIENCE, "last_update": "2030-01-01T00:00:00"}]}},
            "/definitions/audiences/0/last_update: ",
        ),
        (
            {"format": 1, "definitions": {"audiences": [AUDIENCE, {**AUDIENCE, "id": 2}]}},
            "/definitions/audiences/1/integration_id: ",
        ),
    ],
)
def test_a_wrong_document_changes_nothing(deployment: Deployment, document: Any, said: str) -> None:
    filled(deployment)
    before = deployment.export()
    answer = deployment.control("POST", "import", document)
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]
    assert deployment.export() == before


def test_a_session_is_imported(deployment: Deployment) -> None:
    document = {"format": 1, "records": [RECORD]}
    assert deployment.control("POST", "import", document).status_code == 200
    exported = deployment.export()["records"]
    assert [(record["key"], record["document"]["updated"]) for record in exported] == [("s", NOW)]


def test_a_value_that_is_suggested_no_more_is_imported(deployment: Deployment) -> None:
    document = with_profile(attributes={"text": "old"})
    restricted = {**ATTRIBUTE, "suggestions": ["new"], "restrictedBySuggestions": True}
    document["definitions"]["attributes"] = [restricted]
    assert deployment.control("POST", "import", document).status_code == 200
    assert deployment.export()["profiles"][0]["attributes"] == {"text": "old"}


def test_applications_without_a_key_do_not_outlive_an_import(deployment: Deployment) -> None:
    more = [*deployment.export()["definitions"]["applications"]]
    more.append({**more[0], "id": 77})
    for applications, left in ((more, [1, 77]), ([], [1])):
        document = {"format": 1, "definitions": {"applications": applications}}
        assert deployment.control("POST", "import", document).json()["applications"] == left


def test_the_document_has_everything_of_a_state_that_opens_nothing() -> None:
    opening = {"api_keys", "management_keys", "users", "sessions"}
    assert set(Definitions.__struct_fields__) | opening == set(State.__struct_fields__)


def test_a_document_may_be_larger_than_a_request_to_talon_one(deployment: Deployment) -> None:
    document = deployment.export()
    document["profiles"] = [{**PROFILE, "attributes": {"text": "a" * 20_000_000}}]
    assert deployment.control("POST", "import", document).status_code == 200
    assert len(deployment.export()["profiles"][0]["attributes"]["text"]) == 20_000_000
