"""Events that Segment sends: checked against the attributes of their type, kept, answered."""

from collections.abc import Iterator
from typing import Any

import pytest

from thirdparty_support import Platform, platforms, refused

TOLD = "The submitted data was invalid: "
PATH = "v2/events"


@pytest.fixture(scope="module")
def shared() -> Iterator[Platform]:
    with platforms() as served:
        yield served["segment"]


@pytest.fixture
def segment(shared: Platform) -> Platform:
    shared.emulator.reset()
    return shared


def event(attributes: Any = None, **members: Any) -> dict[str, Any]:
    return {"eventType": "visit", "customerProfileId": "u", "eventAttributes": attributes, **members}


def test_what_segment_sends_becomes_an_event_and_a_customer(segment: Platform) -> None:
    answer = segment.put(PATH, event({"page": "/shoes", "seconds": 1.5, "anywhere": "x"}))
    assert answer.status_code == 200
    state = answer.json()
    assert state["effects"] == state["createdCoupons"] == state["createdReferrals"] == []
    assert state["customerProfile"]["integrationId"] == "u"
    assert state["event"] == {
        "id": state["event"]["id"],
        "created": "2030-01-01T00:00:00.000000Z",
        "applicationId": 1,
        "profileId": "u",
        "type": "visit",
        "attributes": {"page": "/shoes", "seconds": 1.5, "anywhere": "x"},
        "effects": [],
        "ledgerEntries": [],
    }
    assert segment.put(PATH, event()).json()["event"]["id"] != state["event"]["id"]
    nobodys = segment.put(PATH, {"eventType": "visit"}).json()
    assert (nobodys["event"]["profileId"], "customerProfile" in nobodys) == ("", False)


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (event({"none": 1}), 'The attribute "none" is not defined on Event entities.'),
        (event({"stars": 1}), 'The attribute "stars" is not defined on Event entities.'),
        (event({"seconds": "1"}), 'Value of "seconds" attribute (1) is not a number'),
        (event(eventType="none"), 'The event type "none" is not defined'),
        (event(eventType="Visit"), 'The event type "Visit" is not defined'),
        (event(eventType=""), "expected at least 1 character"),
        ({"customerProfileId": "u"}, "eventType is required"),
        (event(customerProfileId="u" * 1001), "expected at most 1000 characters"),
        (event(customerProfileId=5), "expected a string or null, got an integer"),
    ],
)
def test_what_is_wrong_is_refused_and_makes_no_customer(segment: Platform, sent: Any, error: str) -> None:
    refused(segment.put(PATH, sent), 400, TOLD + error)
    assert segment.memberships("u") is None


def test_undefined_attributes_are_skipped_on_demand(segment: Platform) -> None:
    answer = segment.put(PATH + "?skipNonExistingAttributes=true", event({"none": 1, "stars": 1, "page": "/"}))
    assert answer.json()["event"]["attributes"] == {"page": "/"}


def test_the_deprecated_event_makes_attributes_of_its_type(segment: Platform) -> None:
    old = {"eventType": "visit", "type": "string", "customerProfileId": "u"}
    attributes = {"referrer": "x", "depth": "5", "gone": None, "page": "/"}
    infos = [{"name": "depth", "type": "string"}]
    answer = segment.put("event", {**old, "eventAttributes": attributes, "attributesInfo": infos})
    assert answer.status_code == 200
    assert answer.json()["event"]["attributes"] == {"referrer": "x", "depth": "5", "page": "/"}
    listed = segment.emulator.manage("GET", "/v1/attributes?entity=Event").json()["data"]
    assert {each["name"]: each.get("eventType") for each in listed}["referrer"] == "visit"
    assert segment.put(PATH, event({"referrer": "y"})).status_code == 200
    assert segment.put(PATH, event({"referrer": "y"}, eventType="review")).status_code == 400
    assert segment.put("event", {**old, "eventType": "none", "eventAttributes": {"later": 1}}).status_code == 400
    for missing in old:
        assert segment.put("event", {name: old[name] for name in old if name != missing}).status_code == 400
    assert segment.put("event", {**old, "type": "junk"}).status_code == 400
    assert segment.put(PATH, event({"later": 1})).status_code == 400
