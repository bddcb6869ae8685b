"""The sandbox's clock and its levers: as the emulator's, behind the guard of the bridge."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge_support import Bridge, destination, quick, running
from talon_bridge.clock import BEHIND_LAST, ClockError, SandboxClock

START = datetime(2030, 1, 1, tzinfo=UTC)
MOMENTS = st.floats(0, BEHIND_LAST, exclude_max=True)


class Base:
    """A machine's time that a test sets."""

    def __init__(self) -> None:
        self.moment = START

    def now(self) -> float:
        return self.moment.timestamp()


@pytest.fixture(scope="module")
def base() -> Base:
    return Base()


@pytest.fixture(scope="module", name="served")
def a_bridge(base: Base) -> Iterator[Bridge]:
    with running(quick(destination()), clock=base.now) as found:
        yield found


@pytest.fixture
def timed(served: Bridge, base: Base) -> Bridge:
    """A bridge whose machine stands at the beginning of 2030, and whose clock is the machine's."""
    base.moment = START
    assert served.client.post("/_bridge/clock/real").status_code == 200
    return served


def turn(bridge: Bridge, what: str, document: Any = None) -> Any:
    answer = bridge.client.post(f"/_bridge/clock/{what}", content=None if document is None else json.dumps(document))
    assert answer.status_code == 200, answer.text
    return answer.json()


def read(bridge: Bridge) -> datetime:
    return datetime.fromisoformat(bridge.client.get("/_bridge/clock").json()["now"])


def test_the_machine_time_until_it_is_told(timed: Bridge, base: Base) -> None:
    assert timed.client.get("/_bridge/clock").json() == {"now": "2030-01-01T00:00:00.000000Z", "mode": "real"}
    base.moment += timedelta(hours=1)
    assert read(timed) == base.moment


def test_frozen_it_stands_still(timed: Bridge, base: Base) -> None:
    assert turn(timed, "freeze")["mode"] == "frozen"
    began = base.moment
    base.moment += timedelta(hours=1)
    assert read(timed) == began
    assert turn(timed, "advance", {"seconds": 1.5})["mode"] == "frozen"
    assert read(timed) == began + timedelta(seconds=1.5)
    shown = turn(timed, "set", {"at": "1999-12-31T23:00:00-01:00"})
    assert (shown["now"], shown["mode"]) == ("2000-01-01T00:00:00.000000Z", "frozen")
    assert turn(timed, "freeze", {"at": "2031-01-01T00:00:00Z"})["now"] == "2031-01-01T00:00:00.000000Z"
    assert turn(timed, "freeze", {})["now"] == "2031-01-01T00:00:00.000000Z"
    assert turn(timed, "real")["mode"] == "real"
    assert read(timed) == base.moment


def test_set_it_goes_on_from_there(timed: Bridge, base: Base) -> None:
    assert turn(timed, "set", {"at": "2040-05-05T00:00:00Z"})["mode"] == "shifted"
    base.moment += timedelta(minutes=1)
    assert read(timed) == datetime(2040, 5, 5, 0, 1, tzinfo=UTC)
    turn(timed, "advance", {"seconds": 3600})
    base.moment += timedelta(minutes=1)
    assert read(timed) == datetime(2040, 5, 5, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("what", "document", "code"),
    [
        ("freeze", {"to": "2030-01-01T00:00:00Z"}, "bad_document"),
        ("freeze", {"at": "2030-01-01T00:00:00"}, "bad_document"),
        ("freeze", {"at": "1969-12-31T23:59:59Z"}, "bad_time"),
        ("freeze", [], "bad_document"),
        ("set", {}, "bad_document"),
        ("set", None, "bad_json"),
        ("set", {"at": "yesterday"}, "bad_document"),
        ("set", {"at": "9000-01-01T00:00:00Z"}, "bad_time"),
        ("set", {"at": "0001-01-01T00:00:00+14:00"}, "bad_time"),
        ("advance", {"seconds": -1}, "bad_document"),
        ("advance", {"seconds": 1e12}, "bad_time"),
        ("advance", {"seconds": 3 * 10**11}, "bad_time"),
        ("advance", {"seconds": "1"}, "bad_document"),
    ],
)
def test_refuses_and_leaves_it(timed: Bridge, base: Base, what: str, document: Any, code: str) -> None:
    content = b"" if document is None else json.dumps(document).encode()
    answer = timed.client.post(f"/_bridge/clock/{what}", content=content)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == code
    assert error["message"]
    assert error["hint"]
    assert timed.client.get("/_bridge/clock").json()["mode"] == "real"
    assert read(timed) == base.moment


def test_a_parameter_is_refused(timed: Bridge) -> None:
    for ask in (timed.client.get, timed.client.post):
        answer = ask("/_bridge/clock/freeze?deployment=x" if ask == timed.client.post else "/_bridge/clock?now=1")
        assert answer.json()["error"]["code"] == "unknown_parameter"
    assert timed.client.post("/_bridge/clock/real?x=1").status_code == 400


def test_a_page_of_another_origin_does_not_turn_it(timed: Bridge) -> None:
    for what in ("freeze", "set", "advance", "real"):
        answer = timed.client.post(f"/_bridge/clock/{what}", headers={"origin": "http://elsewhere.example"})
        assert answer.status_code == 403
    assert timed.client.get("/_bridge/clock").json()["mode"] == "real"


def test_it_asks_for_the_control_token() -> None:
    with running(quick(destination(), control_token="turn")) as guarded:
        assert guarded.client.post("/_bridge/clock/freeze").status_code == 401
        assert guarded.client.get("/_bridge/clock").status_code == 401
        headers = {"authorization": "Bearer turn"}
        assert guarded.client.post("/_bridge/clock/freeze", headers=headers).status_code == 200


def test_without_a_word_it_is_the_machine() -> None:
    with running(quick(destination())) as found:
        before = time.time()
        told = read(found).timestamp()
        assert before - 1e-5 <= told <= time.time() + 1e-5


@given(MOMENTS, MOMENTS, st.floats(-1e6, 1e6))
def test_a_shifted_clock_goes_as_its_base(start: float, wanted: float, passed: float) -> None:
    now = [start]
    clock = SandboxClock(lambda: now[0])
    clock.set(wanted)
    assert clock.now() == pytest.approx(wanted, abs=1e-3)
    now[0] += passed
    assert clock.now() == pytest.approx(wanted + passed, abs=1e-3)
    clock.freeze(wanted)
    now[0] += passed
    assert clock.now() == wanted


def test_whoever_subscribed_hears_of_every_turn() -> None:
    clock = SandboxClock(lambda: 5.0)
    heard: list[float] = []
    end = clock.subscribe(lambda: heard.append(clock.now()))
    clock.freeze()
    clock.set(7.0)
    clock.advance(1.5)
    clock.freeze(3.0)
    clock.real()
    clock.advance(2.0)
    assert heard == [5.0, 7.0, 8.5, 3.0, 5.0, 7.0]
    end()
    clock.real()
    assert len(heard) == 6


@pytest.mark.parametrize("at", [-0.001, BEHIND_LAST, float("nan"), float("inf"), float("-inf")])
def test_a_time_that_cannot_be_is_refused_and_nobody_is_told(at: float) -> None:
    clock = SandboxClock(lambda: 5.0)
    heard: list[None] = []
    clock.subscribe(lambda: heard.append(None))
    for turn_it in (clock.set, clock.freeze):
        with pytest.raises(ClockError):
            turn_it(at)
    assert (clock.now(), clock.mode, heard) == (5.0, "real", [])
