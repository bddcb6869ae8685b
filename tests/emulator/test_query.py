"""Query strings, decoded strictly."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator_support import pure
from talon_emulator import query
from talon_emulator.errors import Refusal

texts = st.text(st.characters(codec="utf-8"))


@pure
@given(st.dictionaries(texts.filter(bool), texts, max_size=4))
def test_round_trip(parameters: dict[str, str]) -> None:
    assert query.parse(urlencode(parameters).encode()) == parameters


@pytest.mark.parametrize("raw", [b"a=%", b"a=%zz", b"a=%ff", b"%ff=1", b"a=\xff"])
def test_refuses_what_cannot_be_decoded(raw: bytes) -> None:
    refusal = query.parse(raw)
    assert isinstance(refusal, Refusal)
    assert refusal.status == 400


def test_the_first_of_two_counts() -> None:
    assert query.parse(b"a=1&a=2&b") == {"a": "1", "b": ""}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("True", True),
        ("1", True),
        ("false", False),
        ("F", False),
        ("yes", None),
        ("", None),
        ("tRue", None),
    ],
)
def test_booleans(text: str, value: bool | None) -> None:
    outcome = query.boolean({"dry": text}, "dry")
    if value is not None:
        assert outcome is value
        return
    assert isinstance(outcome, Refusal)
    assert outcome.errors[0].source == {"parameter": "dry"}


@pytest.mark.parametrize("text", ["0", "1001", "-1", "1.0", "ten", "", "9" * 30, "٣", "+5"])
def test_integers_outside_the_bounds(text: str) -> None:
    outcome = query.integer({"pageSize": text}, "pageSize", 10, 1, 1000)
    assert isinstance(outcome, Refusal)
    assert outcome.errors[0].source == {"parameter": "pageSize"}


def test_defaults() -> None:
    assert query.integer({}, "pageSize", 10, 1, 1000) == 10
    assert query.integer({"pageSize": "1000"}, "pageSize", 10, 1, 1000) == 1000
    assert query.boolean({}, "dry") is False
