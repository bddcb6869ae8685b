"""A refused bulk update is taken apart until the refused profile is alone."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talon_bridge.bulk import taken_apart
from talon_bridge.outcome import Answer


def refusal(*places: int, status: int = 400) -> Answer:
    errors = [{"title": "t", "source": {"pointer": f"/customerProfiles/{place}/attributes/n"}} for place in places]
    return Answer(status, {}, json.dumps({"message": "m", "errors": errors}).encode())


@given(st.integers(2, 1000), st.lists(st.integers(0, 1200), max_size=5))
def test_every_profile_is_tried_again_once_and_in_smaller_groups(many: int, named: list[int]) -> None:
    groups = taken_apart(refusal(*named), many)
    assert sorted(place for group in groups for place in group) == list(range(many))
    assert all(0 < len(group) < many for group in groups)


def test_those_that_are_named_are_alone_and_all_others_together() -> None:
    assert taken_apart(refusal(3, 1, 3), 6) == [[1], [3], [0, 2, 4, 5]]


def test_where_all_or_none_are_named_it_is_halves() -> None:
    assert taken_apart(refusal(), 5) == [[0, 1], [2, 3, 4]]
    assert taken_apart(refusal(0, 1), 2) == [[0], [1]]


@pytest.mark.parametrize("status", [404, 405, 501])
def test_where_there_is_no_bulk_update_each_goes_alone(status: int) -> None:
    assert taken_apart(Answer(status, {}, b""), 3) == [[0], [1], [2]]


@pytest.mark.parametrize(
    "body", [b"", b"no", b"\xff", b"[]", b'{"errors":[{}]}', b'{"errors":[{"source":{"pointer":"/x/1"}}]}']
)
def test_an_answer_that_says_nothing_is_halves(body: bytes) -> None:
    assert taken_apart(Answer(400, {}, body), 4) == [[0, 1], [2, 3]]
