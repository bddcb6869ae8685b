"""The Management API over real HTTP: definitions, Applications, customers."""

from typing import Any

import pytest

from emulator_support import (
    EXPIRING_MANAGEMENT_KEY,
    EXPIRY,
    LIVE_KEY,
    MANAGEMENT_KEY,
    SANDBOX_KEY,
    Emulator,
    SetClock,
    api_key,
    management_key,
)

NEW = {
    "entity": "CustomerProfile",
    "name": "shoe_size",
    "title": "Shoe size",
    "type": "number",
    "description": "European",
    "suggestions": [],
    "editable": True,
}


def names(answer: Any) -> list[str]:
    return [attribute["name"] for attribute in answer.json()["data"]]


def test_a_created_attribute_takes_values_at_once(timed: Emulator) -> None:
    assert timed.update("u", {"shoe_size": 42}).status_code == 400
    created = timed.manage("POST", "/v1/attributes", NEW)
    assert created.status_code == 201
    assert created.json() == {
        **NEW,
        "id": 13,
        "created": "2030-01-01T00:00:00.000000Z",
        "accountId": 1,
        "hasAllowedList": False,
        "restrictedBySuggestions": False,
        "subscribedApplicationsIds": [],
        "subscribedCatalogsIds": [],
    }
    assert timed.manage("GET", "/v1/attributes/13").json() == created.json()
    assert timed.update("u", {"shoe_size": 42}).status_code == 200
    assert timed.update("u", {"shoe_size": "42"}).status_code == 400


@pytest.mark.parametrize(
    ("changes", "status", "where"),
    [
        ({"name": "text"}, 409, ["/name"]),
        ({"title": "text"}, 409, ["/title"]),
        ({"name": "30_days"}, 400, ["/name"]),
        ({"name": "a", "title": "30 days"}, 400, ["/title"]),
        ({"type": "(list boolean)", "entity": "Customer"}, 400, ["/entity", "/type"]),
        ({"suggestions": None}, 400, ["/suggestions"]),
        ({"editable": "yes"}, 400, ["/editable"]),
        ({"suggestions": [""]}, 400, ["/suggestions/0"]),
    ],
)
def test_refused_definitions(emulator: Emulator, changes: dict[str, Any], status: int, where: list[str]) -> None:
    answer = emulator.manage("POST", "/v1/attributes", NEW | changes)
    assert answer.status_code == answer.json()["StatusCode"] == status
    assert [error["source"]["pointer"] for error in answer.json()["errors"]] == where
    assert emulator.manage("GET", "/v1/attributes").json()["totalResultSize"] == 12


@pytest.mark.parametrize("name", list(NEW))
def test_each_required_member_is_required(emulator: Emulator, name: str) -> None:
    answer = emulator.manage("POST", "/v1/attributes", {key: NEW[key] for key in NEW if key != name})
    assert answer.status_code == 400
    assert name in answer.json()["errors"][0]["details"]


def test_attributes_of_other_entities(emulator: Emulator) -> None:
    assert emulator.manage("POST", "/v1/attributes", NEW | {"entity": "Event", "eventType": "view"}).status_code == 201
    shown = emulator.manage("POST", "/v1/attributes", NEW | {"entity": "CartItem", "allowedSubscriptions": ["catalog"]})
    assert shown.json()["allowedSubscriptions"] == ["catalog"]
    assert emulator.update("u", {"shoe_size": 1}).status_code == 400


def test_an_update_changes_what_may_change(emulator: Emulator) -> None:
    before = emulator.manage("POST", "/v1/attributes", NEW).json()
    path = f"/v1/attributes/{before['id']}"
    changed = emulator.manage("PUT", path, NEW | {"description": "UK", "suggestions": ["9"]})
    assert changed.status_code == 200
    assert changed.json() == before | {"description": "UK"}
    refused = emulator.manage("PUT", path, NEW | {"name": "size", "type": "string", "entity": "Coupon"})
    assert refused.status_code == 400
    assert [error["source"]["pointer"] for error in refused.json()["errors"]] == ["/entity", "/name", "/type"]
    assert emulator.manage("GET", path).json() == changed.json()


@pytest.mark.parametrize("number", ["99", "0", "x", "1.0", "01"])
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_unknown_attributes(emulator: Emulator, method: str, number: str) -> None:
    answer = emulator.manage(method, f"/v1/attributes/{number}", NEW if method == "PUT" else None)
    assert answer.status_code == 404
    assert answer.json() == {"message": "Attribute not found", "errors": [], "StatusCode": 404}


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("?entity=CustomerSession", ["cart_note"]),
        ("?type=location", ["place"]),
        ("?type=(list+time)", ["moments"]),
        ("?kind=builtin", ["Name"]),
        ("?search=NUMB", ["number", "numbers"]),
        ("?search=location", ["place", "places"]),
        ("?pageSize=2&skip=1", ["number", "flag"]),
        ("?sort=name&pageSize=2", ["Name", "cart_note"]),
        ("?sort=-name&pageSize=2", ["tier", "texts"]),
        ("?search=nothing", []),
        ("?skip=100", []),
    ],
)
def test_lists_attributes(emulator: Emulator, query: str, wanted: list[str]) -> None:
    answer = emulator.manage("GET", f"/v1/attributes{query}")
    assert answer.status_code == 200
    assert names(answer) == wanted
    assert answer.json()["totalResultSize"] >= len(wanted)


def test_the_total_counts_all_pages(emulator: Emulator) -> None:
    assert emulator.manage("GET", "/v1/attributes?pageSize=1").json()["totalResultSize"] == 12


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("?pageSize=0", "pageSize"),
        ("?pageSize=1001", "pageSize"),
        ("?skip=-1", "skip"),
        ("?kind=other", "kind"),
        ("?sort=colour", "sort"),
    ],
)
def test_refuses_parameters(emulator: Emulator, query: str, parameter: str) -> None:
    answer = emulator.manage("GET", f"/v1/attributes{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["source"] == {"parameter": parameter}


def test_applications(emulator: Emulator) -> None:
    answer = emulator.manage("GET", "/v1/applications").json()
    assert answer["totalResultSize"] == 2
    assert [(a["id"], a["name"], a["sandbox"]) for a in answer["data"]] == [
        (1, "Test store", True),
        (7, "Live store", False),
    ]
    assert emulator.manage("GET", "/v1/applications/7").json() == answer["data"][1]
    assert emulator.manage("GET", "/v1/applications?sort=-id").json()["data"][0]["id"] == 7
    assert emulator.manage("GET", "/v1/applications/8").status_code == 404


def test_customers_are_found_exactly(emulator: Emulator) -> None:
    for integration_id in ("User", "user2", "a/b"):
        emulator.update(integration_id, {})
    emulator.update("live", {}, LIVE_KEY)

    def found(query: str, application: int = 1) -> list[str]:
        answer = emulator.manage("GET", f"/v1/applications/{application}/customers{query}")
        assert answer.status_code == 200
        return [profile["integrationId"] for profile in answer.json()["data"]]

    assert found("") == ["User", "user2", "a/b"]
    assert found("?integrationId=User") == ["User"]
    assert found("?integrationId=a%2Fb") == ["a/b"]
    assert found("?integrationId=user") == []
    assert found("?integrationId=") == []
    assert found("?integrationId=live") == []
    assert found("", 7) == ["live"]
    assert found("?pageSize=1&skip=1") == ["user2"]


def test_a_page_says_whether_there_is_more_or_how_many(emulator: Emulator) -> None:
    for number in range(3):
        emulator.update(f"u{number}", {})

    def sizes(query: str) -> dict[str, Any]:
        answer: dict[str, Any] = emulator.manage("GET", f"/v1/applications/1/customers{query}").json()
        del answer["data"]
        return answer

    assert sizes("?pageSize=2") == {"hasMore": True}
    assert sizes("?pageSize=3") == {"hasMore": False}
    assert sizes("?pageSize=2&withTotalResultSize=true") == {"totalResultSize": 3}
    assert sizes("?integrationId=u1&withTotalResultSize=true") == {"totalResultSize": 1}
    assert emulator.manage("GET", "/v1/applications/1/customers?withTotalResultSize=x").status_code == 400
    assert emulator.manage("GET", "/v1/applications/9/customers").status_code == 404


@pytest.mark.parametrize(
    "headers",
    [{}, api_key(SANDBOX_KEY), api_key(MANAGEMENT_KEY), management_key(SANDBOX_KEY), management_key("x")],
)
@pytest.mark.parametrize(
    "path", ["/v1/attributes", "/v1/attributes/1", "/v1/applications", "/v1/applications/1/customers"]
)
def test_only_a_management_key_opens_it(emulator: Emulator, path: str, headers: dict[str, str]) -> None:
    answer = emulator.client.get(path, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["message"] == "Invalid API key"


def test_a_management_key_ends_at_its_expiry(timed: Emulator, clock: SetClock) -> None:
    headers = management_key(EXPIRING_MANAGEMENT_KEY)
    assert timed.client.get("/v1/attributes", headers=headers).status_code == 200
    clock.moment = EXPIRY
    assert timed.client.get("/v1/attributes", headers=headers).status_code == 401


@pytest.mark.parametrize("path", ["/v1/attributes", "/v1/applications", "/v1/applications/1/customers"])
def test_queries_that_cannot_be_read_are_400(emulator: Emulator, path: str) -> None:
    assert emulator.manage("GET", f"{path}?name=%zz").status_code == 400
    assert emulator.manage("GET", f"{path}?pageSize=0").status_code == 400
    assert emulator.inventory("u", query="?profile=%zz").status_code == 400


def test_definitions_that_cannot_be_read_are_400(emulator: Emulator) -> None:
    for method, path in (("POST", "/v1/attributes"), ("PUT", "/v1/attributes/1")):
        answer = emulator.manage(method, path, [])
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["source"] == {"pointer": ""}
    assert emulator.manage("GET", "/v1/applications?sort=colour").status_code == 400
