"""Rows of CSV and NDJSON, however they are written and cut: ids come back as they were, no bad row costs another."""

import csv
import io
import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from talon_bridge.engage.problems import EngageError
from talon_bridge.engage.rows import Row
from talon_bridge.engage.sources import CsvOptions, encode
from talon_bridge.engage.sources.csv_rows import CsvRows
from talon_bridge.engage.sources.lines import MAX_LINE
from talon_bridge.engage.sources.ndjson_rows import NdjsonRows

UNSET = msgspec.UNSET
ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
AWKWARD = ["a b", ' "x" ', "a,b", "a;b", "a\tb", "l\nm", "c\rd", "e\r\nf", "'", '"', "=1+1", "é", "😀", "x" * 1000]
awkward = st.sampled_from(AWKWARD)
lists = st.lists(ids | awkward, max_size=12)
cuts = st.lists(st.integers(1, 9), min_size=1, max_size=4)


def fed(reader: CsvRows | NdjsonRows, text: bytes, sizes: list[int]) -> list[Row]:
    """All rows of a text that comes in chunks of these sizes, in turn."""
    rows, at, turn = [], 0, 0
    while at < len(text):
        size = sizes[turn % len(sizes)]
        rows += reader.feed(text[at : at + size])
        at, turn = at + size, turn + 1
    return rows + reader.close()


def of_csv(text: str | bytes, options: CsvOptions | None = None) -> list[Row]:
    return fed(CsvRows("vip", options or CsvOptions()), text.encode() if isinstance(text, str) else text, [7])


def kept(rows: list[Row]) -> list[tuple[str, ...]]:
    return [row.ids for row in rows]


def errors(rows: list[Row]) -> list[tuple[int, str]]:
    return [(row.line, row.error) for row in rows if row.error]


@given(
    lists,
    cuts,
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.booleans(),
    st.booleans(),
)
@example(['"'], [1], ",", "\r\n", csv.QUOTE_MINIMAL, True, True)
@example(["\n"], [1], ",", "\n", csv.QUOTE_MINIMAL, False, False)
def test_csv_is_read_as_it_was_written(
    users: list[str], sizes: list[int], delimiter: str, ending: str, quoting: Any, bom: bool, header: bool
) -> None:
    if any("\r" in user for user in users):
        quoting = (
            csv.QUOTE_ALL
        )  # the writer of Python 3.11 leaves it bare, and a reader cannot tell it from a line's end
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=ending, quoting=quoting)
    writer.writerows([["user_id", "value"]] if header else [])
    writer.writerows([[user, f"v{number}"] for number, user in enumerate(users)])
    text = ("\ufeff" if bom else "") + out.getvalue()
    rows = fed(CsvRows("vip", CsvOptions(header=header, delimiter=delimiter)), text.encode(), sizes)
    assert kept(rows) == [(user,) for user in users]
    assert [row.text for row in rows] == [f"v{number}" for number in range(len(users))]
    assert errors(rows) == []


@given(lists, cuts, st.booleans())
def test_lines_of_json_are_read_as_they_were_written(users: list[str], sizes: list[int], escaped: bool) -> None:
    text = "".join(json.dumps({"userId": user, "value": 1}, ensure_ascii=escaped) + "\n" for user in users)
    rows = fed(NdjsonRows("vip"), text.encode(), sizes)
    assert [(row.ids, row.value, row.line) for row in rows] == [((u,), 1, n) for n, u in enumerate(users, 1)]


@given(st.lists(st.binary(max_size=12), max_size=6), cuts)
def test_garbage_costs_no_good_line_behind_it(garbage: list[bytes], sizes: list[int]) -> None:
    """A line that a reader refuses or takes for something else ends at its line feed, unless a quote is open."""
    junk = b"\n".join(piece.replace(b'"', b"").replace(b"\n", b"") for piece in garbage)
    for reader, good in ((CsvRows("vip", CsvOptions(header=False)), b"good-one"), (NdjsonRows("vip"), b'"good-one"')):
        try:
            rows = fed(reader, b"x\n" + junk + b"\n" + good + b"\n", sizes)
        except EngageError:
            pytest.fail("nothing but a byte order mark of UTF-16 ends a source")
        assert rows[-1].ids == ("good-one",)


rows_strategy = st.builds(
    Row,
    ids=st.lists(ids, max_size=3).map(tuple),
    value=st.just(UNSET) | st.none() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
    text=st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
    line=st.integers(1, 10**6),
    file=st.sampled_from(["", "a.csv"]),
    error=st.sampled_from(["", "its quotes are broken"]),
    excerpt=st.sampled_from(["", "x;y"]),
)


@given(st.lists(rows_strategy, max_size=8), cuts)
def test_rows_are_passed_on_as_they_are(rows: list[Row], sizes: list[int]) -> None:
    assert fed(NdjsonRows("vip"), encode(rows), sizes) == rows


@pytest.mark.parametrize(
    ("text", "users", "values"),
    [
        ("user_id\na\n", ["a"], [None]),
        ("a\nb", ["a", "b"], [None, None]),
        ("name,User ID,vip\nAda,a,5\n", ["a"], ["5"]),
        ("id;email\r\na;x@y\r\n", ["a"], ["x@y"]),
        ("email,user_id,value\nx,a,9\n", ["a"], ["9"]),
        ("a,5\nb,6\n", ["a", "b"], ["5", "6"]),
        ("\n\na\n\n", ["a"], [None]),
        ("userId\tid\na\t7\n", ["a"], ["7"]),
    ],
)
def test_the_columns_are_found(text: str, users: list[str], values: list[str | None]) -> None:
    rows = of_csv(text)
    assert kept(rows) == [(user,) for user in users]
    assert [row.text for row in rows] == values


def test_several_columns_of_user_ids_are_several_ids_of_one_user() -> None:
    assert kept(of_csv("user_id,anonymous_id,user_id\na,x,b\nc,x,\n,x,\n")) == [("a", "b"), ("c",), ()]


def test_columns_are_named_or_counted() -> None:
    text = "mail,who,score\nx,a,5\n"
    for user, value in (("who", "score"), ("2", "3")):
        rows = of_csv(text, CsvOptions(header=True, user_column=user, value_column=value))
        assert [(row.ids, row.text) for row in rows] == [(("a",), "5")]
    for options in (CsvOptions(user_column="whom"), CsvOptions(header=True, value_column="4")):
        with pytest.raises(EngageError, match=r"there is no (user|value) column") as refused:
            of_csv(text, options)
        assert refused.value.hint == "the columns are: mail, who, score"
    with pytest.raises(EngageError, match="cannot separate columns"):
        CsvOptions(delimiter=";;")


def test_what_cannot_be_read_is_told_with_its_line_and_the_rest_goes_on() -> None:
    rows = of_csv(b'user_id\na\nb\xff\n"c"d\ne\n"f\ng\n"h"\n')
    assert kept([row for row in rows if not row.error]) == [("a",), ("e",), ("g",), ("h",)]
    assert [line for line, _ in errors(rows)] == [3, 4, 6]
    assert "UTF-8" in errors(rows)[0][1]
    assert "quotes are broken" in errors(rows)[2][1]
    assert rows[-3].excerpt == '"f'


def test_a_row_without_end_is_refused_within_bounds() -> None:
    for reader, good in ((CsvRows("vip"), b"a\n"), (NdjsonRows("vip"), b'"a"\n')):
        rows = [row for _ in range(40) for row in reader.feed(b"x" * (MAX_LINE // 8))]
        rows += [*reader.feed(b"\n" + good), *reader.close()]
        assert [row.ids for row in rows] == [(), ("a",)]
        assert "the limit is" in rows[0].error
        assert len(rows[0].excerpt) <= 200


def test_utf_16_is_named() -> None:
    for reader in (CsvRows("vip"), NdjsonRows("vip")):
        with pytest.raises(EngageError, match="UTF-16"):
            reader.feed("user_id\na\n".encode("utf-16"))


@pytest.mark.parametrize(
    ("line", "ids_found", "value"),
    [
        ('"a"', ("a",), UNSET),
        ('{"user_id": "a"}', ("a",), UNSET),
        ('{"userId": 42, "value": true}', ("42",), True),
        ('{"id": ["a", 7], "vip": 1.50}', ("a", "7"), Decimal("1.50")),
        ('{"anonymousId": "x"}', (), UNSET),
        ('{"userId": null}', (), UNSET),
        ('""', (), UNSET),
        ('{"userId": "a", "value": null, "more": {"x": 1}}', ("a",), None),
        ('{"userId": "a", "value": 9007199254740993}', ("a",), 9007199254740993),
    ],
)
def test_forms_of_a_line_of_json(line: str, ids_found: tuple[str, ...], value: Any) -> None:
    [row] = fed(NdjsonRows("vip"), line.encode(), [5])
    assert (row.ids, row.value, row.error) == (ids_found, value, "")
    assert str(row.value) == str(value)


@pytest.mark.parametrize(
    "line", ["{", "[1]", "7", '{"userId": {}}', '{"userId": 1.5}', '"\\ud800"', '{"userId": "a"} x']
)
def test_lines_that_are_no_row(line: str) -> None:
    rows = fed(NdjsonRows("vip"), f'"a"\n{line}\n\n"b"'.encode(), [6])
    assert kept(rows) == [("a",), (), ("b",)]
    assert [number for number, _ in errors(rows)] == [2]
    assert rows[2].line == 4
