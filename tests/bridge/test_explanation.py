"""What became of each trait once Talon.One has spoken, or has not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talon_bridge.explanation import Refusal, TraitExplanation, Verdict, delivered, refusal, refused, undelivered

WAITING = TraitExplanation("/a", "a", 1, Verdict.WAITING)
BESIDE = TraitExplanation("/b/c", "b_c", "x", Verdict.WAITING)
WITHHELD = TraitExplanation("/z", "z", 1, Verdict.WITHHELD, "MAP-3", "z is not in Custom Attributes")
TRAITS = (WAITING, BESIDE, WITHHELD)


def body(*errors: Any, message: str = "invalid request") -> bytes:
    return json.dumps({"message": message, "errors": errors, "StatusCode": 400}).encode()


def error(pointer: str, details: str = "", title: str = "invalid") -> dict[str, Any]:
    return {"title": title, "details": details, "source": {"pointer": pointer, "parameter": "x"}}


def test_what_was_withheld_stays_so() -> None:
    for settled in (delivered(TRAITS), refused(TRAITS, Refusal(400, "", {})), undelivered(TRAITS, "gone")):
        assert settled[2] == WITHHELD
        assert [trait.pointer for trait in settled] == ["/a", "/b/c", "/z"]
        assert Verdict.WAITING not in {trait.verdict for trait in settled}


def test_delivered_and_undelivered() -> None:
    assert {trait.verdict for trait in delivered(TRAITS)[:2]} == {Verdict.SENT}
    lost = undelivered(TRAITS, "the retry window is over")
    assert {(trait.verdict, trait.reason) for trait in lost[:2]} == {(Verdict.UNDELIVERED, "the retry window is over")}


def test_the_culprit_is_named_and_its_neighbours_too() -> None:
    answer = refusal(400, body(error("/attributes/a", "attribute 'a' is not defined")))
    culprit, neighbour, _ = refused(TRAITS, answer)
    assert (culprit.rule, culprit.reason) == ("ATT-1", "attribute 'a' is not defined")
    assert neighbour.verdict is Verdict.REFUSED
    assert neighbour.reason == "the whole request was refused (400) because of a"


def test_a_wrong_type_is_another_rule() -> None:
    answer = refusal(400, body(error("/attributes/a", "must be a string"), error("/attributes/b_c", "", "no number")))
    first, second, _ = refused(TRAITS, answer)
    assert [(trait.rule, trait.reason) for trait in (first, second)] == [
        ("ATT-2", "must be a string"),
        ("ATT-2", "no number"),
    ]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", ""),
        (b"<html>Bad gateway</html>", "<html>Bad gateway</html>"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"x" * 1000, "x" * 200),
        (b"[]", "[]"),
        (b'{"message":5}', '{"message":5}'),
        (b'{"message":"m","errors":null}', "m"),
        (b"[" * 5000, "[" * 200),
    ],
)
def test_an_answer_of_another_shape_becomes_the_message(raw: bytes, message: str) -> None:
    assert refusal(400, raw) == Refusal(400, message, {})


def test_pointers_are_unescaped_and_others_left_out() -> None:
    raw = body(error("/attributes/a~1b~0c", "d"), error("/integrationId", "x"), {"title": "no source"})
    assert refusal(400, raw).attributes == {"a/b~c": "d"}


@given(st.binary(max_size=300))
def test_any_answer_can_be_read(raw: bytes) -> None:
    assert len(refusal(502, raw).message) <= max(200, len(raw))
