"""The Campaign Manager's pages of sessions and events: what was sent is there, newest first, and never markup."""

import re
from collections.abc import Iterator
from html import escape

import pytest

from thirdparty_support import Platform, platforms

PAYLOAD = '"><img src=x onerror=alert(1)>'


@pytest.fixture(scope="module")
def shared() -> Iterator[Platform]:
    with platforms() as served:
        yield served["segment"]


@pytest.fixture
def segment(shared: Platform) -> Platform:
    shared.emulator.reset()
    return shared


def shown(segment: Platform, page: str, query: str = "", application: int = 1) -> str:
    answer = segment.emulator.client.get(f"/applications/{application}/{page}{query}")
    assert answer.status_code == 200
    return answer.text


def test_a_session_is_shown_with_its_customer_and_what_it_costs(segment: Platform) -> None:
    assert "No sessions here yet." in shown(segment, "sessions")
    items = [{"sku": "a", "quantity": 3, "price": 0.1}]
    sent = {"profileId": "u/é", "cartItems": items, "state": "closed", "attributes": {"gift": True, "cart_note": "x"}}
    segment.put("v2/customer_sessions/s-1", sent)
    page = shown(segment, "sessions")
    for text in ("s-1", "closed", "0.3", ">true<", ">x<", "2030-01-01 00:00:00 UTC", "integrationId=u%2F%C3%A9"):
        assert text in page
    assert "s-1" not in shown(segment, "sessions", application=7)
    segment.put("v2/customer_sessions/s-2", {})
    assert "nobody" in shown(segment, "sessions")


def test_an_event_is_shown_with_its_customer_and_attributes(segment: Platform) -> None:
    assert "No events here yet." in shown(segment, "events")
    for second in range(51):
        event = {"eventType": "visit", "customerProfileId": "u", "eventAttributes": {"seconds": second}}
        segment.put("v2/events", event)
    first = shown(segment, "events")
    assert re.findall(r'class="value">(\d+)<', first) == [str(second) for second in range(50, 0, -1)]
    assert 'href="?skip=50">Older' in first
    second_page = shown(segment, "events", "?skip=50")
    assert re.findall(r'class="value">(\d+)<', second_page) == ["0"]
    assert 'href="?skip=0">Newer' in second_page
    assert "There are no events after the first 60" in shown(segment, "events", "?skip=60")


def test_nothing_that_was_sent_becomes_markup(segment: Platform) -> None:
    name = "s%22%3E%3Cimg%3E"
    segment.put(f"v2/customer_sessions/{name}", {"profileId": PAYLOAD, "attributes": {"cart_note": PAYLOAD}})
    segment.put("v2/events", {"eventType": "visit", "customerProfileId": PAYLOAD, "eventAttributes": {"page": PAYLOAD}})
    for page in ("sessions", "events"):
        text = shown(segment, page)
        assert "<img" not in text
        assert escape(PAYLOAD).replace("&quot;", "&#34;") in text


def test_the_pages_lead_to_one_another(segment: Platform) -> None:
    for page in ("customers", "sessions", "events"):
        text = shown(segment, page)
        current = re.findall(r'href="/applications/1/(\w+)" aria-current="page"', text)
        assert current == [page]
        assert set(re.findall(r'href="/applications/1/(\w+)"', text)) == {"customers", "sessions", "events"}


@pytest.mark.parametrize(
    ("path", "status"), [("/applications/9/events", 404), ("/applications/1/sessions?skip=x", 400)]
)
def test_missing_pages(segment: Platform, path: str, status: int) -> None:
    answer = segment.emulator.client.get(path, headers={"accept": "text/html"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
