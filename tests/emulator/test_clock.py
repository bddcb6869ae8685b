"""The clock lever: a deployment's time stands still, is set, goes forward, and is real again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator_support import EXPIRING_KEY, EXPIRING_MANAGEMENT_KEY, Emulator, SetClock, management_key, pure
from talon_emulator.clock import FrozenClock, ShiftedClock, timestamp


def turn(emulator: Emulator, what: str, document: Any = None, query: str = "") -> Any:
    content = b"" if document is None else msgspec.json.encode(document)
    answer = emulator.client.post(f"/_emulator/clock/{what}{query}", content=content)
    assert answer.status_code == 200, answer.text
    return answer.json()


def read(emulator: Emulator, query: str = "") -> datetime:
    return datetime.fromisoformat(emulator.client.get(f"/_emulator/clock{query}").json()["now"])


@pytest.fixture
def other(timed: Emulator) -> Iterator[str]:
    """The name of a second deployment."""
    name: str = timed.client.post("/_emulator/deployments").json()["deployment"]
    yield name
    timed.client.delete(f"/_emulator/deployments/{name}")


@pure
@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_a_shifted_clock_goes_as_its_base(start: datetime, wanted: datetime) -> None:
    base = SetClock()
    base.moment = start
    clock = ShiftedClock(base, wanted - start)
    assert clock.now() == wanted
    second = timedelta(seconds=1 if wanted < start else -1)
    base.moment += second
    assert clock.now() == wanted + second
    assert FrozenClock(wanted).now() == wanted


def test_the_machine_time_until_it_is_told(timed: Emulator, clock: SetClock) -> None:
    shown = timed.client.get("/_emulator/clock").json()
    assert shown == {"deployment": "demo", "now": "2030-01-01T00:00:00.000000Z", "mode": "real"}
    clock.moment += timedelta(hours=1)
    assert read(timed) == clock.moment


def test_frozen_it_stands_still(timed: Emulator, clock: SetClock) -> None:
    assert turn(timed, "freeze")["mode"] == "frozen"
    began = clock.moment
    clock.moment += timedelta(hours=1)
    assert timed.update("u", {}).json()["customerProfile"]["created"] == timestamp(began)
    assert turn(timed, "advance", {"seconds": 1.5})["mode"] == "frozen"
    assert read(timed) == began + timedelta(seconds=1.5)
    shown = turn(timed, "set", {"at": "1999-12-31T23:00:00-01:00"})
    assert (shown["now"], shown["mode"]) == ("2000-01-01T00:00:00.000000Z", "frozen")
    assert turn(timed, "freeze", {"at": "2031-01-01T00:00:00Z"})["now"] == "2031-01-01T00:00:00.000000Z"
    assert turn(timed, "real")["mode"] == "real"
    assert read(timed) == clock.moment


def test_set_it_goes_on_from_there(timed: Emulator, clock: SetClock) -> None:
    assert turn(timed, "set", {"at": "2040-05-05T00:00:00Z"})["mode"] == "shifted"
    clock.moment += timedelta(minutes=1)
    assert read(timed) == datetime(2040, 5, 5, 0, 1, tzinfo=UTC)
    turn(timed, "advance", {"seconds": 3600})
    clock.moment += timedelta(minutes=1)
    assert read(timed) == datetime(2040, 5, 5, 1, 2, tzinfo=UTC)


def test_keys_expire_by_it_and_activity_is_dated_by_it(timed: Emulator) -> None:
    assert timed.update("u", {}, EXPIRING_KEY).status_code == 200
    turn(timed, "advance", {"seconds": 366 * 86400})
    assert timed.update("u", {}, EXPIRING_KEY).status_code == 401
    headers = management_key(EXPIRING_MANAGEMENT_KEY)
    assert timed.client.get("/v1/attributes", headers=headers).status_code == 401
    profile = timed.update("u", {"text": "x"}, query="?runRuleEngine=true", responseContent=["customerProfile"]).json()[
        "customerProfile"
    ]
    assert profile["created"] == "2030-01-01T00:00:00.000000Z"
    assert profile["lastActivity"] == "2031-01-02T00:00:00.000000Z"
    assert timed.journal()[0]["at"] == "2031-01-02T00:00:00.000000Z"
    turn(timed, "real")
    assert timed.update("u", {}, EXPIRING_KEY).status_code == 200


def test_each_deployment_has_its_own(timed: Emulator, clock: SetClock, other: str) -> None:
    turn(timed, "freeze", {"at": "2050-01-01T00:00:00Z"}, f"?deployment={other}")
    assert read(timed) == clock.moment
    assert read(timed, f"?deployment={other}") == datetime(2050, 1, 1, tzinfo=UTC)
    timed.reset()
    assert read(timed, f"?deployment={other}") == datetime(2050, 1, 1, tzinfo=UTC)
    assert timed.client.post(f"/_emulator/reset?deployment={other}").status_code == 200
    assert read(timed, f"?deployment={other}") == clock.moment


@pytest.mark.parametrize(
    ("what", "document", "code"),
    [
        ("freeze", {"to": "2030-01-01T00:00:00Z"}, "bad_document"),
        ("freeze", {"at": "2030-01-01T00:00:00"}, "bad_document"),
        ("freeze", {"at": "1969-12-31T23:59:59Z"}, "bad_time"),
        ("set", {}, "bad_document"),
        ("set", None, "bad_json"),
        ("set", {"at": "yesterday"}, "bad_document"),
        ("set", {"at": "9000-01-01T00:00:00Z"}, "bad_time"),
        ("advance", {"seconds": -1}, "bad_document"),
        ("advance", {"seconds": 1e12}, "bad_time"),
        ("advance", {"seconds": 3 * 10**11}, "bad_time"),
        ("advance", {"seconds": "1"}, "bad_document"),
    ],
)
def test_refuses_and_leaves_it(timed: Emulator, clock: SetClock, what: str, document: Any, code: str) -> None:
    content = b"" if document is None else msgspec.json.encode(document)
    answer = timed.client.post(f"/_emulator/clock/{what}", content=content)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == code
    assert timed.client.get("/_emulator/clock").json()["mode"] == "real"
    assert read(timed) == clock.moment
