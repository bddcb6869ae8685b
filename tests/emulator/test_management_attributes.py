"""Attributes in the Management API: which of them are listed, and the values that a list allows."""

from typing import Any

import httpx
import pytest

from emulator_support import MANAGEMENT_KEY, Emulator, management_key

NEW: dict[str, Any] = {
    "entity": "CustomerProfile",
    "name": "sku",
    "title": "SKU",
    "type": "string",
    "description": "",
    "suggestions": [],
    "editable": True,
}


def create(emulator: Emulator, **members: Any) -> int:
    answer = emulator.manage("POST", "/v1/attributes", NEW | members)
    assert answer.status_code == 201, answer.text
    number: int = answer.json()["id"]
    return number


def upload(emulator: Emulator, attribute: int, text: str) -> httpx.Response:
    path = f"/v1/attributes/{attribute}/allowed_list/import"
    return emulator.client.post(path, files={"upFile": text.encode()}, headers=management_key(MANAGEMENT_KEY))


def listed(emulator: Emulator, query: str, key: str = MANAGEMENT_KEY) -> list[str]:
    answer = emulator.client.get(f"/v1/attributes{query}", headers=management_key(key))
    assert answer.status_code == 200, answer.text
    return [attribute["name"] for attribute in answer.json()["data"]]


def assuming(emulator: Emulator, **assumptions: str) -> str:
    """Make a deployment that answers open questions so, and return its Management key."""
    made = emulator.client.post("/_emulator/deployments", json={"assumptions": assumptions})
    assert made.status_code == 201, made.text
    key: str = made.json()["managementKeys"][0]["key"]
    return key


def test_by_applications_those_connected_are_listed_unless_assumed_otherwise(emulator: Emulator) -> None:
    key = assuming(emulator, **{"attributes-of-applications": "ignore"})
    new = NEW | {"entity": "Coupon", "subscribedApplicationsIds": [7]}
    assert emulator.client.post("/v1/attributes", json=new, headers=management_key(key)).status_code == 201
    assert listed(emulator, "?entity=Coupon&applicationIds=1", key) == ["sku"]
    key = MANAGEMENT_KEY
    for name, connected in (("everywhere", []), ("here", [1, 3]), ("there", [7])):
        new = NEW | {"name": name, "title": name, "entity": "Coupon", "subscribedApplicationsIds": connected}
        assert emulator.client.post("/v1/attributes", json=new, headers=management_key(key)).status_code == 201
    assert listed(emulator, "?entity=Coupon&applicationIds=1,2", key) == ["everywhere", "here"]
    assert listed(emulator, "?entity=Coupon&applicationIds=7", key) == ["everywhere", "there"]
    assert listed(emulator, "?entity=Coupon", key) == ["everywhere", "here", "there"]
    assert listed(emulator, "?entity=Coupon&applicationIds=", key) == ["everywhere", "here", "there"]


def test_loyalty_programs_go_with_loyalty_cards(emulator: Emulator) -> None:
    create(emulator, entity="LoyaltyCard")
    assert listed(emulator, "?entity=LoyaltyCard") == ["sku"]
    assert listed(emulator, "?entity=LoyaltyCard&loyaltyProgramIds=1,2") == []
    for query in ("?loyaltyProgramIds=1", "?entity=LoyaltyCard&loyaltyProgramIds=a", "?applicationIds=1,,2"):
        assert emulator.manage("GET", f"/v1/attributes{query}").status_code == 400


def test_an_import_replaces_the_list(emulator: Emulator) -> None:
    number = create(emulator, restrictedBySuggestions=True, suggestions=["old"])
    assert emulator.update("u", {"sku": "old"}).status_code == 200
    imported = upload(emulator, number, "item\nA-1\nX\n").json()
    assert imported["id"] == 1
    assert upload(emulator, number, 'item\nA-1\n"B,2"\nA-1\n').json()["amount"] == 2
    assert emulator.manage("GET", f"/v1/attributes/{number}").json()["hasAllowedList"] is True
    assert emulator.update("u", {"sku": "B,2"}).status_code == 200
    refused = emulator.update("u", {"sku": "old"})
    assert refused.status_code == 400
    assert refused.json()["errors"] == [
        {
            "title": "enum",
            "details": "sku must be in the allowed list of the attribute",
            "source": {"pointer": "/attributes/sku"},
        }
    ]
    assert upload(emulator, number, "item\nC\n").json()["amount"] == 1
    assert emulator.update("u", {"sku": "B,2"}).status_code == 400
    assert emulator.update("u", {"sku": "C"}).status_code == 200
    assert emulator.update("u", {"sku": None}).status_code == 200
    assert upload(emulator, number, "item\n").json()["amount"] == 0
    assert emulator.update("u", {"sku": "old"}).status_code == 200


def test_an_import_survives_an_update_of_the_definition(emulator: Emulator) -> None:
    number = create(emulator, restrictedBySuggestions=True)
    upload(emulator, number, "item\nA\n")
    path = f"/v1/attributes/{number}"
    emulator.manage("PUT", path, NEW | {"description": "new", "restrictedBySuggestions": True, "hasAllowedList": True})
    assert (emulator.update("u", {"sku": "A"}).status_code, emulator.update("u", {"sku": "B"}).status_code) == (
        200,
        400,
    )
    emulator.manage("PUT", path, NEW | {"description": "newer", "hasAllowedList": False})
    assert emulator.update("u", {"sku": "B"}).status_code == 400


def test_a_client_changes_the_description_only(emulator: Emulator) -> None:
    members = {"restrictedBySuggestions": True, "suggestions": ["a"], "subscribedApplicationsIds": [1]}
    number = create(emulator, **members)
    path = f"/v1/attributes/{number}"
    before = emulator.manage("GET", path).json()
    changed = emulator.manage("PUT", path, NEW | {"description": "new", "title": "Other", "editable": False})
    assert changed.json() == before | {"description": "new"}
    assert emulator.manage("GET", path).json() == changed.json()
    assert emulator.manage("PUT", path, NEW | {"eventType": ""}).status_code == 200
    refused = emulator.manage("PUT", path, NEW | {"eventType": "visit"})
    assert (refused.status_code, refused.json()["errors"][0]["source"]) == (400, {"pointer": "/eventType"})
    assert emulator.manage("PUT", path, NEW | {"title": "1"}).status_code == 400


def test_what_is_left_out_of_an_update_stays(emulator: Emulator) -> None:
    key = management_key(assuming(emulator, **{"updated-attribute": "all"}))
    full = NEW | {"hasAllowedList": True, "restrictedBySuggestions": True, "subscribedCatalogsIds": [3]}
    made = emulator.client.post("/v1/attributes", json=full, headers=key).json()
    path = f"/v1/attributes/{made['id']}"
    changed = emulator.client.put(path, json=NEW | {"title": "New", "suggestions": ["b"]}, headers=key)
    assert changed.json() == made | {"title": "New", "suggestions": ["b"]}
    changed = emulator.client.put(path, json=NEW | {"restrictedBySuggestions": False}, headers=key)
    assert changed.json() == made | {"restrictedBySuggestions": False}


def test_a_taken_name_has_one_status_wherever_it_is_given(emulator: Emulator) -> None:
    chosen = {"taken-attribute": "400", "updated-attribute": "all"}
    made = emulator.client.post("/_emulator/deployments", json={"assumptions": chosen}).json()
    key = management_key(made["managementKeys"][0]["key"])
    integration = {"Authorization": f"ApiKey-v1 {made['apiKeys'][0]['key']}"}

    def post(**members: Any) -> httpx.Response:
        return emulator.client.post("/v1/attributes", json=NEW | members, headers=key)

    assert post().status_code == 201
    other = post(name="other", title="Other").json()
    assert post().status_code == 400
    path = f"/v1/attributes/{other['id']}"
    assert emulator.client.put(path, json=NEW | {"name": "other"}, headers=key).status_code == 400
    several = {"attributes": [NEW | {"name": "third"}]}
    many = emulator.client.put("/v2/integration/multiple_attributes", json=several, headers=integration)
    assert (many.status_code, many.json()["errors"][0]["source"]) == (400, {"pointer": "/attributes/0/title"})


@pytest.mark.parametrize(
    ("members", "place"),
    [
        ({"eventType": "visit"}, "/eventType"),
        ({"allowedSubscriptions": ["catalog"]}, "/allowedSubscriptions"),
        ({"entity": "Event", "allowedSubscriptions": ["catalog"]}, "/allowedSubscriptions"),
        ({"subscribedApplicationsIds": [1, 2, 1]}, "/subscribedApplicationsIds/2"),
    ],
)
def test_members_that_do_not_belong_are_refused(emulator: Emulator, members: dict[str, Any], place: str) -> None:
    refused = emulator.manage("POST", "/v1/attributes", NEW | members)
    assert refused.status_code == 400
    assert [problem["source"] for problem in refused.json()["errors"]] == [{"pointer": place}]


def test_an_event_type_has_one_number(emulator: Emulator) -> None:
    def number(name: str, kind: str) -> int:
        new = NEW | {"entity": "Event", "name": name, "title": name, "eventType": kind}
        made = emulator.manage("POST", "/v1/attributes", new).json()
        assert emulator.manage("GET", f"/v1/attributes/{made['id']}").json() == made
        given: int = made["eventTypeId"]
        return given

    first, other = number("first", "one"), number("second", "two")
    assert number("third", "one") == first != other == number("fourth", "two")
    assert "eventTypeId" not in emulator.manage("GET", "/v1/attributes/1").json()
    assert (
        emulator.manage("POST", "/v1/attributes", NEW | {"entity": "Event"})
        .json()
        .keys()
        .isdisjoint(("eventType", "eventTypeId"))
    )


@pytest.mark.parametrize(
    ("members", "details"),
    [
        ({"hasAllowedList": True}, "sku is restricted to values, but its allowed list has no values yet; import one"),
        ({}, "sku is restricted to values, but it has no suggestions"),
    ],
)
def test_a_value_where_none_is_allowed_yet(emulator: Emulator, members: dict[str, Any], details: str) -> None:
    create(emulator, restrictedBySuggestions=True, **members)
    refused = emulator.update("u", {"sku": "A"})
    assert (refused.status_code, refused.json()["errors"][0]["details"]) == (400, details)


def test_a_key_for_one_application_sees_the_whole_deployment(emulator: Emulator) -> None:
    confined = {"name": "m", "key": "f" * 64, "applications": [1]}
    document = {
        "name": "confined",
        "applications": [{"id": 1, "name": "a"}, {"id": 2, "name": "b", "environment": "live"}],
        "management_keys": [confined],
    }
    assert emulator.client.post("/_emulator/deployments", json=document).status_code == 201
    headers = management_key("f" * 64)

    def status(path: str) -> int:
        return emulator.client.get(path, headers=headers).status_code

    assert status("/v1/applications/2/customers") == 403
    assert (status("/v1/applications/1/customers"), status("/v1/customers/no_total")) == (200, 200)
    assert emulator.client.delete("/_emulator/deployments/confined").status_code == 204


@pytest.mark.parametrize(
    ("kind", "items", "good", "bad"),
    [
        ("number", "1.50\n7\nx\n", [1.5, 7, 7.0], [8, 1.51]),
        ("boolean", "true\n", [True], [False]),
        ("time", "2030-01-01T00:00:00Z\n", ["2030-01-01T00:00:00Z"], ["2030-01-01T00:00:01Z"]),
        ("(list string)", "a\nb\n", [[], ["a"], ["b", "a"]], [["a", "c"]]),
        ("(list number)", "1\n2\n", [[1, 2.0]], [[1, 3]]),
    ],
)
def test_values_of_each_type(emulator: Emulator, kind: str, items: str, good: list[Any], bad: list[Any]) -> None:
    number = create(emulator, type=kind, restrictedBySuggestions=True)
    assert upload(emulator, number, f"item\n{items}").status_code == 200
    assert [emulator.update("u", {"sku": value}).status_code for value in good] == [200] * len(good)
    assert [emulator.update("u", {"sku": value}).status_code for value in bad] == [400] * len(bad)


@pytest.mark.parametrize(("text", "line"), [("sku\na\n", "1"), ("item\na,b\n", "2"), ("", "1")])
def test_a_file_that_cannot_be_read_changes_nothing(emulator: Emulator, text: str, line: str) -> None:
    number = create(emulator, restrictedBySuggestions=True)
    upload(emulator, number, "item\nA\n")
    answer = upload(emulator, number, text)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["source"] == {"line": line}
    assert emulator.update("u", {"sku": "A"}).status_code == 200


def test_a_seed_brings_a_list(emulator: Emulator) -> None:
    city = {"name": "city", "type": "string", "restricted_by_suggestions": True}

    def document(**members: Any) -> dict[str, Any]:
        return {"name": "lists", "attributes": [city | members]}

    made = emulator.client.post("/_emulator/deployments", json=document(allowed_list=["Berlin"])).json()
    key = made["apiKeys"][0]["key"]

    def taken() -> list[str]:
        return [name for name in ("Berlin", "Paris") if emulator.update("u", {"city": name}, key).status_code == 200]

    assert taken() == ["Berlin"]
    for members, expected in (({"has_allowed_list": True}, ["Berlin"]), ({"allowed_list": ["Paris"]}, ["Paris"])):
        assert emulator.client.post("/_emulator/seed", json=document(**members)).status_code == 200
        assert taken() == expected
    assert emulator.client.delete("/_emulator/deployments/lists").status_code == 204


def test_imports_for_no_attribute(emulator: Emulator) -> None:
    assert upload(emulator, 99, "item\nA\n").status_code == 404


def test_a_list_of_the_documented_size(emulator: Emulator) -> None:
    number = create(emulator, restrictedBySuggestions=True)
    items = "".join(f"{index:036}\n" for index in range(500_000))  # as long as UUIDs
    assert upload(emulator, number, f"item\n{items}").json()["amount"] == 500_000
    assert emulator.update("u", {"sku": f"{499_999:036}"}).status_code == 200
    refused = emulator.update("u", {"sku": f"{500_000:036}"})
    assert refused.status_code == 400
    assert len(refused.content) < 1000
    assert upload(emulator, number, f"item\n{items}{500_000:036}\n").status_code == 400
