"""Merged updates leave what one request per event would have left, refusals included (DEL-2)."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from talon_bridge.mapping import Request
from talon_bridge.merging import how_many, implied, merged

TIMES = ["2024-01-01T00:00:00Z", "2024-06-30T12:00:00.5+02:00"]
VALUES = [None, True, False, 0, 5, 2**60, "", "Berlin", "Atlantis", "2024-13-01T00:00:00Z", *TIMES, [], ["a"], [1]]
Kind = Callable[[Any], bool]


def _is_time(value: Any) -> bool:
    return isinstance(value, str) and re.match(r"\d{4}-(0[1-9]|1[0-2])-", value) is not None


KINDS: dict[str, Kind] = {
    "string": lambda value: isinstance(value, str),
    "city": lambda value: value in ("Berlin", ""),
    "time": _is_time,
    "number": lambda value: isinstance(value, int) and not isinstance(value, bool) and value < 2**53,
    "boolean": lambda value: isinstance(value, bool),
    "strings": lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value),
}

definitions = st.dictionaries(st.sampled_from("abc"), st.sampled_from(sorted(KINDS)))
patches = st.dictionaries(st.sampled_from("abc"), st.sampled_from(VALUES), min_size=1)
histories = st.lists(patches, min_size=1, max_size=8)


def apply(profile: dict[str, Any], patch: dict[str, Any], defined: dict[str, str]) -> bool:
    """Talon.One in five lines: all of a patch or nothing; null deletes. Whether it was taken."""
    if not all(name in defined and (value is None or KINDS[defined[name]](value)) for name, value in patch.items()):
        return False
    profile.update(patch)
    for name in [name for name, value in profile.items() if value is None]:
        del profile[name]
    return True


def one_by_one(history: list[dict[str, Any]], defined: dict[str, str]) -> tuple[dict[str, Any], list[bool]]:
    profile: dict[str, Any] = {}
    return profile, [apply(profile, patch, defined) for patch in history]


def as_the_bridge_does(
    history: list[dict[str, Any]], defined: dict[str, str], many: Callable[[list[Request]], int]
) -> tuple[dict[str, Any], list[bool]]:
    profile: dict[str, Any] = {}
    taken: list[bool] = []
    left = [Request("u", patch) for patch in history]
    while left:
        group = left[: many(left)]
        if apply(profile, merged(group).attributes, defined):
            taken += [True] * len(group)
        else:
            taken += [apply(profile, request.attributes, defined) for request in group]
        left = left[len(group) :]
    return profile, taken


@given(histories, definitions)
@example([{"a": "Atlantis", "b": 1}, {"a": "Berlin"}], {"a": "city", "b": "number"})
@example([{"a": 5, "b": True}, {"a": None}], {"a": "string", "b": "boolean"})
@example([{"a": None}, {"a": 5}, {"a": None}], {"a": "number"})
def test_merging_changes_nothing(history: list[dict[str, Any]], defined: dict[str, str]) -> None:
    assert as_the_bridge_does(history, defined, how_many) == one_by_one(history, defined)


@pytest.mark.parametrize(
    "wrong", [len, lambda left: 2 if len(left) > 1 and left[0].attributes.keys() == left[1].attributes.keys() else 1]
)
def test_the_property_catches_those_that_merge_too_much(wrong: Callable[[list[Request]], int]) -> None:
    history = [{"a": "Atlantis"}, {"a": "Berlin"}]
    assert as_the_bridge_does(history, {"a": "city"}, wrong) != one_by_one(history, {"a": "city"})


def test_what_is_common_is_merged() -> None:
    same = {"email": "ada@example.com", "vip": True, "age": 1, "seen": TIMES[0]}
    later = {**same, "vip": False, "age": 2, "seen": TIMES[1]}
    requests = [Request("u", same), Request("u", later), Request("u", {"name": None}), Request("u", {"name": "Ada"})]
    assert how_many(requests) == 4
    assert merged(requests).attributes == {**later, "name": "Ada"}


def test_no_more_is_asked_for_than_is_looked_at() -> None:
    asked = iter([Request("u", {"a": "x"}), Request("u", {"a": "y"}), Request("u", {"a": "z"})])
    assert how_many(asked) == 1
    assert next(asked).attributes == {"a": "z"}


@pytest.mark.parametrize(
    "text", ["2024-13-01T00:00:00Z", "2024-01-01", "2024-01-01T00:00:00", "２０２４-01-01T00:00:00Z"]
)
def test_what_only_looks_like_a_time_is_a_string(text: str) -> None:
    assert not implied(text, TIMES[0])
    assert not implied(TIMES[0], text)
