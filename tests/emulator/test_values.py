"""The nine attribute types against a slow and obvious oracle."""

import calendar
import string
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator_support import pure
from talon_emulator.attributes import TYPES
from talon_emulator.values import CHECKS, NOUNS, PLAIN, show, text_of
from value_support import edits

DIGITS = set(string.digits)


def oracle_time(value: Any) -> bool:
    if not isinstance(value, str) or len(value) < len("2030-01-01T00:00:00Z"):
        return False
    date, mark, rest = value[:10], value[10], value[11:]
    clock, rest = rest[:8], rest[8:]
    if mark != "T" or date[4] != "-" or date[7] != "-" or clock[2] != ":" or clock[5] != ":":
        return False
    numbers = [date[:4], date[5:7], date[8:], clock[:2], clock[3:5], clock[6:]]
    if not all(set(number) <= DIGITS for number in numbers):
        return False
    year, month, day, hour, minute, second = map(int, numbers)
    # The calendar repeats every 400 years; the module knows no year 0.
    if not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(year or 400, month)[1]:
        return False
    if hour > 23 or minute > 59 or second > 59:
        return False
    if rest.startswith("."):
        fraction = rest[1:].rstrip("Z") if rest.endswith("Z") else rest[1:-6]
        if not fraction or not set(fraction) <= DIGITS:
            return False
        rest = rest[1 + len(fraction) :]
    if rest == "Z":
        return True
    if len(rest) != 6 or rest[0] not in "+-" or rest[3] != ":" or not set(rest[1:3] + rest[4:]) <= DIGITS:
        return False
    return int(rest[1:3]) < 24 and int(rest[4:]) < 60


def oracle_axis(text: str) -> bool:
    whole, dot, fraction = text.strip(" ").removeprefix("-").partition(".")
    return bool(whole) and set(whole) <= DIGITS and (not dot or bool(fraction)) and set(fraction) <= DIGITS


def oracle_location(value: Any) -> bool:
    if not isinstance(value, dict) or sorted(value) != ["format", "object"]:
        return False
    if value["format"] != "point" or not isinstance(value["object"], str):
        return False
    axes = value["object"].split(",")
    return len(axes) == 2 and all(map(oracle_axis, axes))


def oracle(kind: str, value: Any) -> bool:
    if kind.startswith("(list "):
        inner = kind.removeprefix("(list ").removesuffix(")")
        return isinstance(value, list) and all(oracle(inner, item) for item in value)
    if kind == "string":
        return isinstance(value, str)
    if kind == "boolean":
        return value is True or value is False
    if kind == "number":
        return isinstance(value, int | Decimal) and value is not True and value is not False
    return {"time": oracle_time, "location": oracle_location}[kind](value)


two = st.integers(0, 99).map(lambda number: f"{number:02}")
times = st.builds(
    lambda year, month, day, mark, hour, minute, second, fraction, zone: (
        f"{year:04}-{month:02}-{day:02}{mark}{hour:02}:{minute:02}:{second:02}{fraction}{zone}"
    ),
    st.integers(0, 9999),
    st.integers(0, 13),
    st.integers(0, 32),
    st.sampled_from("TTTTTt "),
    st.integers(0, 25),
    st.integers(0, 61),
    st.integers(0, 61),
    st.sampled_from(["", "", ".1", ".1234567", ".", ",5", ".1x"]),
    st.sampled_from(["Z", "Z", "z", "", "+00:00", "-23:59", "+24:00", "+07:60", "+0700", "Z\n", "٠"]),
)
real_times = st.datetimes().map(lambda moment: moment.isoformat() + "Z")
axes = st.sampled_from(["5", "-7.2", "0", "1.", ".5", "+3", "", "x", "٣", "1e3", "00"])
points = st.builds(lambda x, gap, y: f"{x}{gap}{y}", axes, st.sampled_from([",", ", ", " , ", ";", ",,"]), axes)
locations = st.fixed_dictionaries(
    {"format": st.sampled_from(["point", "point", "polygon", 1]), "object": st.one_of(points, points, st.integers())},
    optional={"srid": st.just(1)},
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.text(),
    st.integers().map(str),
    st.sampled_from(["true", "false", "2030-01-01", "1893456000"]),
    times,
    real_times,
    locations,
)
values = st.one_of(
    scalars, st.lists(scalars, max_size=3), st.lists(real_times), st.lists(st.text()), st.lists(locations)
)


@pytest.mark.parametrize("kind", TYPES)
@pure
@given(value=values)
def test_takes_what_the_oracle_takes(kind: str, value: Any) -> None:
    assert CHECKS[kind](value) == oracle(kind, value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("string", ""),
        ("number", 0),
        ("number", Decimal("0.872")),
        ("number", 10**30),
        ("boolean", False),
        ("time", "2012-07-09T19:22:09.1440844Z"),
        ("time", "2026-01-21T15:04:05+07:00"),
        ("time", "2024-02-29T00:00:00Z"),
        ("time", "0000-02-29T23:59:59-23:59"),
        ("(list string)", []),
        ("(list number)", [1, Decimal("2.5")]),
        ("location", {"format": "point", "object": "5, 7.2"}),
        ("(list location)", [{"format": "point", "object": "-5,7"}]),
    ],
)
def test_takes_examples(kind: str, value: Any) -> None:
    assert oracle(kind, value)
    assert CHECKS[kind](value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("string", 5),
        ("string", False),
        ("number", "5"),
        ("number", True),
        ("boolean", "true"),
        ("boolean", 1),
        ("time", "2023-02-29T00:00:00Z"),
        ("time", "1900-02-29T00:00:00Z"),
        ("time", "2030-01-01T00:00:60Z"),
        ("time", "2030-01-01T00:00:00Z\n"),
        ("time", "2030-01-01"),
        ("time", "2030-01-01T00:00:00"),
        ("time", 1893456000),
        ("(list string)", "a"),
        ("(list string)", ["a", None]),
        ("(list string)", [["a"]]),
        ("(list number)", [1, True]),
        ("location", "5, 7.2"),
        ("location", {"format": "point"}),
    ],
)
def test_refuses_examples(kind: str, value: Any) -> None:
    assert not oracle(kind, value)
    assert not CHECKS[kind](value)


def test_every_type_has_a_check_and_a_noun() -> None:
    assert set(CHECKS) == set(NOUNS) == set(TYPES)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (False, "false"),
        (True, "true"),
        (None, "<nil>"),
        (9007199254740993, "9007199254740993"),
        (Decimal("0.10"), "0.10"),
        (["a", 1, None], "[a 1 <nil>]"),
        ({"b": 1, "a": [True]}, "map[a:[true] b:1]"),
        ("x" * 201, "x" * 200 + "..."),
    ],
)
def test_shows_values_as_go_does(value: Any, shown: str) -> None:
    assert show(value) == shown


@pytest.mark.parametrize(
    "moment",
    [
        "2024-02-29T23:59:59.12+23:59",
        "1999-10-08T07:16:35-04:20",
        "2000-01-30T00:00:00Z",
        "2019-12-31T19:39:49.9Z",
        "2023-11-20T10:28:08+10:09",
    ],
)
def test_a_time_with_one_slip(moment: str) -> None:
    assert CHECKS["time"](moment)
    for text in edits(moment, "0123456789:-+.,TtZz \n٣"):
        assert CHECKS["time"](text) == oracle_time(text), text


@pytest.mark.parametrize("year", [0, 1, 4, 100, 400, 1900, 2000, 2023, 2024, 2100, 9999])
def test_every_day_of_a_year(year: int) -> None:
    for month in range(14):
        for day in range(34):
            text = f"{year:04}-{month:02}-{day:02}T00:00:00Z"
            assert CHECKS["time"](text) == oracle_time(text), text


def test_every_number_in_each_place_of_a_time() -> None:
    places = ("T{}:00:00Z", "T00:{}:00Z", "T00:00:{}Z", "T00:00:00+{}:00", "T00:00:00-{}:00", "T00:00:00+00:{}")
    for number in range(100):
        for place in places:
            text = "2024-01-01" + place.format(f"{number:02}")
            assert CHECKS["time"](text) == oracle_time(text), text


@pytest.mark.parametrize("point", ["5, 7.2", " -12.50 , 0.9 ", "3,-48"])
def test_a_location_with_one_slip(point: str) -> None:
    assert CHECKS["location"]({"format": "point", "object": point})
    for text in edits(point, "0195.,+- e\t\n٣"):
        value = {"format": "point", "object": text}
        assert CHECKS["location"](value) == oracle_location(value), text


@pytest.mark.parametrize(
    "value", [{}, {"object": "5,7"}, {"format": "Point", "object": "5,7"}, {"format": "point", "object": 5}, [], "5,7"]
)
def test_no_location(value: Any) -> None:
    assert not CHECKS["location"](value)
    assert not CHECKS["(list location)"]([value])


def test_what_needs_no_check_passes_it() -> None:
    assert {"string": str, "number": int, "boolean": bool} == PLAIN


@pytest.mark.parametrize("length", [0, 1, 199, 200, 201, 1000])
def test_what_is_shown_fits_a_message(length: int) -> None:
    text = "x" * length
    assert text_of(text) == text
    assert show(text) == (text if length <= 200 else "x" * 200 + "...")


@pytest.mark.parametrize(("value", "shown"), [([], "[]"), ({}, "map[]"), (["a"], "[a]"), ({"a": 1}, "map[a:1]")])
def test_shows_what_is_empty_and_what_is_alone(value: Any, shown: str) -> None:
    assert show(value) == shown
