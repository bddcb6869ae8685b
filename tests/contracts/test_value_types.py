"""The attribute types against what the standard library and plain splitting say, all around the edges."""

import calendar
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talon_contracts.exact_json import Json
from talon_contracts.value_types import ATTRIBUTE_TYPES, LIST_TYPES, SCALAR_TYPES, accepts_value
from value_support import edits

GOOD: dict[str, Json] = {
    "string": "",
    "number": Decimal("0.5"),
    "boolean": False,
    "time": "2024-02-29T23:59:59.123-23:59",
    "location": {"format": "point", "object": "-5.25 , 7"},
}
DIGITS = frozenset("0123456789")


def clock(text: str) -> bool:
    """Whether the library reads it as a moment, and would write it the same."""
    try:
        return datetime.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def is_time(text: str) -> bool:
    """A moment of 19 characters, perhaps a fraction, then `Z` or hours and minutes as a moment could have them."""
    text = text.replace("0000", "0400") if text.startswith("0000") else text  # the library knows no year 0
    moment, rest = text[:19], text[19:]
    if rest.startswith("."):
        without = rest[1:].lstrip("0123456789")
        if without == rest[1:]:
            return False
        rest = without
    offset = rest[:1] in ("+", "-") and len(rest) == 6 and clock(f"2024-01-01T{rest[1:]}:00")
    return clock(moment) and (rest == "Z" or offset)


def is_axis(text: str) -> bool:
    whole, point, fraction = text.strip(" ").removeprefix("-").partition(".")
    return all(part and set(part) <= DIGITS for part in ((whole, fraction) if point else (whole,)))


def is_point(text: str) -> bool:
    axes = text.split(",")
    return len(axes) == 2 and all(map(is_axis, axes))


MOMENTS = (
    "2024-02-29T23:59:59.12+23:59",
    "1999-10-08T07:16:35-04:20",
    "2000-01-30T00:00:00Z",
    "2019-12-31T19:39:49.9Z",
)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_time_with_one_slip(moment: str) -> None:
    assert accepts_value("time", moment)
    for text in edits(moment, "0123456789:-+.,TtZz \n٣"):
        assert accepts_value("time", text) == is_time(text), text


def fields() -> Iterator[tuple[str, bool]]:
    """Every number of two digits in each place of a time, and whether it may stand there."""
    for number in range(100):
        yield f"2024-{number:02}-01T00:00:00Z", 1 <= number <= 12
        yield f"2024-01-01T{number:02}:00:00Z", number <= 23
        yield f"2024-01-01T00:{number:02}:00Z", number <= 59
        yield f"2024-01-01T00:00:{number:02}Z", number <= 59
        for sign in "+-":
            yield f"2024-01-01T00:00:00{sign}{number:02}:00", number <= 23
            yield f"2024-01-01T00:00:00{sign}00:{number:02}", number <= 59


def test_every_number_in_each_place_of_a_time() -> None:
    for text, good in fields():
        assert accepts_value("time", text) == good, text


@pytest.mark.parametrize("year", [0, 1, 4, 100, 400, 1900, 2000, 2023, 2024, 2100, 9999])
def test_every_day_of_a_year(year: int) -> None:
    for month in range(1, 13):
        for day in range(34):
            text = f"{year:04}-{month:02}-{day:02}T00:00:00Z"
            assert accepts_value("time", text) == (1 <= day <= calendar.monthrange(year or 400, month)[1]), text


@pytest.mark.parametrize("point", ["5, 7.2", " -12.50 , 0.9 ", "3,-48"])
def test_a_location_with_one_slip(point: str) -> None:
    assert accepts_value("location", {"format": "point", "object": point})
    for text in edits(point, "0195.,+- e\t\n٣"):
        assert accepts_value("location", {"format": "point", "object": text}) == is_point(text), text


NO_LOCATIONS: tuple[Json, ...] = (
    {},
    {"format": "point"},
    {"object": "5,7"},
    {"format": "Point", "object": "5,7"},
    {"format": "point", "object": 5},
    {"format": "point", "object": "5,7", "srid": 1},
)


@pytest.mark.parametrize("value", NO_LOCATIONS)
def test_a_location_has_a_format_and_two_axes(value: Json) -> None:
    assert not accepts_value("location", value)


@pytest.mark.parametrize("attribute_type", SCALAR_TYPES)
@pytest.mark.parametrize("kind", SCALAR_TYPES)
def test_no_value_is_of_two_types_but_text(attribute_type: str, kind: str) -> None:
    accepted = accepts_value(attribute_type, GOOD[kind])
    assert accepted == (attribute_type == kind or (attribute_type, kind) == ("string", "time"))
    assert accepts_value("number", 0)
    assert accepts_value("boolean", True)


@given(st.sampled_from(SCALAR_TYPES), st.lists(st.sampled_from([*GOOD.values(), None, True, 1, "a", {}, []])))
def test_a_list_takes_what_each_of_its_items_takes(item_type: str, items: list[Json]) -> None:
    if item_type == "boolean":
        return
    good = all(accepts_value(item_type, item) for item in items)
    assert accepts_value(f"(list {item_type})", items) == good
    assert not accepts_value(item_type, items)


@pytest.mark.parametrize("attribute_type", LIST_TYPES)
def test_a_list_is_no_text(attribute_type: str) -> None:
    assert not accepts_value(attribute_type, "")
    assert not accepts_value(attribute_type, {})


def test_the_types_of_the_documents() -> None:
    assert SCALAR_TYPES == ("string", "number", "boolean", "time", "location")
    assert LIST_TYPES == ("(list string)", "(list number)", "(list time)", "(list location)")
    assert (*SCALAR_TYPES, *LIST_TYPES) == ATTRIBUTE_TYPES


@pytest.mark.parametrize("attribute_type", ["", "String", "(list boolean)", "list string", "(list string"])
def test_a_type_that_is_none_is_an_error(attribute_type: str) -> None:
    with pytest.raises(ValueError, match=r"Talon\.One has no attribute type"):
        accepts_value(attribute_type, [True])
