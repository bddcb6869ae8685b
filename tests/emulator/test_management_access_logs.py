"""The API calls of an Application in the Management API: listed, and summed up as its health."""

import time
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest

from emulator_support import LIVE_KEY, Emulator, SetClock
from talon_emulator.management.access_logs import summary

LOGS = "/v1/applications/1/access_logs/no_total"
ALL = "?rangeStart=2029-01-01T00:00:00Z&rangeEnd=2031-01-01T00:00:00Z"


def logs(emulator: Emulator, query: str = "", application: int = 1) -> Any:
    answer = emulator.manage("GET", f"/v1/applications/{application}/access_logs/no_total{ALL}{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def uris(emulator: Emulator, query: str = "") -> list[str]:
    return [entry["requestUri"] for entry in logs(emulator, query)["data"]]


def test_shows_the_calls_of_an_application(timed: Emulator) -> None:
    timed.update("a b", {"text": "x"}, query="?runRuleEngine=false")
    timed.update("u", {}, LIVE_KEY)
    [entry] = logs(timed)["data"]
    assert UUID(entry.pop("uuid"))
    assert '"customerProfile"' in entry.pop("responsePayload")
    assert entry == {
        "status": 200,
        "method": "PUT",
        "requestUri": "/v2/customer_profiles/a%20b?runRuleEngine=false",
        "time": "2030-01-01T00:00:00.000000Z",
        "requestPayload": '{"attributes":{"text":"x"}}',
    }
    assert len(logs(timed, application=7)["data"]) == 1
    assert logs(timed)["data"] == logs(timed)["data"]


def test_filters(timed: Emulator, clock: SetClock) -> None:
    timed.update("first", {})
    clock.moment += timedelta(hours=1)
    timed.update("second", {"unknown": 1})
    clock.moment += timedelta(hours=1)
    timed.inventory("third")
    first, second, third = "/v2/customer_profiles/first", "/v2/customer_profiles/second", "/inventory?profile=true"
    assert [uri[-len(third) :] for uri in uris(timed)] == [third, second[-len(third) :], first[-len(third) :]]
    assert uris(timed, "&status=success") == [first]
    assert uris(timed, "&method=put&status=error") == [second]
    assert len(uris(timed, "&method=get")) == 1
    assert uris(timed, "&path=s.co%3Fnd$") == [second]
    assert uris(timed, "&path=^/v2&sort=time") == [first, second]
    assert uris(timed, "&sort=-requestUri&pageSize=1") == [second]
    assert uris(timed, "&pageSize=1&skip=2") == [first]
    assert logs(timed, "&pageSize=2")["hasMore"] is True
    assert logs(timed, "&pageSize=3")["hasMore"] is False
    between = "?rangeStart=2030-01-01T01:00:00Z&rangeEnd=2030-01-01T03:30:00%2B02:00"
    assert [e["requestUri"] for e in timed.manage("GET", LOGS + between).json()["data"]] == [second]
    compact = "?rangeStart=2030-01-01T01:00:00.000%2B0000&rangeEnd=2030-01-01T02:00:00%2B0100"
    assert [e["requestUri"] for e in timed.manage("GET", LOGS + compact).json()["data"]] == [second]
    days = "?rangeStart=2030-01-01&rangeEnd=2030-01-01"
    assert [e["requestUri"] for e in timed.manage("GET", LOGS + days).json()["data"]] == [first]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("", "rangeStart"),
        ("?rangeStart=2030-01-01", "rangeEnd"),
        ("?rangeStart=2030-02-30&rangeEnd=2030-01-01", "rangeStart"),
        ("?rangeStart=0000-01-01&rangeEnd=2030-01-01", "rangeStart"),
        ("?rangeStart=1&rangeEnd=2030-01-01", "rangeStart"),
        (f"{ALL}&method=head", "method"),
        (f"{ALL}&status=200", "status"),
        (f"{ALL}&path=(", "path"),
        (f"{ALL}&sort=uuid", "sort"),
        (f"{ALL}&skip=-1", "skip"),
    ],
)
def test_refuses_parameters(emulator: Emulator, query: str, parameter: str) -> None:
    answer = emulator.manage("GET", LOGS + query)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["source"] == {"parameter": parameter}


def health(emulator: Emulator, application: int = 1) -> tuple[str, str]:
    report = emulator.manage("GET", f"/v1/applications/{application}/health_report").json()
    return report["summary"], report["lastUsed"]


def test_health_is_that_of_the_last_five_minutes(timed: Emulator, clock: SetClock) -> None:
    assert health(timed) == ("NONE", "0001-01-01T00:00:00Z")
    timed.update("u", {"unknown": 1})
    assert health(timed) == ("CRITICAL", "2030-01-01T00:00:00.000000Z")
    timed.update("u", {})
    assert health(timed)[0] == "WARNING"
    clock.moment += timedelta(minutes=5)
    timed.update("u", {})
    assert health(timed)[0] == "WARNING"
    clock.moment += timedelta(seconds=1)
    assert health(timed) == ("OK", "2030-01-01T00:05:00.000000Z")
    clock.moment += timedelta(minutes=5)
    assert health(timed) == ("NONE", "2030-01-01T00:05:00.000000Z")
    assert health(timed, 7)[0] == "NONE"


@pytest.mark.parametrize(
    ("calls", "failed", "word"),
    [(0, 0, "NONE"), (3, 0, "OK"), (2, 1, "WARNING"), (3, 2, "ERROR"), (100, 1, "WARNING"), (3, 3, "CRITICAL")],
)
def test_one_word_for_it(calls: int, failed: int, word: str) -> None:
    assert summary(calls, failed) == word


def test_unknown_applications(emulator: Emulator) -> None:
    assert emulator.manage("GET", f"/v1/applications/9/access_logs/no_total{ALL}").status_code == 404
    assert emulator.manage("GET", "/v1/applications/9/health_report").status_code == 404


def test_no_regular_expression_takes_its_time(timed: Emulator) -> None:
    timed.update("a" * 200 + "b", {})
    started = time.perf_counter()
    assert uris(timed, f"&path={quote('(a+)+$')}") == []
    assert time.perf_counter() - started < 5
