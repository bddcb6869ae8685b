"""Limits on the third-party host: all endpoints count together, and one profile or session is worked on at a time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from thirdparty_support import Platform, platforms, refused

EVENT = {"eventType": "visit", "customerProfileId": "u"}
# Each is one more request for the profile `u`, or for the session `u`.
OF_THE_PROFILE: tuple[tuple[str, Any], ...] = (
    ("v2/customer_profiles/u", {}),
    ("customer_profile/u", {}),
    ("customer_profile_v2/u", {}),
    ("customer_profiles/u/audiences", {}),
    ("v2/events", EVENT),
    ("event", {**EVENT, "type": "string"}),
)
OF_THE_SESSION: tuple[tuple[str, Any], ...] = (
    ("v2/customer_sessions/u", {}),
    ("customer_sessions/u", {}),
    ("v2/customer_sessions/u", {"state": "open"}),
    ("customer_sessions/u", {"customerSession": {}}),
)
OF_NOBODY: tuple[tuple[str, Any], ...] = (
    ("v2/events", {"eventType": "visit"}),
    ("v2/events", {"eventType": "visit"}),
    ("event", b"{"),
    ("event", b"{"),
    *((f"{version}customer_profiles/audiences", {"data": [{"customerProfileId": "u"}]}) for version in ("", "v2/") * 2),
)


@pytest.fixture(scope="module")
def served() -> Iterator[dict[str, Platform]]:
    with platforms() as served:
        yield served


@pytest.fixture
def segment(served: dict[str, Platform]) -> Iterator[Platform]:
    emulator = served["segment"].emulator
    emulator.reset()
    assert emulator.client.post("/_emulator/limits", json={"limits": "real"}).status_code == 200
    yield served["segment"]
    emulator.reset()


def at_once(segment: Platform, requests: tuple[tuple[str, Any], ...]) -> list[int]:
    """Send requests at the same time to an emulator that is slow, and return their statuses, sorted."""
    slow = {"kind": "latency", "milliseconds": 200}
    assert segment.emulator.client.post("/_emulator/faults", json=slow).is_success

    def send(request: tuple[str, Any]) -> int:
        with httpx.Client(base_url=segment.emulator.url, timeout=30, trust_env=False) as client:
            content = {"content": request[1]} if isinstance(request[1], bytes) else {"json": request[1]}
            return client.put(f"/segment/{request[0]}", headers=segment.headers, **content).status_code

    with ThreadPoolExecutor(len(requests)) as pool:
        return sorted(pool.map(send, requests))


def test_all_endpoints_of_a_platform_count_together(served: dict[str, Platform], segment: Platform) -> None:
    requests = [*OF_THE_PROFILE, *OF_THE_SESSION, *OF_NOBODY[:1], ("v2/customer_profiles/audiences", {})]
    assert 429 not in {segment.put(*request).status_code for request in requests * 5}
    for request in requests:
        refused(segment.put(*request), 429, "Too many requests")
    refused(segment.send("DELETE", "audiences/a"), 429, "Too many requests")
    assert served["cdp"].update("u").status_code == 200, "another platform is another client"


def test_the_fourth_in_flight_for_one_profile_is_429(segment: Platform) -> None:
    assert at_once(segment, OF_THE_PROFILE[:4]) == [200, 200, 200, 429]
    assert at_once(segment, OF_THE_PROFILE[2:]) == [200, 200, 200, 429]


def test_the_fourth_in_flight_for_one_session_is_429(segment: Platform) -> None:
    assert at_once(segment, OF_THE_SESSION) == [200, 200, 200, 429]
    assert at_once(segment, (*OF_THE_SESSION[:2], *OF_THE_PROFILE[:2])) == [200, 200, 200, 200]


def test_what_is_for_nobody_in_particular_does_not_wait(segment: Platform) -> None:
    assert set(at_once(segment, OF_NOBODY)) == {200, 204, 400}
