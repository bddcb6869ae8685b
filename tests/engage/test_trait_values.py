"""Values of traits: of their type without any coercion, as contracts and emulator have it, with one text each."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engage.reading_support import TEXTS
from talon_bridge import codec
from talon_bridge.engage.computations import VALUE_TYPES, ValueType
from talon_bridge.engage.trait_values import from_text, from_value
from talon_contracts import exact_json
from talon_contracts.value_types import accepts_value
from talon_emulator.values import CHECKS

NUMBERS = st.one_of(
    st.integers(), st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30)
)
NEARLY_TIMES = st.from_regex(
    r"[012][0-9]{3}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.\d{1,3})?"
    r"([Zz]|[+-][0-2][0-9]:[0-6][0-9])?",
    fullmatch=True,
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS, NEARLY_TIMES, st.just({}))
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=3), st.lists(NEARLY_TIMES, max_size=3))
KINDS = st.sampled_from(VALUE_TYPES)


@given(value=VALUES, kind=KINDS)
@example(value=True, kind="boolean")
@example(value="true", kind="boolean")
@example(value="2000-02-29T00:00:00Z", kind="time")
@example(value="1900-02-29T00:00:00Z", kind="time")
@example(value="2023-04-31T00:00:00.5+23:59", kind="time")
@example(value="0000-01-01T00:00:00Z", kind="time")
@example(value="2023-01-01T00:00:00Z\n", kind="time")
@example(value="\u0662023-01-01T00:00:00Z", kind="time")
@example(value=[None], kind="(list string)")
def test_a_type_takes_what_the_contracts_and_the_emulator_say(value: Any, kind: ValueType) -> None:
    text = from_value(value, kind)
    assert (text is not None) == (value is None or (accepts_value(kind, value) and CHECKS[kind](value)))
    assert text is None or exact_json.same_value(exact_json.decode(text), value)


def test_a_time_is_a_real_one_at_every_boundary() -> None:
    days = [
        f"{year}-{month:02}-{day:02}" for year in (1900, 2000, 2023, 2024) for month in range(14) for day in range(33)
    ]
    clocks = [f"{hour:02}:{minute:02}" for hour in range(26) for minute in (0, 9, 10, 59, 60)]
    times = [f"{day}T12:30:30Z" for day in days] + [f"2026-01-31T{clock}:00Z" for clock in clocks]
    times += [f"2026-01-31T00:00:{second:02}{offset}" for second in (0, 9, 59, 60) for offset in ("Z", ".0Z", ".Z", "")]
    times += [f"2026-01-31T00:00:00{sign}{clock}" for sign in "+- " for clock in clocks]
    assert [time for time in times if (from_value(time, "time") is not None) != accepts_value("time", time)] == []


@given(number=NUMBERS, zeros=st.integers(0, 5))
@example(number=Decimal("1E+3"), zeros=0)
@example(number=Decimal("-0.0"), zeros=1)
@example(number=10**30, zeros=2)
def test_equal_numbers_have_one_text(number: int | Decimal, zeros: int) -> None:
    exact = Decimal(number)
    longer = Decimal(f"{exact:f}" + ("" if "." in f"{exact:f}" else ".") + "0" * zeros)
    assert longer == number
    assert from_value(longer, "number") == from_value(number, "number") == from_value(exact, "number")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (2**53 + 1, b"9007199254740993"),
        (Decimal("0.10"), b"0.1"),
        (Decimal("1E+30"), b"1" + b"0" * 30),
        (Decimal("1.5E-30"), b"1.5E-30"),
        (Decimal("0E-999999"), b"0"),
        (Decimal("1E-999999"), b"1E-999999"),
        (Decimal("1E+999999"), None),
        (Decimal("0." + "1" * 4300), b"0." + b"1" * 4300),
        (Decimal("0." + "1" * 4301), None),
        (0.1, b"0.1"),
        (2.0, b"2"),
        (float("nan"), None),
        (float("inf"), None),
        (Decimal("NaN"), None),
    ],
)
def test_numbers_keep_their_digits(number: Any, text: bytes | None) -> None:
    assert from_value(number, "number") == text


@given(text=TEXTS, kind=KINDS)
def test_what_a_text_becomes_is_of_the_type(text: str, kind: ValueType) -> None:
    found = from_text(text, kind)
    assert found is None or accepts_value(kind, codec.value(found)) or (text, found) == ("", b"null")


@given(text=st.one_of(TEXTS, NEARLY_TIMES))
def test_texts_stay_as_they_are(text: str) -> None:
    assert from_text(text, "string") == (codec.encode(text) if text else b"null")
    assert from_text(text, "time") in (None, codec.encode(text) if text else b"null")


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("number", "-1.50", b"-1.5"),
        ("number", "1e2", b"100"),
        ("number", "+5", None),
        ("number", " 5", None),
        ("number", "05", None),
        ("number", "5,0", None),
        ("number", "0x5", None),
        ("number", "1_000", None),
        ("number", "null", None),
        ("number", "1e999", None),
        ("number", "0", b"0"),
        ("number", "9E+9", b"9000000000"),
        ("boolean", "TRUE", b"true"),
        ("boolean", "t", b"true"),
        ("boolean", "False", b"false"),
        ("boolean", "f", b"false"),
        ("boolean", "1", None),
        ("boolean", "yes", None),
        ("time", "2026-01-31T15:04:05+01:00", b'"2026-01-31T15:04:05+01:00"'),
        ("time", "2026-01-31 15:04:05Z", None),
        ("time", "2026-01-31", None),
        ("string", "5", b'"5"'),
        ("(list string)", '["a", "b"]', b'["a","b"]'),
        ("(list number)", "[1.0, 2e1]", b"[1,20]"),
        ("(list number)", "[1, null]", None),
        ("(list time)", '["2026-01-31T15:04:05Z"]', b'["2026-01-31T15:04:05Z"]'),
        ("(list string)", "a, b", None),
        ("(list string)", "null", None),
        ("(list string)", "[]", b"[]"),
    ],
)
def test_texts_become_values(kind: ValueType, text: str, expected: bytes | None) -> None:
    assert from_text(text, kind) == expected
    assert from_text("", kind) == b"null"
