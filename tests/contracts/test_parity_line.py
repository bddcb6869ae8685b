"""A line is gentle, patient, and reads answers with care; a ledger knows what is left."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts_support import serving
from talon_contracts.parity.belongings import Belonging, Ledger, tag_of
from talon_contracts.parity.line import Answer, Line, Pace
from talon_contracts.parity.observation import Seen, Unknown, Unlike, by_status, observe
from talon_contracts.targets import CannotJudge


class Busy:
    """An app that refuses every other request, and gives the number of those it took."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
            return
        self.asked += 1
        await send({"type": "http.response.start", "status": 429 if self.asked % 2 else 200, "headers": []})
        await send({"type": "http.response.body", "body": b"%d" % (self.asked // 2)})


@pytest.fixture
def line() -> Iterator[Line]:
    with serving(Busy()) as url:
        made = Line(url, Pace(0))
        yield made
        made.close()


def test_a_429_is_waited_out(line: Line) -> None:
    began = time.monotonic()
    assert line.send("GET", "/", {}) == Answer("GET /", 200, b"1")
    assert time.monotonic() - began >= 1


def test_a_429_can_be_asked_for(line: Line) -> None:
    assert [line.send_at_once("GET", "/", {}).status for _ in range(2)] == [429, 200]


@given(st.integers(1, 1000), st.integers(1, 20))
def test_a_pace_waits_for_the_rest_of_each_gap(rate: int, requests: int) -> None:
    waits: list[float] = []
    pace = Pace(rate, waits.append)
    began = time.monotonic()
    for _ in range(requests):
        pace.keep()
    took = time.monotonic() - began
    assert len(waits) < requests
    # No time passes while it waits here, so that the last wait is for all requests before.
    due = (requests - 1) / rate - took
    assert due <= 0 or waits[-1] >= due - 1e-6


def test_a_pace_is_kept() -> None:
    pace = Pace(100)
    began = time.monotonic()
    for _ in range(11):
        pace.keep()
    assert time.monotonic() - began >= 0.099


ANSWER = Answer("GET /x", 200, b'{"data": [{"id": 1}], "none": null}')


def test_an_answer_is_read_as_far_as_it_goes() -> None:
    assert ANSWER.at("data", 0, "id") == 1
    assert ANSWER.at("none") is None
    assert (ANSWER.has("none"), ANSWER.has("some")) == (True, False)
    assert ANSWER.expect(200) is ANSWER


@pytest.mark.parametrize("steps", [("some",), ("data", 1), ("data", "id"), ("data", 0, "id", "x"), (0,), ("none", 0)])
def test_what_an_answer_does_not_have_is_named(steps: tuple[str | int, ...]) -> None:
    place = "".join(f"/{step}" for step in steps)
    with pytest.raises(CannotJudge, match=f"there is no {place} in the answer: GET /x: 200"):
        ANSWER.at(*steps)


def test_an_answer_that_is_no_json_or_has_another_status_judges_nothing() -> None:
    with pytest.raises(CannotJudge, match="not JSON"):
        Answer("GET /x", 200, b"<html>").at("data")
    with pytest.raises(CannotJudge, match="GET /x: 200"):
        ANSWER.expect(404)


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_a_status_that_answers_nothing_is_unknown_unless_it_is_a_choice(status: int) -> None:
    answer = Answer("GET /x", status, b"")
    assert isinstance(observe(lambda ground: by_status(answer, {200: "take"}), None), Unknown)  # type: ignore[arg-type]
    assert observe(lambda ground: by_status(answer, {status: "refuse"}), None) == Seen("refuse")  # type: ignore[arg-type]


def test_any_other_status_is_another_answer() -> None:
    assert by_status(Answer("GET /x", 418, b"tea"), {200: "take"}) == Unlike("GET /x: 418 tea")


def test_a_ledger_keeps_what_is_left_and_notes_each_once() -> None:
    noted: list[Belonging] = []
    ledger = Ledger(noted.append)
    first, second, third = (Belonging("customer", name) for name in "abc")
    for each in (first, second, first, third):
        ledger.add(each)
    ledger.remove(second)
    ledger.remove(second)
    ledger.forget(third)
    assert noted == [first, second, third]
    assert (ledger.kept, ledger.removed) == ((first,), [second])


NAMES = st.text(st.sampled_from("ab0AF-_./\n+x"), max_size=14)
PREFIXES = st.text(st.sampled_from("ab0-_.+"), min_size=1, max_size=4)


@given(PREFIXES, NAMES)
def test_only_a_prefix_and_a_tag_make_a_customer_ours(prefix: str, name: str) -> None:
    tag = name[len(prefix) : len(prefix) + 9]
    ours = name.startswith(prefix) and len(tag) == 9 and tag[8] == "-" and set(tag[:8]) <= set("0123456789abcdef")
    assert tag_of(prefix, name) == (prefix + tag if ours else None)


@given(PREFIXES, st.integers(0, 2**32 - 1), NAMES)
def test_every_customer_of_a_comparison_is_ours(prefix: str, number: int, rest: str) -> None:
    assert tag_of(prefix, f"{prefix}{number:08x}-{rest}") == f"{prefix}{number:08x}-"
