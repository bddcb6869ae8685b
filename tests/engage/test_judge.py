"""What is kept of rows: members with values of the type, and a reason for every row that is not used."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from engage.reading_support import IDS, TEXTS
from talon_bridge.engage.computations import Computation, ValueType
from talon_bridge.engage.judge import EXCERPT, MAX_VALUE, Judge, Judged
from talon_bridge.engage.rows import Member, Refused, Row

AUDIENCE = Computation("buyers", "audience", "Buyers", "buyers")
TRAIT = Computation("spent", "computed_trait", "Spent", "spent", type="number")

ROWS = st.builds(
    Row,
    ids=st.lists(st.one_of(IDS, st.sampled_from([".", "..", "x" * 1000, "x" * 1001])), max_size=3).map(tuple),
    value=st.sampled_from([UNSET, None, 5, "5", True]),
    text=st.sampled_from([None, "", "5", "x"]),
    line=st.integers(1, 9),
    error=st.sampled_from(["", "", "too few cells"]),
    excerpt=TEXTS,
)


def judged(*rows: Row, computation: Computation = AUDIENCE) -> Judged:
    """What is kept of these rows."""
    return Judge(computation).judge(rows)


@given(rows=st.lists(ROWS, max_size=4), computation=st.sampled_from([AUDIENCE, TRAIT]))
def test_every_row_is_members_or_refused(rows: list[Row], computation: Computation) -> None:
    found = judged(*rows, computation=computation)
    alone = [judged(row, computation=computation) for row in rows]
    assert found == Judged(
        [member for one in alone for member in one.members],
        [refused for one in alone for refused in one.refused],
        sum(one.anonymous for one in alone),
    )
    for row, one in zip(rows, alone, strict=True):
        assert bool(one.members) != bool(one.refused)
        assert {member.user_id for member in one.members} in (set(), set(row.ids))
        assert all(refused.reason and len(refused.excerpt) <= max(EXCERPT, len(row.excerpt)) for refused in one.refused)
        assert one.anonymous == (not row.ids and not row.error)


def test_a_member_for_each_id() -> None:
    found = judged(Row(("u1", "e1", "u1"), line=3, file="a.csv"))
    assert found.members == [Member("u1", b"true", 3, "a.csv"), Member("e1", b"true", 3, "a.csv")]


@pytest.mark.parametrize("value", [False, "no", None, UNSET])
def test_who_is_in_an_audience_s_source_is_a_member(value: Any) -> None:
    assert judged(Row(("u1",), value, "false")).members == [Member("u1", b"true")]


@pytest.mark.parametrize("user", [" u1 ", "U1", "a/b", "%2F", "...", "😀", "\0", "x" * 1000])
def test_ids_are_taken_as_they_are(user: str) -> None:
    assert [member.user_id for member in judged(Row((user,))).members] == [user]


@pytest.mark.parametrize(
    ("row", "words", "excerpt"),
    [
        (Row(line=3, file="f"), "ID-2", ""),
        (Row(excerpt=",5"), "ID-2", ",5"),
        (Row((".",)), "ID-1", "."),
        (Row(("u1", "..")), "'..'", "u1, .."),
        (Row(("x" * 1001,)), "1001 characters.*at most 1000", "x" * 200),
        (Row(error="too few cells", excerpt="x"), "too few cells", "x"),
        (Row(("u1",)), "there is no value", "u1"),
        (Row(("u1",), "5"), "no number", 'u1, "5"'),
        (Row(("u1",), {"a": 1}), "no number", 'u1, {"a":1}'),
        (Row(("u1",), text="five"), "no number", "u1, five"),
    ],
)
def test_refused_rows_say_why(row: Row, words: str, excerpt: str) -> None:

    (refused,) = judged(row, computation=TRAIT).refused
    assert re.search(words, refused.reason)
    assert refused == Refused(row.line, row.file, refused.reason, excerpt)


@pytest.mark.parametrize(
    ("type", "words"),
    [
        ("string", "no string"),
        ("number", "no number"),
        ("boolean", "neither true nor false"),
        ("time", "no time like 2026-"),
        ("(list string)", "no list of strings, which is a JSON array"),
        ("(list number)", "no list of numbers, which is a JSON array"),
        ("(list time)", "no list of times, which is a JSON array of times like 2026-"),
    ],
)
def test_a_value_of_another_type_says_what_is_asked_for(type: ValueType, words: str) -> None:
    trait = Computation("x", "computed_trait", "X", "x", type=type)
    (refused,) = judged(Row(("u1",), {}), computation=trait).refused
    assert refused.reason.startswith(f"the value is {words}")
    assert refused.reason.endswith("(ATT-2)")


@pytest.mark.parametrize("more", [0, 1])
def test_a_value_is_bounded(more: int) -> None:
    trait = Computation("x", "computed_trait", "X", "x", type="string")
    found = judged(Row(("u1",), "x" * (MAX_VALUE - 2 + more)), computation=trait)
    assert [refused.reason for refused in found.refused] == [
        f"the value has {MAX_VALUE + 1} bytes; the limit is {MAX_VALUE}"
    ] * more


def test_a_trait_s_value_is_typed_or_text() -> None:
    found = judged(
        Row(("u1",), 1.5), Row(("u2",), text="1.50"), Row(("u3",), None), Row(("u4",), text=""), computation=TRAIT
    )
    assert [member.value for member in found.members] == [b"1.5", b"1.5", b"null", b"null"]
    assert judged(Row(("u1",), 5, "x"), computation=TRAIT).members == [Member("u1", b"5")]
