"""Keys of a deployment: listed without the keys, made and deleted at once and for good."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from emulator_support import SANDBOX_KEY, Emulator, api_key, management_key


@pytest.fixture
def made(emulator: Emulator) -> Iterator[Any]:
    """A deployment of its own, with one Application."""
    document = {"name": "keys", "applications": [{"id": 1, "name": "one"}]}
    yield emulator.client.post("/_emulator/deployments", json=document).json()
    assert emulator.client.delete("/_emulator/deployments/keys").status_code == 204


def create(emulator: Emulator, **document: Any) -> httpx.Response:
    return emulator.client.post("/_emulator/keys?deployment=keys", json=document)


def ping(emulator: Emulator, key: str) -> int:
    return emulator.client.get("/v2/authping", headers=api_key(key)).status_code


def listed(emulator: Emulator) -> list[dict[str, Any]]:
    keys: list[dict[str, Any]] = emulator.client.get("/_emulator/keys?deployment=keys").json()["keys"]
    return keys


def test_a_new_key_opens_at_once_and_after_a_reset(emulator: Emulator, made: Any) -> None:
    answer = create(emulator, application=1, title="fresh", platform="segment", expires="2040-01-01T00:00:00Z")
    assert answer.status_code == 201
    key = answer.json()
    assert (key["kind"], key["application"], key["platform"]) == ("integration", 1, "segment")
    assert (key["title"], key["expires"]) == ("fresh", "2040-01-01T00:00:00.000000Z")
    secret = key.pop("key")
    assert key in listed(emulator)
    assert secret not in str(listed(emulator))
    headers = {**api_key(secret), "destination-hostname": "localhost"}
    for _ in range(2):
        answer = emulator.client.put("/segment/v2/customer_profiles/u", json={"attributes": {}}, headers=headers)
        assert answer.status_code == 200
        assert emulator.client.post("/_emulator/reset?deployment=keys").status_code == 200


def test_a_new_key_may_be_chosen_and_is_nobodys_yet(emulator: Emulator, made: Any) -> None:
    chosen = "9f" * 32
    assert create(emulator, application=1, title="mine", key=chosen).json()["key"] == chosen
    assert ping(emulator, chosen) == 204
    for key in (chosen, SANDBOX_KEY, made["managementKeys"][0]["key"]):
        answer = create(emulator, application=1, title="again", key=key)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "key_taken")
        assert key not in answer.text
    assert ping(emulator, SANDBOX_KEY) == 204
    identity = next(key["id"] for key in listed(emulator) if key["title"] == "mine")
    assert emulator.client.delete(f"/_emulator/keys/{identity}?deployment=keys").status_code == 204
    assert ping(emulator, chosen) == 401
    assert create(emulator, application=1, title="mine", key=chosen).status_code == 201


def test_a_reset_has_the_application_of_a_new_key(emulator: Emulator, made: Any) -> None:
    document = emulator.client.get("/_emulator/export?deployment=keys").json()
    document["definitions"]["applications"].append({**document["definitions"]["applications"][0], "id": 77})
    assert emulator.client.post("/_emulator/import?deployment=keys", json=document).status_code == 200
    key = create(emulator, application=77, title="late").json()["key"]
    assert emulator.client.post("/_emulator/reset?deployment=keys").json()["applications"] == [1, 77]
    assert ping(emulator, key) == 204


def test_a_new_management_key_opens_its_endpoints(emulator: Emulator, made: Any) -> None:
    endpoints = [{"method": "GET", "path": "/v1/attributes"}]
    answer = create(emulator, kind="management", title="reader", endpoints=endpoints)
    assert answer.status_code == 201
    headers = management_key(answer.json()["key"])
    assert emulator.client.get("/v1/attributes", headers=headers).status_code == 200
    assert emulator.client.get("/v1/applications", headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "/: "),
        ({"title": "t"}, "application"),
        ({"application": 2, "title": "t"}, "/application: there is no such Application"),
        ({"application": 1, "title": ""}, "/title: "),
        ({"application": 1, "title": "t", "platform": "none at all"}, "/platform: "),
        ({"application": 1, "title": "t", "expires": "2040-01-01T00:00:00"}, "/expires: "),
        ({"application": 1, "title": "t", "key": "a b"}, "/key: "),
        ({"application": 1, "title": "t", "kind": "other"}, "/kind: "),
        ({"application": 1, "title": "t", "kind": "management"}, "application"),
    ],
)
def test_a_wrong_key_is_not_made(emulator: Emulator, made: Any, document: Any, said: str) -> None:
    before = listed(emulator)
    answer = emulator.client.post("/_emulator/keys?deployment=keys", json=document)
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]
    assert listed(emulator) == before


def test_a_deleted_key_opens_nothing(emulator: Emulator) -> None:
    made = emulator.client.post("/_emulator/deployments", json={"name": "keys"}).json()
    integration, manager = made["apiKeys"][0]["key"], made["managementKeys"][0]["key"]

    def statuses() -> tuple[int, int]:
        ping: httpx.Response = emulator.client.get("/v2/authping", headers=api_key(integration))
        listed: httpx.Response = emulator.client.get("/v1/attributes", headers=management_key(manager))
        return ping.status_code, listed.status_code

    keys = emulator.client.get("/_emulator/keys?deployment=keys").json()["keys"]
    assert integration not in str(keys)
    assert {(key["kind"], key["title"]) for key in keys} >= {
        ("integration", "Integration key"),
        ("management", "Management key"),
    }
    assert statuses() == (204, 200)
    first = next(key for key in keys if key["title"] == "Integration key")
    assert (first["application"], first["platform"], first["expires"]) == (1, "none", None)
    assert emulator.client.delete(f"/_emulator/keys/{first['id']}?deployment=keys").status_code == 204
    assert statuses() == (401, 200)
    again = emulator.client.delete(f"/_emulator/keys/{first['id']}?deployment=keys")
    assert (again.status_code, again.json()["error"]["code"]) == (404, "unknown_key")
    second = next(key for key in keys if key["kind"] == "management")
    assert emulator.client.delete(f"/_emulator/keys/{second['id']}?deployment=keys").status_code == 204
    assert emulator.client.post("/_emulator/reset?deployment=keys").status_code == 200
    assert statuses() == (401, 401)
    assert emulator.client.delete("/_emulator/deployments/keys").status_code == 204
