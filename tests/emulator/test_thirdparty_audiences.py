"""Audiences on the third-party host, the same for Segment and for another platform: made, renamed, filled, deleted."""

from collections.abc import Iterator
from typing import Any

import pytest

from thirdparty_support import Platform, platforms, refused

INTEGRATIONS = {"segment": "segment", "cdp": "Shop data"}
# The path of one customer's audiences.
ONE = {"segment": "customer_profiles/{}/audiences", "cdp": "customer_profile/{}/audiences"}


@pytest.fixture(scope="module")
def shared() -> Iterator[dict[str, Platform]]:
    with platforms() as served:
        yield served


@pytest.fixture(params=["segment", "cdp"])
def platform(shared: dict[str, Platform], request: pytest.FixtureRequest) -> Platform:
    chosen = shared[request.param]
    chosen.emulator.reset()
    return chosen


def one(platform: Platform, customer: str, **data: Any) -> Any:
    return platform.put(ONE[platform.name].format(customer), {"data": data})


def test_an_audience_is_made_renamed_and_deleted(platform: Platform) -> None:
    answer = platform.send("POST", "audiences", {"audienceId": "x y/é", "audienceName": "Travel"})
    assert answer.status_code == 201
    made = answer.json()
    assert made.pop("created") == "2030-01-01T00:00:00.000000Z"
    integration = INTEGRATIONS[platform.name]
    assert made == {"accountId": 1, "id": 1, "name": "Travel", "integration": integration, "integrationId": "x y/é"}
    # Segment sends the name alone (observed); the whole body is documented.
    for body in ({"audienceName": "Sea"}, {"audienceId": "x y/é", "audienceName": "Sea"}):
        renamed = platform.put("audiences/x%20y%2F%C3%A9", body)
        assert (renamed.status_code, renamed.json()["name"], renamed.json()["id"]) == (200, "Sea", 1)
    assert one(platform, "u", adds=["x y/é"]).json()["customerProfile"]["audienceMemberships"] == [
        {"id": 1, "name": "Sea"}
    ]
    deleted = platform.send("DELETE", "audiences/x%20y%2F%C3%A9")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert platform.memberships("u") == []
    refused(platform.send("DELETE", "audiences/x%20y%2F%C3%A9"), 404, "Not Found")
    refused(platform.put("audiences/none", {"audienceName": "Sea"}), 404, "Not Found")


def test_an_audience_is_made_once_for_a_platform(shared: dict[str, Platform], platform: Platform) -> None:
    platform.audience("382370BKDB946")
    again = platform.send("POST", "audiences", {"audienceId": "382370BKDB946", "audienceName": "b"})
    refused(again, 409, "The audience with the ID '382370BKDB946' already exists")
    others = [other for other in shared.values() if other.headers != platform.headers]
    assert len({platform.audience("382370bkdb946"), *(other.audience("382370BKDB946") for other in others)}) == 3
    refused(others[0].put("audiences/382370bkdb946", {"audienceName": "b"}), 404, "Not Found")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"audienceId": "a"}, "audienceName is required"),
        ({"audienceName": "a"}, "audienceId is required"),
        ({"audienceId": "", "audienceName": "a"}, "expected at least 1 character"),
        ({"audienceId": "a" * 1001, "audienceName": "a"}, "expected at most 1000 characters"),
        ({"audienceId": "a", "audienceName": 1}, "expected a string, got an integer"),
    ],
)
def test_an_audience_without_id_or_name_is_refused(platform: Platform, body: Any, error: str) -> None:
    refused(platform.send("POST", "audiences", body), 400, f"The submitted data was invalid: {error}")


def test_one_customer_joins_and_leaves_by_external_ids(platform: Platform) -> None:
    first, second = platform.audience("first"), platform.audience("second")
    answer = one(platform, "u", adds=["first", "second"])
    assert answer.status_code == 200
    shown = answer.json()
    assert shown["effects"] == shown["createdCoupons"] == shown["createdReferrals"] == []
    assert platform.memberships("u") == [first, second]
    one(platform, "u", deletes=["first"])
    assert platform.memberships("u") == [second]
    one(platform, "u", adds=["first"], deletes=["first"])
    assert platform.memberships("u") == [second]
    refused(one(platform, "u", adds=["first", "none"]), 404, "Not Found: The audience with the ID none does not exist")
    assert platform.memberships("u") == [second]
    [entry] = platform.emulator.journal("?limit=1&path=audiences&status=404")
    assert entry["note"] == "Audience not found: /data/adds/1: The audience with the ID none does not exist"


@pytest.mark.parametrize("version", ["", "v2/"])
def test_many_customers_join_and_leave_and_are_created(platform: Platform, version: str) -> None:
    numbers = [platform.audience("first"), platform.audience("second")]
    first, second = ("first", "second") if version else numbers
    platform.update("old")
    data: list[dict[str, Any]] = [
        {"customerProfileId": "new/é", "adds": [first, second], "deletes": []},
        {"customerProfileId": "old", "adds": [first]},
        {"customerProfileId": "new/é", "deletes": [second]},
        {"customerProfileId": "left", "deletes": [first]},
        {"customerProfileId": "same", "adds": [first], "deletes": [first]},
    ]
    answer = platform.put(f"{version}customer_profiles/audiences", {"data": data})
    assert (answer.status_code, answer.content) == (204, b"")
    assert platform.memberships("new/é") == platform.memberships("old") == [numbers[0]]
    assert platform.memberships("left") == platform.memberships("same") == []


@pytest.mark.parametrize("version", ["", "v2/"])
def test_an_unknown_audience_or_too_many_refuse_all(platform: Platform, version: str) -> None:
    known: Any = platform.audience("first")
    known, unknown = ("first", "none") if version else (known, 99)
    path = f"{version}customer_profiles/audiences"
    data = [{"customerProfileId": "a", "adds": [known]}, {"customerProfileId": "b", "deletes": [unknown]}]
    refused(platform.put(path, {"data": data}), 404, f"Not Found: The audience with the ID {unknown} does not exist")
    assert platform.memberships("a") is None
    many = [{"customerProfileId": "a", "adds": [known] * 500, "deletes": [known] * 500}]
    assert platform.put(path, {"data": many}).status_code == 204
    answer = platform.put(path, {"data": [*many, {"customerProfileId": "b", "adds": [known]}]})
    refused(answer, 400, "The submitted data was invalid: data must have at most 1000 items")
    assert one(platform, "a", adds=["first"] * 1001).status_code == 400
    for customer in ({}, {"customerProfileId": ""}, {"customerProfileId": "a" * 1001}, {"customerProfileId": 1}):
        assert platform.put(path, {"data": [{"adds": [known], **customer}]}).status_code == 400
    wrong = 1 if version else "first"
    assert platform.put(path, {"data": [{"customerProfileId": "a", "adds": [wrong]}]}).status_code == 400


def test_the_other_environment_has_other_audiences(shared: dict[str, Platform]) -> None:
    sandbox, live = shared["segment"], shared["live"]
    sandbox.emulator.reset()
    number = live.audience("first")
    refused(one(sandbox, "u", adds=["first"]), 404, "Not Found: The audience with the ID first does not exist")
    body = {"data": [{"customerProfileId": "u", "adds": [number]}]}
    answer = sandbox.put("customer_profiles/audiences", body)
    refused(answer, 404, f"Not Found: The audience with the ID {number} does not exist")
    assert live.put("customer_profiles/audiences", body).status_code == 204


def test_a_data_platform_says_its_name(shared: dict[str, Platform]) -> None:
    platform = shared["cdp"]
    answer = platform.update("u", attributes={})
    assert answer.status_code == 200
    unnamed = platform.put("customer_profile/u", {}, **{"customer-data-platform-name": ""})
    refused(unnamed, 400, "No Customer Data Platform name specified")
    refused(platform.put("customer_profile/u", {}, **{"destination-hostname": ""}), 400, "No Deployment URL specified")


def test_an_audience_that_is_not_there_may_be_passed_over() -> None:
    with platforms(unknown_audience_of_a_membership="ignore") as served:
        segment = served["segment"]
        first = segment.audience("first")
        assert one(segment, "u", adds=["none", "first"]).status_code == 200
        assert segment.memberships("u") == [first]


def test_external_ids_may_be_compared_without_regard_to_case_and_joining_may_come_last() -> None:
    with platforms(external_audience_id="fold") as served:
        segment = served["segment"]
        first = segment.audience("First")
        assert one(segment, "u", adds=["FIRST"]).status_code == 200
        assert segment.memberships("u") == [first]
    with platforms(join_and_leave="join") as served:
        segment = served["segment"]
        first = segment.audience("first")
        one(segment, "u", adds=["first"], deletes=["first"])
        data = [{"customerProfileId": "v", "adds": [first], "deletes": [first]}]
        segment.put("customer_profiles/audiences", {"data": data})
        assert segment.memberships("u") == segment.memberships("v") == [first]
