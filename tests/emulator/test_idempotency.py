"""The Idempotency-Key header over real HTTP."""

from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest

from emulator_support import LIVE_KEY, SANDBOX_KEY, Emulator, SetClock, api_key

ONE = "/v2/customer_profiles/u"
MANY = "/v2/customer_profiles"


def put(emulator: Emulator, path: str, body: Any, key: str | bytes, by: str = SANDBOX_KEY) -> httpx.Response:
    headers: dict[str, Any] = {**api_key(by), "idempotency-key": key}
    return emulator.client.put(path, content=msgspec.json.encode(body), headers=headers)


def test_what_was_carried_out_is_answered_again(emulator: Emulator) -> None:
    first = put(emulator, ONE, {"attributes": {"number": 1}}, "k")
    emulator.update("u", {"number": 2})
    again = put(emulator, ONE, {"attributes": {"number": 3}}, "k")
    assert (again.status_code, again.content, again.headers["content-type"]) == (200, first.content, "application/json")
    assert emulator.attributes("u") == {"number": 2}
    assert emulator.journal()[0]["status"] == 200


def test_a_bulk_update_is_carried_out_once(emulator: Emulator) -> None:
    for number in range(2):
        body = {"customerProfiles": [{"integrationId": "u", "attributes": {"number": number}}]}
        answer = put(emulator, MANY, body, "k")
        assert (answer.status_code, answer.content) == (204, b"")
        assert "content-type" not in answer.headers
    assert emulator.attributes("u") == {"number": 0}


def test_a_refused_request_may_be_corrected_under_its_key(emulator: Emulator) -> None:
    assert put(emulator, ONE, {"attributes": {"nothing": 1}}, "k").status_code == 400
    assert put(emulator, ONE, {"attributes": {"number": 1}}, "k").status_code == 200
    assert emulator.attributes("u") == {"number": 1}


def test_a_key_is_forgotten_after_a_day(timed: Emulator, clock: SetClock) -> None:
    def number(sent: int) -> Any:
        return put(timed, ONE, {"attributes": {"number": sent}}, "k").json()["customerProfile"]["attributes"]["number"]

    assert number(1) == 1
    clock.moment += timedelta(hours=24) - timedelta(microseconds=1)
    assert number(2) == 1
    clock.moment += timedelta(microseconds=1)
    assert number(3) == 3
    assert number(4) == 3


@pytest.mark.parametrize(("path", "by"), [("/v2/customer_profiles/v", SANDBOX_KEY), (ONE, LIVE_KEY)])
def test_a_key_belongs_to_its_path_and_application(emulator: Emulator, path: str, by: str) -> None:
    put(emulator, ONE, {"attributes": {"number": 1}}, "k")
    shown = put(emulator, path, {"attributes": {"number": 2}}, "k", by).json()["customerProfile"]
    assert shown["attributes"] == {"number": 2}


@pytest.mark.parametrize(("key", "status"), [("k" * 255, 200), ("😀".encode() * 255, 200), ("k" * 256, 400)])
def test_the_length_of_a_key(emulator: Emulator, key: str | bytes, status: int) -> None:
    assert put(emulator, ONE, {}, key).status_code == status
    assert (emulator.attributes("u") is None) == (status == 400)


def test_an_empty_key_is_none(emulator: Emulator) -> None:
    for number in (1, 2):
        put(emulator, ONE, {"attributes": {"number": number}}, "")
    assert emulator.attributes("u") == {"number": 2}


def test_a_reset_forgets_keys(emulator: Emulator) -> None:
    put(emulator, ONE, {"attributes": {"number": 1}}, "k")
    emulator.reset()
    put(emulator, ONE, {"attributes": {"number": 2}}, "k")
    assert emulator.attributes("u") == {"number": 2}
