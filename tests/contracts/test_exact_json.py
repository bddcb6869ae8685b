"""Numbers keep their digits, and sameness tells booleans, integers and decimals apart."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talon_contracts.exact_json import Json, decode, encode, same_json, same_value
from talon_contracts.strategies.values import numbers, scalars

VALUES = st.recursive(
    st.one_of(scalars(), numbers()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=8,
)


@given(VALUES)
def test_what_is_written_is_read_back_digit_for_digit(value: Json) -> None:
    assert same_json(decode(encode(value)), value)


@given(VALUES, VALUES)
def test_same_json_is_same_value_and_same_text(one: Json, other: Json) -> None:
    if same_json(one, other):
        assert same_value(one, other)
    if encode(one) == encode(other):
        assert same_json(one, other)


@pytest.mark.parametrize(
    ("one", "other", "json", "value"),
    [
        (1, True, False, False),
        (0, False, False, False),
        (1, Decimal("1.0"), False, True),
        (Decimal("1.10"), Decimal("1.1"), False, True),
        (Decimal("0.1"), Decimal("0.10000000000000001"), False, False),
        (2**53, 2**53 + 1, False, False),
        ("1", 1, False, False),
        (None, False, False, False),
        ([1, [True]], [1, [1]], False, False),
        ([1], [1, 1], False, False),
        ([], {}, False, False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True, True),
        ({"a": 1}, {"a": Decimal("1.0")}, False, True),
        ({"a": None}, {}, False, False),
    ],
)
def test_sameness_examples(one: Json, other: Json, json: bool, value: bool) -> None:
    assert same_json(one, other) is same_json(other, one) is json
    assert same_value(one, other) is same_value(other, one) is value


@pytest.mark.parametrize("text", [b"", b"{", b"nul", b'"\xff"', b"[" * 100_000, b"NaN", b"1 2"])
def test_what_is_not_json_is_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError):
        decode(text)


def test_the_last_of_two_members_with_one_key_counts() -> None:
    assert decode(b'{"a": {"b": 1}, "c": 2, "a": 3}') == {"a": 3, "c": 2}


@pytest.mark.parametrize(("text", "same"), [(b"-0", 0), (b"-0.0", 0), (b"1e5", 100_000), (b"1.50", Decimal("1.5"))])
def test_the_notation_of_a_number_may_change(text: bytes, same: Json) -> None:
    assert same_value(decode(encode(decode(text))), same)
