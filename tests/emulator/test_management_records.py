"""Customer sessions and events in the Management API: listed, searched, shown; read by the vendor's SDK too."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import talon_one

from emulator_support import MANAGEMENT_KEY, Emulator, SetClock
from thirdparty_support import Platform, platforms

LIST = "/v1/applications/1/sessions"
EVENTS = "/v1/applications/1/events/no_total"
CLOCK = SetClock()


@pytest.fixture(scope="module")
def served() -> Iterator[dict[str, Platform]]:
    """One caller of each kind."""
    with platforms(CLOCK) as callers:
        yield callers


@pytest.fixture
def shop(served: dict[str, Platform]) -> Emulator:
    """An emulator with a few sessions and events, an hour apart."""
    segment, live = served["segment"], served["live"]
    CLOCK.moment = SetClock().moment
    segment.emulator.reset()
    segment.emulator.update("ada", {"Name": "Ada Lovelace", "text": "a"})
    item = {"name": "Shoe", "sku": "s", "quantity": 2, "price": 9.99, "attributes": {"colour": "red"}}
    sent: list[tuple[Platform, str, dict[str, Any]]] = [
        (segment, "customer_sessions/first", {"profileId": "ada", "couponCodes": ["SUMMER"], "cartItems": [item]}),
        (segment, "events", {"customerProfileId": "ada", "eventType": "visit", "eventAttributes": {"page": "start"}}),
        (segment, "customer_sessions/second", {"profileId": "bob", "state": "closed", "referralCode": "FRIEND"}),
        (segment, "events", {"customerProfileId": "bob", "eventType": "review", "eventAttributes": {"stars": 5}}),
        (segment, "customer_sessions/third", {"attributes": {"gift": True}}),
        (segment, "events", {"eventType": "visit"}),
        (live, "customer_sessions/live", {"profileId": "ada"}),
    ]
    for caller, path, body in sent:
        answer = caller.put(f"v2/{path}", body)
        assert answer.status_code == 200, answer.text
        CLOCK.moment += timedelta(hours=1)
    return segment.emulator


def names(emulator: Emulator, query: str = "") -> list[str]:
    answer = emulator.manage("GET", LIST + query)
    assert answer.status_code == 200, answer.text
    return [session["integrationId"] for session in answer.json()["data"]]


def pages(emulator: Emulator, query: str = "") -> list[tuple[str, Any]]:
    answer = emulator.manage("GET", EVENTS + query)
    assert answer.status_code == 200, answer.text
    return [(event["type"], event["attributes"]) for event in answer.json()["data"]]


VISIT: Any = ("visit", {"page": "start"})
REVIEW: Any = ("review", {"stars": 5})
EMPTY: Any = ("visit", {})


def test_shows_a_session(shop: Emulator) -> None:
    number = shop.inventory("ada").json()["profile"]["id"]
    [first] = shop.manage("GET", f"{LIST}?integrationId=first").json()["data"]
    assert shop.manage("GET", f"{LIST}/{first['id']}").json() == first
    [item] = first.pop("cartItems")
    assert (item["sku"], item["quantity"], item["attributes"]) == ("s", 2, {"colour": "red"})
    assert first.pop("id")
    assert first == {
        "created": "2030-01-01T00:00:00.000000Z",
        "integrationId": "first",
        "applicationId": 1,
        "profileId": number,
        "profileintegrationid": "ada",
        "coupon": "SUMMER",
        "referral": "",
        "state": "open",
        "discounts": {},
        "totalDiscounts": 0,
        "total": 19.98,
        "attributes": {},
    }
    [third] = shop.manage("GET", f"{LIST}?integrationId=third").json()["data"]
    assert "profileId" not in third
    assert "profileintegrationid" not in third
    for path in (
        f"/v1/applications/7/sessions/{third['id']}",
        f"{LIST}/99",
        f"{LIST}/x",
        "/v1/applications/9/sessions/1",
    ):
        assert shop.manage("GET", path).status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["third", "second", "first"]),
        ("?sort=id", ["first", "second", "third"]),
        ("?sort=-created&pageSize=1&skip=1", ["second"]),
        ("?pageSize=1", ["third"]),
        ("?state=closed", ["second"]),
        ("?profile=ada", ["first"]),
        ("?profile=ad", []),
        ("?profile=AD&partialMatch=true", []),
        ("?profile=ADA&partialMatch=true", ["first"]),
        ("?integrationId=IRS&partialMatch=true", ["first"]),
        ("?coupon=SUMMER", ["first"]),
        ("?coupon=umm&partialMatch=true", ["first"]),
        ("?coupon=", []),
        ("?referral=FRIEND", ["second"]),
        ("?storeIntegrationId=store", []),
        ("?createdAfter=2030-01-01T00:00:00Z", ["third", "second"]),
        ("?createdBefore=2030-01-01T02:00:00Z", ["first"]),
        ("?createdAfter=2030-01-01T01:00:00Z&createdBefore=2030-01-02", ["third", "second"]),
    ],
)
def test_lists_sessions(shop: Emulator, query: str, found: list[str]) -> None:
    assert names(shop, query) == found


def test_says_whether_there_are_more(shop: Emulator) -> None:
    for query, more in (("?pageSize=2", True), ("?pageSize=3", False), ("?sort=id&pageSize=2", True)):
        assert shop.manage("GET", LIST + query).json()["hasMore"] is more
        assert shop.manage("GET", EVENTS + query).json()["hasMore"] is more


def test_searches_sessions_by_customer(shop: Emulator) -> None:
    path = "/v1/applications/1/sessions_search"

    def found(search: Any, query: str = "") -> Any:
        return shop.manage("POST", path + query, search).json()

    assert [each["integrationId"] for each in found({"attributes": {"text": "a"}})["data"]] == ["first"]
    assert [each["integrationId"] for each in found({})["data"]] == ["second", "first"]
    assert found({"integrationIDs": ["bob"]}, "?withTotalResultSize=true")["totalResultSize"] == 1
    assert found({}, "?pageSize=1")["hasMore"] is True
    for query in ("?withTotalResultSize=x", "?skip=-1"):
        assert shop.manage("POST", path + query, {}).status_code == 400
    assert shop.manage("POST", path, []).status_code == 400
    assert shop.manage("POST", "/v1/applications/9/sessions_search", {}).status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [EMPTY, REVIEW, VISIT]),
        ("?sort=id", [VISIT, REVIEW, EMPTY]),
        ("?pageSize=1&skip=1", [REVIEW]),
        ("?type=visit", [EMPTY, VISIT]),
        ("?type=review,other", [REVIEW]),
        ("?profile=ada", [VISIT]),
        ("?customerName=LOVE", [VISIT]),
        ("?customerName=nobody", []),
        ("?customerEmail=x", []),
        ("?session=first", []),
        ("?effectType=setDiscount", []),
        ("?createdAfter=2030-01-01T03:00:00Z", [EMPTY]),
        ("?createdBefore=2030-01-01T02:00:00Z", [VISIT]),
    ],
)
def test_lists_events(shop: Emulator, query: str, found: list[Any]) -> None:
    assert pages(shop, query) == found


def test_shows_an_event(shop: Emulator) -> None:
    [event] = shop.manage("GET", f"{EVENTS}?profile=ada").json()["data"]
    assert event.pop("id")
    assert event == {
        "created": "2030-01-01T01:00:00.000000Z",
        "applicationId": 1,
        "profileId": shop.inventory("ada").json()["profile"]["id"],
        "type": "visit",
        "attributes": {"page": "start"},
        "effects": [],
    }


def test_lists_the_types_of_events(shop: Emulator) -> None:
    path = "/v1/applications/1/event_types"
    assert shop.manage("GET", path).json() == {"totalResultSize": 2, "data": ["review", "visit"]}
    assert shop.manage("GET", f"{path}?sort=-type&pageSize=1").json() == {"totalResultSize": 2, "data": ["visit"]}
    assert shop.manage("GET", "/v1/applications/7/event_types").json() == {"totalResultSize": 0, "data": []}
    assert shop.manage("GET", f"{path}?sort=id").status_code == 400


@pytest.mark.parametrize("name", ["sessions", "events/no_total", "event_types"])
def test_refuses(shop: Emulator, name: str) -> None:
    assert shop.manage("GET", f"/v1/applications/9/{name}").status_code == 404
    assert shop.manage("GET", f"/v1/applications/1/{name}?skip=x").status_code == 400
    assert shop.manage("GET", f"/v1/applications/1/{name}?sort=colour").status_code == 400


@pytest.mark.parametrize("query", ["state=gone", "partialMatch=x", "createdBefore=x", "createdAfter=1"])
def test_refuses_filters(shop: Emulator, query: str) -> None:
    assert shop.manage("GET", f"{LIST}?{query}").status_code == 400
    if query.startswith("created"):
        assert shop.manage("GET", f"{EVENTS}?{query}").status_code == 400


def test_the_vendors_sdk_reads_them(shop: Emulator) -> None:
    configuration = talon_one.Configuration(
        host=shop.url,
        api_key={"management_key": MANAGEMENT_KEY},
        api_key_prefix={"management_key": "ManagementKey-v1"},
    )
    with talon_one.ApiClient(configuration) as connected:
        management: Any = talon_one.ManagementApi(connected)
        [session] = management.get_application_sessions(1, profile="ada", state="open").data
        assert (session.integration_id, session.cart_items[0].sku, session.total) == ("first", "s", 19.98)
        assert management.get_application_session(1, session.id) == session
        created = {"created_after": CLOCK.moment - timedelta(days=1), "created_before": CLOCK.moment}
        [event] = management.get_application_events_without_total_count(1, type="review", **created).data
        assert (event.type, event.attributes) == ("review", {"stars": 5})
        assert management.get_application_event_types(1).data == ["review", "visit"]
