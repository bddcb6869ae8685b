"""The limits: off unless asked for, Talon.One's numbers or others, counted by the deployment's own time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator_support import LIVE_KEY, SANDBOX_KEY, SEED, Emulator, SetClock, api_key, pure, running
from talon_emulator.limits import Limits, Window, chosen
from talon_emulator.settings import Settings

SECOND = timedelta(seconds=1)
SEGMENT = "/segment/v2/customer_profiles/u"


@pytest.fixture
def limited(timed: Emulator) -> Iterator[Emulator]:
    """An emulator whose clock stands still, with the real limits."""
    assert limit(timed, "real") == {"segment": 60, "management": 3, "profile": 3}
    yield timed
    timed.reset()


def limit(emulator: Emulator, limits: Any, query: str = "") -> Any:
    answer = emulator.client.post(f"/_emulator/limits{query}", json={"limits": limits})
    assert answer.status_code == 200, answer.text
    return answer.json()["limits"]


def manage(emulator: Emulator, path: str) -> int:
    return emulator.manage("GET", path).status_code


@pure
@given(
    st.integers(1, 4), st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from((-2, 0, 0, 0.2, 0.5, 1))), max_size=40)
)
def test_no_second_holds_more(limit: int, steps: list[tuple[str, float]]) -> None:
    """Against a slow model: one passes if less than the limit passed in the second before, the future left out."""
    window = Window(limit)
    now = datetime(2030, 1, 1, tzinfo=UTC)
    passed: dict[str, list[datetime]] = {"a": [], "b": []}
    for kind, step in steps:
        now += timedelta(seconds=step)
        if passed[kind] and passed[kind][-1] > now:
            passed[kind] = []
        admitted = sum(now - moment < SECOND for moment in passed[kind]) < limit
        assert window.admits(kind, now) == admitted
        if admitted:
            passed[kind].append(now)


def test_names_and_numbers() -> None:
    assert chosen("real") == Limits(segment=60, management=3, profile=3)
    assert chosen("off") == Limits(0, 0, 0)
    assert chosen(Limits(segment=1)) == Limits(1, 3, 3)


def test_off_unless_asked_for(emulator: Emulator) -> None:
    shown = emulator.client.get("/_emulator/limits").json()
    assert shown == {"deployment": "demo", "limits": {"segment": 0, "management": 0, "profile": 0}}
    assert {manage(emulator, "/v1/attributes") for _ in range(20)} == {200}


def test_management_is_three_a_second_at_each_endpoint(limited: Emulator, clock: SetClock) -> None:
    assert [manage(limited, "/v1/attributes") for _ in range(5)] == [200, 200, 200, 429, 429]
    assert manage(limited, "/v1/applications") == 200
    clock.moment += SECOND - timedelta(microseconds=1)
    refused = limited.manage("GET", "/v1/attributes")
    assert refused.json() == {"message": "Too many requests", "errors": [], "StatusCode": 429}
    assert "retry-after" not in refused.headers
    clock.moment += timedelta(microseconds=1)
    assert manage(limited, "/v1/attributes") == 200
    assert limited.journal("?status=429")[0]["note"] == "Too many requests"
    for _ in range(10):
        assert limited.update("u", {}).status_code == 200


def test_a_clock_that_is_set_back_gives_all_of_it_again(limited: Emulator, clock: SetClock) -> None:
    assert [manage(limited, "/v1/attributes") for _ in range(4)] == [200, 200, 200, 429]
    clock.moment -= timedelta(days=1)
    assert [manage(limited, "/v1/attributes") for _ in range(4)] == [200, 200, 200, 429]


def test_segment_is_sixty_a_second_for_all_endpoints_together(limited: Emulator, clock: SetClock) -> None:
    made = limited.client.post("/_emulator/deployments").json()
    headers = [
        api_key(key["key"]) | {"destination-hostname": "demo.talon.one"}
        for key in made["apiKeys"]
        if key["platform"] == "segment"
    ]
    limit(limited, "real", f"?deployment={made['deployment']}")

    def send(number: int = 0) -> httpx.Response:
        return limited.client.put(SEGMENT, content=b"{}", headers=headers[number])

    assert {send().status_code for _ in range(60)} == {200}
    refused = send()
    assert refused.status_code == refused.json()["StatusCode"] == 429
    assert refused.json()["Error"] == "Too many requests"
    assert send(1).status_code == 200, "another Application is another client"
    clock.moment += SECOND
    assert send().status_code == 200
    assert limited.client.delete(f"/_emulator/deployments/{made['deployment']}").status_code == 204


def in_flight(emulator: Emulator, *requests: tuple[str, str]) -> list[int]:
    """Send updates of profiles, by integration ID and key, at once, and return their statuses, sorted."""

    def send(request: tuple[str, str]) -> int:
        integration_id, key = request
        with httpx.Client(base_url=emulator.url, timeout=30, trust_env=False) as client:
            return Emulator(emulator.url, client).update(integration_id, {}, key).status_code

    with ThreadPoolExecutor(len(requests)) as pool:
        return sorted(pool.map(send, requests))


def test_the_fourth_in_flight_for_one_profile_is_409(limited: Emulator) -> None:
    slow = {"kind": "latency", "milliseconds": 300, "path": "/v2/customer_profiles/*"}
    assert limited.client.post("/_emulator/faults", json=slow).status_code == 201
    assert in_flight(limited, *[("u", SANDBOX_KEY)] * 5) == [200, 200, 200, 409, 409]
    refused = [entry for entry in limited.journal() if entry["status"] == 409]
    assert refused[0]["answer"]["message"] == "Too many requests are updating this profile at the same time"
    done = [entry["milliseconds"] for entry in limited.journal("?kind=good")]
    assert sorted(round(taken / 310) for taken in done) == [1, 2, 3], "one runs, two wait for it"
    mixed = [("u", SANDBOX_KEY)] * 3 + [("v", SANDBOX_KEY)] * 2 + [("u", LIVE_KEY)] * 2
    assert in_flight(limited, *mixed) == [200] * 7
    limit(limited, "off")
    assert in_flight(limited, *[("u", SANDBOX_KEY)] * 5) == [200] * 5


def test_numbers_of_ones_own_in_the_settings() -> None:
    settings = Settings(deployment=SEED, limits=Limits(segment=0, management=1, profile=0))
    with running(settings) as emulator:
        emulator.client.post("/_emulator/clock/freeze")
        assert [manage(emulator, "/v1/attributes") for _ in range(2)] == [200, 429]
        assert limit(emulator, "off") == {"segment": 0, "management": 0, "profile": 0}
        assert {manage(emulator, "/v1/attributes") for _ in range(5)} == {200}
        emulator.reset()
        assert emulator.client.get("/_emulator/limits").json()["limits"]["management"] == 1
        made = emulator.client.post("/_emulator/deployments").json()["deployment"]
        limit(emulator, {"management": 9}, f"?deployment={made}")
        shown = emulator.client.get(f"/_emulator/limits?deployment={made}").json()["limits"]
        assert shown == {"segment": 60, "management": 9, "profile": 3}
        assert emulator.client.get("/_emulator/limits").json()["limits"]["management"] == 1


@pytest.mark.parametrize(
    "document",
    [{}, {"limits": "rael"}, {"limits": {"segments": 1}}, {"limits": {"profile": -1}}, {"limits": None}, {"limit": 1}],
)
def test_refuses_documents(emulator: Emulator, document: Any) -> None:
    answer = emulator.client.post("/_emulator/limits", json=document)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_document")
    assert emulator.client.get("/_emulator/limits").json()["limits"]["segment"] == 0


def test_a_misspelt_limit_is_told_with_the_known_ones(emulator: Emulator) -> None:
    error = emulator.client.post("/_emulator/limits", json={"limits": {"segmnt": 1}}).json()["error"]
    assert error["message"] == "/limits/segmnt: unknown key 'segmnt'"
    assert error["hint"] == "did you mean 'segment'?"
    error = emulator.client.post("/_emulator/limits", json={"limits": "reel"}).json()["error"]
    assert "known are: off, real" in error["hint"]
