"""Rows of a text with one JSON value a line: what counts as a user, what as a value, and what a bad line costs."""

import json
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from engage.reading_support import IDS, SIZES, TEXTS, ids, read, told
from talon_bridge.engage.problems import EngageError
from talon_bridge.engage.rows import Row
from talon_bridge.engage.sources.lines import MAX_LINE
from talon_bridge.engage.sources.ndjson_rows import NdjsonRows, encode

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), TEXTS, st.sampled_from([Decimal("0.10"), Decimal("1E+30")])),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
ROWS = st.builds(
    Row,
    ids=st.lists(IDS, max_size=3).map(tuple),
    value=st.one_of(st.just(UNSET), VALUES),
    text=st.one_of(st.none(), TEXTS),
    line=st.integers(1, 2**40),
    file=TEXTS,
    error=TEXTS,
    excerpt=TEXTS,
)


def rows(*lines: str, key: str = "spent") -> list[Row]:
    """The rows of these lines."""
    return read(NdjsonRows(key), "\n".join(lines).encode())


@given(users=st.lists(IDS), ascii_only=st.booleans(), end=st.sampled_from(["\n", "\r\n", " \n"]), sizes=SIZES)
def test_ids_come_back_as_they_were_written(users: list[str], ascii_only: bool, end: str, sizes: list[int]) -> None:
    lines = [
        json.dumps(user if place % 2 else {"user_id": user}, ensure_ascii=ascii_only)
        for place, user in enumerate(users)
    ]
    assert ids(read(NdjsonRows("spent"), end.join(lines).encode(), sizes)) == [(user,) for user in users]


@given(sent=st.lists(ROWS), sizes=SIZES)
def test_rows_come_back_as_they_were_sent(sent: list[Row], sizes: list[int]) -> None:
    assert read(NdjsonRows("spent"), encode(sent), sizes) == sent


@given(
    pieces=st.lists(st.sampled_from([b'"u1"', b"\n", b"{", b"}", b'"id":', b"7", b"\xff", b" ", b"[", b",", b"\\"])),
    sizes=SIZES,
)
def test_where_the_text_is_cut_changes_nothing(pieces: list[bytes], sizes: list[int]) -> None:
    text = b'"u0"\n' + b"".join(pieces)
    assert read(NdjsonRows("spent"), text, sizes) == read(NdjsonRows("spent"), text)


@given(before=st.binary(max_size=40), sizes=SIZES)
def test_garbage_loses_no_good_line(before: bytes, sizes: list[int]) -> None:
    found = read(NdjsonRows("spent"), b'"u1"\n' + before + b'\n"u2"', sizes)
    assert (found[0].ids, found[-1].ids) == (("u1",), ("u2",))
    assert found[-1].line == before.count(b"\n") + 3


def test_what_counts_as_a_user() -> None:
    found = rows(
        '"u1"',
        '{"user_id": "u2"}',
        '{"userId": "u3", "id": 9}',
        '{"id": 123456789012345678901234567890}',
        '{"user_id": ["u5", 5, "", "u5"], "id": "x"}',
        '{"user_id": null, "id": "u6"}',
        '{"anonymousId": "a7"}',
        '""',
        "{}",
    )
    expected = ["u1", "u2", "u3", "123456789012345678901234567890", "u5+5+u5", "u6", "", "", ""]
    assert told(found) == list(enumerate(expected, 1))


def test_what_counts_as_a_value() -> None:
    found = rows(
        '{"id": "u1", "value": 1.50}',
        '{"id": "u2", "spent": [true]}',
        '{"id": "u3", "spent": 1, "value": null}',
        '{"id": "u4", "text": "5"}',
        '{"id": "u5", "other": 1}',
        '{"id": "u6", "text": 5, "line": "x", "file": 3, "error": null, "excerpt": {}}',
    )
    assert [row.value for row in found] == [Decimal("1.50"), [True], None, UNSET, UNSET, UNSET]
    assert [row.text for row in found] == [None, None, None, "5", None, None]
    assert told(found) == [(place, f"u{place}") for place in range(1, 7)]


@pytest.mark.parametrize("key", ["value", "id", "line", "text", "userId", "of_key"])
def test_any_key_can_be_the_key(key: str) -> None:
    (row,) = rows('{"user_id": "u1", "value": 5}', key=key)
    assert (row.ids, row.value) == (("u1",), 5)


def test_what_another_reader_says_is_passed_on() -> None:
    assert told(rows('{"user_id": "u1", "line": 7}', '{"user_id": "u2", "line": 9}')) == [(7, "u1"), (9, "u2")]
    (row,) = rows('{"line": 7, "file": "a.csv", "error": "too few cells", "excerpt": "x,"}')
    assert row == Row(line=7, file="a.csv", error="too few cells", excerpt="x,")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "ends too early"),
        ("u2", "malformed"),
        ("[1]", "expected"),
        ("5", "expected"),
        ('{"id": 1.5}', "/id: .*a whole number.*found number"),
        ('{"user_id": ["a", 1e3]}', "/user_id/1: .*a whole number"),
        ('{"id": true}', "/id: .*found boolean"),
        ('{"id": ["u2", {}]}', "/id"),
        ('"u2" "u3"', "malformed"),
        ('{"id":\n"u2"}', "malformed|ends too early"),
        ('"\\ud800"', "surrogate"),
        ('{"id": "u2", "value": 1e999}', "range of a double"),
        ('{"id": "u2", "value": ' + "9" * 4301 + "}", "out of range"),
        ("[" * 100000, "too long"),
        ('{"x": ' * 9000 + "1" + "}" * 9000, "deeper|too long"),
    ],
)
def test_a_bad_line_is_refused_alone(line: str, words: str) -> None:

    found = rows('"u1"', line, '"u9"')
    assert [row.ids for row in (found[0], found[-1])] == [("u1",), ("u9",)]
    assert all(re.search(words, row.error) and row.excerpt for row in found[1:-1])
    assert len(found) == line.count("\n") + 3


def test_a_line_that_is_no_text_is_refused_alone() -> None:
    found = read(NdjsonRows("spent"), b'"u1"\n\n{"id": "u2", "name": "\xff"}\r\n"u3"')
    assert told(found) == [(1, "u1"), (3, "the text is not valid UTF-8 at byte 22"), (4, "u3")]


@pytest.mark.parametrize("sizes", [(), (9,), (MAX_LINE,), (MAX_LINE + 1, 3), (70000, 70000)])
def test_a_long_line_is_refused_however_it_comes(sizes: tuple[int, ...]) -> None:
    text = b'"' + b"x" * MAX_LINE + b'"\n"u2"\n'
    found = read(NdjsonRows("spent"), text, sizes)
    assert told(found) == [(1, f"the row is too long: the limit is {MAX_LINE} bytes"), (2, "u2")]


def test_a_byte_order_mark_is_passed_over() -> None:
    assert told(read(NdjsonRows("spent"), b'\xef\xbb\xbf"u1"\n')) == [(1, "u1")]


def test_an_array_is_one_clear_error() -> None:
    with pytest.raises(EngageError, match="JSON array") as caught:
        rows("", " [", '"u1"]')
    assert "jq" in caught.value.hint


def test_two_values_on_a_line_are_no_row_though_an_empty_line_makes_up_for_them() -> None:
    found = [*(reader := NdjsonRows("vip")).feed(b'"a" "b"\n\n"c"\n'), *reader.close()]
    assert [(row.line, row.ids, bool(row.error)) for row in found] == [(1, (), True), (3, ("c",), False)]


def test_a_line_number_beyond_all_is_not_taken_over() -> None:
    reader = NdjsonRows("vip")
    found = reader.feed(
        b'{"user_id": "a", "line": 9223372036854775808}\n{"user_id": "b", "line": 9223372036854775807}\n'
    )
    assert [row.line for row in found] == [1, 9223372036854775807]
