"""Customer sessions that Segment sends: checked, kept, answered, and the customer created with them."""

from collections.abc import Iterator
from typing import Any

import pytest

from emulator_support import EXPIRING_KEY, SANDBOX_KEY, Emulator, SetClock, api_key
from thirdparty_support import Platform, platforms, refused

TOLD = "The submitted data was invalid: "
# What Segment's destination writes into headers that are not set (observed).
UNSET = dict.fromkeys(
    ("X-Callback-Destination-URI", "X-Callback-API-Key", "X-Content-Fields", "X-Correlation-ID"), "undefined"
)
PATH = "v2/customer_sessions/"


@pytest.fixture(scope="module")
def shared() -> Iterator[Platform]:
    with platforms() as served:
        yield served["segment"]


@pytest.fixture
def segment(shared: Platform) -> Platform:
    shared.emulator.reset()
    return shared


def test_what_segment_sends_becomes_a_session_and_a_customer(segment: Platform) -> None:
    sent = {
        "profileId": "u/é",
        "couponCodes": ["SUMMER"],
        "referralCode": "FRIEND",
        "loyaltyCards": ["card"],
        "state": "open",
        "cartItems": [
            {"name": "Shoe", "sku": "s-1", "quantity": 2, "price": 9.99, "masterId": 1, "attributes": {"colour": "red"}}
        ],
        "additionalCosts": {"shipping": {"price": 4.5}},
        "identifiers": ["127.0.0.1"],
        "attributes": {"cart_note": "a", "gift": True},
    }
    answer = segment.put(PATH + "a%2Fb", sent, **UNSET)
    assert answer.status_code == 200
    state = answer.json()
    assert state["effects"] == state["createdCoupons"] == state["createdReferrals"] == []
    assert state["customerProfile"]["integrationId"] == "u/é"
    moment = "2030-01-01T00:00:00.000000Z"
    item = {"name": "Shoe", "sku": "s-1", "quantity": 2, "price": 9.99, "attributes": {"colour": "red"}}
    assert state["customerSession"] == {
        **sent,
        "id": state["customerSession"]["id"],
        "integrationId": "a/b",
        "applicationId": 1,
        "created": moment,
        "updated": moment,
        "firstSession": True,
        "coupon": "SUMMER",
        "referral": "FRIEND",
        "cartItems": [{**item, "position": 0, "returnedQuantity": 0, "remainingQuantity": 2}],
        "total": 24.48,
        "cartItemTotal": 19.98,
        "additionalCostTotal": 4.5,
    }
    assert segment.emulator.attributes("u/é") == {}


def test_later_updates_build_on_what_is_kept(segment: Platform) -> None:
    segment.put(PATH + "s", {"profileId": "u", "attributes": {"cart_note": "a", "gift": True}})
    shown = segment.put(PATH + "s", {"state": "closed", "attributes": {"gift": None}}).json()["customerSession"]
    assert (shown["state"], shown["profileId"], shown["attributes"]) == ("closed", "u", {"cart_note": "a"})
    assert shown["firstSession"] is True
    assert segment.put(PATH + "t", {"profileId": "u"}).json()["customerSession"]["firstSession"] is False
    refused(segment.put(PATH + "s", {"state": "open"}), 400, f"{TOLD}a closed session cannot become open")
    refused(
        segment.put(PATH + "new", {"profileId": "nobody", "state": "cancelled"}),
        400,
        f"{TOLD}a session cannot be created as cancelled",
    )
    assert segment.memberships("nobody") is None
    assert segment.put(PATH + "s", {"state": "cancelled"}).json()["customerSession"]["state"] == "cancelled"


def test_a_session_of_nobody_makes_no_customer(segment: Platform) -> None:
    for body in ({}, {"profileId": ""}, {"profileId": None}):
        state = segment.put(PATH + "s", body).json()
        assert "customerProfile" not in state
        assert state["customerSession"]["profileId"] == ""
    assert segment.put(PATH + "s", {"profileId": "u"}).json()["customerProfile"]["integrationId"] == "u"


def test_a_customer_who_was_only_in_an_audience_is_visible_and_active_then() -> None:
    clock = SetClock()
    with platforms(clock) as served:
        segment = served["segment"]
        number = segment.audience("first")
        segment.put("customer_profiles/audiences", {"data": [{"customerProfileId": "u", "adds": [number]}]})
        clock.moment = clock.moment.replace(hour=5)
        shown = segment.put(PATH + "s", {"profileId": "u"}).json()["customerProfile"]
        assert shown["lastActivity"] == "2030-01-01T05:00:00.000000Z"
        listed = segment.emulator.manage("GET", "/v1/applications/1/customers").json()["data"]
        assert [each["integrationId"] for each in listed] == ["u"]
        assert segment.memberships("u") == [number]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"attributes": {"none": 1}}, 'The attribute "none" is not defined on CustomerSession entities.'),
        ({"attributes": {"gift": "yes"}}, 'Value of "gift" attribute (yes) is not a boolean'),
        (
            {"cartItems": [{"sku": "a", "quantity": 1, "attributes": {"none": 1}}]},
            'The attribute "none" is not defined on CartItem entities.',
        ),
        ({"cartItems": [{"quantity": 1}]}, "sku is required"),
        ({"cartItems": [{"sku": "a"}]}, "quantity is required"),
        ({"cartItems": [{"sku": "a", "quantity": 0}]}, "expected an integer of at least 1"),
        ({"cartItems": [{"sku": "a", "quantity": 1, "price": "9.99"}]}, "expected a number"),
        ({"couponCodes": ["x" * 101]}, "expected at most 100 characters"),
        ({"loyaltyCards": ["a", "b"]}, "expected at most 1 item"),
        ({"identifiers": ["a"] * 6}, "expected at most 5 items"),
        ({"profileId": "u" * 1001}, "expected at most 1000 characters"),
        (
            {"state": "paid"},
            'state must be one of the following: "cancelled", "closed", "open", "partially_returned"',
        ),
    ],
)
def test_what_is_wrong_is_refused_and_keeps_nothing(segment: Platform, body: dict[str, Any], error: str) -> None:
    refused(segment.put(PATH + "s", {"profileId": "u", **body}), 400, TOLD + error)
    if "none" not in str(body):  # what the deprecated update makes
        refused(segment.put("customer_sessions/s", {"customerSession": {"profileId": "u", **body}}), 400, TOLD + error)
    assert segment.memberships("u") is None
    assert segment.put(PATH + "s", {}).json()["customerSession"]["attributes"] == {}


def test_undefined_attributes_are_skipped_on_demand(segment: Platform) -> None:
    items = [{"sku": "a", "quantity": 1, "attributes": {"none": 1, "colour": "red"}}]
    body = {"attributes": {"none": 1, "gift": True}, "cartItems": items}
    shown = segment.put(PATH + "s?skipNonExistingAttributes=true", body).json()["customerSession"]
    assert shown["attributes"] == {"gift": True}
    assert shown["cartItems"][0]["attributes"] == {"colour": "red"}


def test_the_deprecated_update_makes_attributes(segment: Platform) -> None:
    items = [
        {"sku": "a", "quantity": 1, "attributes": {"size": None}},
        {"sku": "b", "quantity": 1, "attributes": {"size": 5}},
    ]
    body = {
        "customerSession": {"profileId": "u", "attributes": {"channel": "web", "gone": None}, "cartItems": items},
        "sessionAttributesInfo": [],
        "cartItemAttributesInfo": [{"name": "size", "type": "number"}],
    }
    answer = segment.put("customer_sessions/s", body, **UNSET)
    assert answer.status_code == 200
    shown = answer.json()["customerSession"]
    assert (shown["attributes"], shown["cartItems"][1]["attributes"]) == ({"channel": "web"}, {"size": 5})
    assert segment.put(PATH + "t", {"attributes": {"channel": "app"}}).status_code == 200
    assert segment.put("customer_sessions/empty", {}).status_code == 200
    wrong = {"customerSession": {"state": "open", "attributes": {"later": 1}}}
    segment.put(PATH + "s", {"state": "closed"})
    refused(segment.put("customer_sessions/s", wrong), 400, f"{TOLD}a closed session cannot become open")
    assert segment.put(PATH + "t", {"attributes": {"later": 1}}).status_code == 400


def test_ids_are_at_most_a_thousand_characters(segment: Platform) -> None:
    refused(segment.put(PATH + "s" * 1001, {}), 400, f"{TOLD}customerSessionId must have at most 1000 characters")
    assert segment.put(PATH + "s" * 1000, {}).status_code == 200


def test_sessions_and_events_are_kept_by_every_store_and_erased_with_the_customer(emulator: Emulator) -> None:
    segment = Platform(emulator, "segment", EXPIRING_KEY)
    new = {"entity": "Event", "eventType": "visit", "name": "page", "title": "Page", "type": "string"}
    emulator.manage("POST", "/v1/attributes", {**new, "description": "", "suggestions": [], "editable": True})
    event = {"eventType": "visit", "customerProfileId": "u", "eventAttributes": {"page": "/secret"}}
    assert segment.put("v2/events", event).status_code == 200
    body = {"profileId": "u", "attributes": {"cart_note": "secret note"}, "couponCodes": ["C"]}
    first = segment.put(PATH + "s", body).json()["customerSession"]
    again = segment.put(PATH + "s", {}).json()["customerSession"]
    assert {**again, "updated": first["updated"]} == first
    pages = [f"/applications/1/{name}" for name in ("sessions", "events")]
    assert all("secret" in emulator.client.get(page).text for page in pages)
    assert emulator.client.delete("/v1/customer_data/u", headers=api_key(SANDBOX_KEY)).status_code == 204
    for page in pages:
        text = emulator.client.get(page).text
        assert "secret" not in text
        assert "integrationId=u" in text
    assert segment.put(PATH + "s", {}).json()["customerSession"]["couponCodes"] == ["C"]


def sales(segment: Platform, customer: str) -> tuple[int, Any]:
    profile = segment.emulator.inventory(customer).json()["profile"]
    return profile["closedSessions"], profile["totalSales"]


def test_closed_sessions_count_for_their_customer(segment: Platform) -> None:
    cart = [{"sku": "s", "name": "Shoe", "quantity": 2, "price": 9.99}]
    cost = {"shipping": {"price": 5}}
    steps: list[tuple[str, dict[str, Any], dict[str, tuple[int, float]]]] = [
        ("a", {"profileId": "ada", "cartItems": cart}, {"ada": (0, 0)}),
        ("a", {"state": "closed", "additionalCosts": cost}, {"ada": (1, 24.98)}),
        ("a", {"state": "closed"}, {"ada": (1, 24.98)}),
        ("b", {"profileId": "ada", "state": "closed", "cartItems": cart}, {"ada": (2, 44.96)}),
        ("b", {"profileId": "bob"}, {"ada": (1, 24.98), "bob": (1, 19.98)}),
        ("a", {"state": "cancelled"}, {"ada": (0, 0), "bob": (1, 19.98)}),
        ("c", {"state": "closed", "cartItems": cart}, {"ada": (0, 0)}),
    ]
    for session, body, expected in steps:
        answer = segment.put(f"v2/customer_sessions/{session}", body)
        assert answer.status_code == 200, answer.text
        assert {name: sales(segment, name) for name in expected} == expected, (session, body)
    segment.emulator.update("bob", {})
    assert sales(segment, "bob") == (1, 19.98)


def test_the_answer_to_a_closed_session_has_the_customer_with_it(segment: Platform) -> None:
    body = {"profileId": "u", "state": "closed", "cartItems": [{"sku": "s", "name": "n", "quantity": 1, "price": 1.10}]}
    profile = segment.put("v2/customer_sessions/a", body).json()["customerProfile"]
    assert (profile["closedSessions"], profile["totalSales"]) == (1, 1.1)
