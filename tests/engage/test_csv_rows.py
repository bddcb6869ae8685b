"""Rows of a CSV text: every dialect, cut anywhere, and what is broken costs one line."""

import csv
import gzip
import io
import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from engage.reading_support import IDS, SIZES, TEXTS, ids, read, told
from talon_bridge.engage.problems import EngageError
from talon_bridge.engage.rows import Row
from talon_bridge.engage.sources import csv_rows
from talon_bridge.engage.sources.columns import CsvOptions
from talon_bridge.engage.sources.csv_rows import CsvRows
from talon_bridge.engage.sources.lines import MAX_LINE

BOM = b"\xef\xbb\xbf"
LONG = b"x" * (MAX_LINE + 1)


def rows(text: bytes, sizes: Sequence[int] = (), /, **options: Any) -> list[Row]:
    """The rows of a table."""
    return read(CsvRows("spent", CsvOptions(**options)), text, sizes)


def written(table: Sequence[Sequence[str]], delimiter: str, end: str, quoting: int) -> bytes:
    """The table as Python's own writer has it."""
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(table)  # type: ignore[arg-type]
    return file.getvalue().encode()


@given(
    users=st.lists(IDS, min_size=1),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
    everything=st.booleans(),
    bom=st.booleans(),
    sizes=SIZES,
)
@example(users=["a\r\nb\n\nc", '"'], delimiter=",", end="\n", everything=True, bom=True, sizes=[1, 1, 1, 4])
def test_ids_come_back_as_they_were_written(
    users: list[str], delimiter: str, end: str, everything: bool, bom: bool, sizes: list[int]
) -> None:
    # Before Python 3.13 the writer quotes a line break only where it is the one that ends lines.
    everything = everything or any("\r" in user or "\n" in user for user in users)
    text = written([[user] for user in users], delimiter, end, csv.QUOTE_ALL if everything else csv.QUOTE_MINIMAL)
    assume(not re.match(r"(\ufeff)?[{\[][\s{\[]*$", text.decode().partition("\n")[0]))  # taken for JSON over many lines
    found = rows(BOM * bom + text, sizes, header=False, delimiter=delimiter)
    assert ids(found) == [(user,) for user in users]


@given(table=st.lists(st.tuples(TEXTS, IDS, TEXTS)), end=st.sampled_from(["\n", "\r\n"]), sizes=SIZES)
def test_values_come_back_as_they_were_written(table: list[tuple[str, str, str]], end: str, sizes: list[int]) -> None:
    text = written([("note", "user_id", "spent"), *table], ",", end, csv.QUOTE_ALL)
    found = rows(text.removesuffix(end.encode()), sizes)
    assert [(row.ids, row.text) for row in found] == [((user,), value) for _, user, value in table]
    feeds = [sum(cell.count("\n") for cell in cells) for cells in table]
    assert [row.line for row in found] == [2 + place + sum(feeds[:place]) for place in range(len(table))]


@given(
    text=st.lists(st.sampled_from([b'"', b"\n", b"\r", b",", b";", b"a", b"\xff", b"\xc3", b"\0", "é".encode()])),
    sizes=SIZES,
)
def test_where_the_text_is_cut_changes_nothing(text: list[bytes], sizes: list[int]) -> None:
    whole = b"".join(text)
    assert rows(whole, sizes, header=False) == rows(whole, header=False)


# A line feed and a quote-free beginning is where reading finds its feet again: whatever came before it, a good line is
# read, unless an open quote before it, and another behind it, make it a part of one cell.
GARBAGE = st.binary(max_size=40).filter(lambda text: b'"' not in text)


@given(before=GARBAGE, between=GARBAGE, sizes=SIZES)
def test_garbage_without_quotes_loses_no_good_line(before: bytes, between: bytes, sizes: list[int]) -> None:
    found = rows(b"\n".join([b"u1", before, b"u2", between, b"u3"]), sizes, header=False)
    assert [row.ids for row in found if row.ids in (("u1",), ("u2",), ("u3",))] == [("u1",), ("u2",), ("u3",)]


@given(garbage=st.binary(max_size=60), sizes=SIZES)
def test_garbage_is_rows_or_a_clear_error(garbage: bytes, sizes: list[int]) -> None:
    try:
        found = len(rows(garbage, sizes))
    except EngageError:
        found = 0
    assert found <= garbage.count(b"\n") + 1


def test_a_broken_quote_costs_its_line() -> None:
    assert told(rows(b'u1\n"u2\nu3\nu4\n')) == [
        (1, "u1"),
        (2, "its quotes are broken (unexpected end of data)"),
        (3, "u3"),
        (4, "u4"),
    ]
    assert [row.ids for row in rows(b'u1\n"u2"x\n"u3"\n')] == [("u1",), (), ("u3",)]
    assert [row.ids for row in rows(b'u1\n"u2\n\xff\nu4')] == [("u1",), (), (), ("u4",)]


def test_a_quote_that_never_closes_is_given_up_after_a_row_of_the_longest() -> None:
    reader = CsvRows("spent")
    reader.feed(b'u0\n"u1\n')
    taken = 0
    while not (found := reader.feed(b"u%d\n" % (taken + 2))):
        taken += 1
        assert taken < MAX_LINE
    assert found[0].error.startswith("its quotes are broken")
    assert ids(found[1:]) == [(f"u{number}",) for number in range(2, taken + 3)]
    assert [row.line for row in found] == list(range(2, taken + 4))


@pytest.mark.parametrize(
    "sizes", [(), (MAX_LINE,), (MAX_LINE + 3,), (MAX_LINE + 4,), (MAX_LINE + 5,), (9, 70000), (140000,)]
)
@pytest.mark.parametrize("first", [b"", BOM])
def test_a_long_row_is_refused_however_it_comes(first: bytes, sizes: tuple[int, ...]) -> None:
    found = rows(first + LONG + b"\n" + LONG[1:] + b"\nu3\n" + LONG * 3, sizes, header=False)
    assert [(row.line, row.error[:12], len(row.ids)) for row in found] == [
        (1, "the row is t", 0),
        (2, "", 1),
        (3, "", 1),
        (4, "the row is t", 0),
    ]


def test_lines_that_are_no_text() -> None:
    found = rows(b"u1\n\n\r\nu\xff2\nu3\ru4\nu\0\n")
    assert told(found) == [
        (1, "u1"),
        (4, "it is not UTF-8 at byte 1"),
        (5, "a line ends with a carriage return alone, which is taken within quotes only"),
        (6, "u\0"),
    ]
    assert found[1].excerpt == "u�2"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf_16_is_one_clear_error(encoding: str) -> None:
    text = "\ufeff" * (encoding != "utf-16") + "u1\nu2\n"
    with pytest.raises(EngageError, match="UTF-16"):
        rows(text.encode(encoding))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("User ID\nu1", [(("u1",), None)]),
        ("user-id,value\nu1,5", [(("u1",), "5")]),
        ("email,EXTERNAL_ID,spent\ne,u1,5", [(("u1",), "5")]),
        ("spent;customerId\n5;u1", [(("u1",), "5")]),
        ("user_id\tother\tvalue\nu1\tx\t5", [(("u1",), "5")]),
        ("user_id,anonymous_id,x\nu1,a1,5", [(("u1",), "5")]),
        ("user_id,external_id,spent\nu1,e1,5\nu2,,6\n,,7", [(("u1", "e1"), "5"), (("u2",), "6"), ((), "7")]),
        ("id,user_id,spent\n1,u1,5", [(("u1",), "5")]),
        ("id,user_id,other\n1,u1,5", [(("u1",), "5")]),
        ("id,user_id\n1,u1", [(("u1",), "1")]),
        ("id,spent\nu1,5", [(("u1",), "5")]),
        ("u1,5\nu2,6", [(("u1",), "5"), (("u2",), "6")]),
        ("u1;5", [(("u1",), "5")]),
        ('"u;1"\nu;2', [(("u;1",), None), (("u;2",), None)]),
        ('"u\n,1";5', [(("u\n,1",), "5")]),
        (" u1 ,\n", [((" u1 ",), "")]),
        ("u1,5,,\nu2,6,\nu3,7\n", [(("u1",), "5"), (("u2",), "6"), (("u3",), "7")]),
    ],
)
def test_the_columns_are_found(text: str, expected: list[tuple[tuple[str, ...], str | None]]) -> None:
    assert [(row.ids, row.text) for row in rows(text.encode())] == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"user_column": "mail"}, [("m1", "5")]),
        ({"user_column": "2", "value_column": "1"}, [("m1", "u1")]),
        ({"value_column": "mail"}, [("u1", "m1")]),
        ({"header": False}, [("user_id", "mail"), ("u1", "m1")]),
        ({"header": False, "user_column": "3"}, [("spent", "user_id"), ("5", "u1")]),
        ({"header": False, "delimiter": "|"}, [("user_id,mail,spent", None), ("u1,m1,5", None)]),
    ],
)
def test_the_columns_are_told(options: dict[str, str | bool], expected: list[tuple[str, str | None]]) -> None:
    found = rows(b"user_id,mail,spent\nu1,m1,5\n", **options)
    assert [(row.ids[0], row.text) for row in found] == expected


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"user_column": "email"}, "no user column 'email'.*a, b"),
        ({"value_column": "3"}, "no value column '3'.*2, without names"),
        ({"value_column": "0"}, "no value column '0'"),
        ({"user_column": "x", "header": False}, "2, without names"),
    ],
)
def test_a_column_that_is_not_there_names_those_that_are(options: dict[str, str | bool], words: str) -> None:
    with pytest.raises(EngageError) as caught:
        rows(b"a,b\nu1,5\n", **options)
    assert caught.value.code == "bad_source"
    assert re.search(words, f"{caught.value.message}; {caught.value.hint}")


def test_rows_of_another_width_are_refused() -> None:
    found = rows(b"user_id,spent\nu1\nu2,5,6\nSmith, John,7\nu4,5,\nu5,5\n")
    assert told(found) == [
        (2, "it has 1 cell, and the first row 2 cells"),
        (3, "it has 3 cells, and the first row 2 cells"),
        (4, "it has 3 cells, and the first row 2 cells"),
        (5, "u4"),
        (6, "u5"),
    ]
    assert told(rows(b"u1\nSmith, John\n")) == [(1, "u1"), (2, "it has 2 cells, and the first row 1 cell")]


def test_a_first_row_that_may_have_named_the_columns_must_be_readable() -> None:
    with pytest.raises(EngageError, match=r"the first row \(line 2\) cannot be read: it is not UTF-8"):
        rows(b"\nuser_id,n\xff\nu1,5\n")
    with pytest.raises(EngageError, match="quotes are broken"):
        rows(b'"mail"x\nu1\n', header=True)
    assert told(rows(b"\xff\nu1\n")) == [(1, "it is not UTF-8 at byte 0"), (2, "u1")]
    assert told(rows(b"\xff,\nu1,\n", header=False)) == [(1, "it is not UTF-8 at byte 0"), (2, "u1")]


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n"])
def test_a_delimiter_is_one_character(delimiter: str) -> None:
    with pytest.raises(EngageError, match="cannot separate columns"):
        CsvOptions(delimiter=delimiter)


def test_memory_stays_bounded_without_a_line_feed() -> None:
    reader = CsvRows("spent")
    for _ in range(40):
        assert reader.feed(LONG) == []
    kept = reader._lines._rest
    assert len(kept) < 2 * MAX_LINE
    assert [row.error for row in reader.close()] == [f"the row is too long: the limit is {MAX_LINE} bytes"]


def test_nobody_looks_for_the_end_of_a_quote_for_ever() -> None:
    """Each of these lines opens a record that no later one closes, so that reading on costs the square of the lines."""
    looked: list[str] = []
    lines = ['a","b'] * 300
    for place in range(0, 300, 50):
        taken: list[str] = []
        list(csv_rows._reach(lines, place, taken))
        looked += taken
    assert len(looked) <= 6 * (csv_rows.MAX_LINES + 1)
    assert told(rows(b"\n".join(line.encode() for line in [*lines, "good"]), header=False))[-1][1] == "good"


@pytest.mark.parametrize(
    "text", ['{"user_id": "u1"}\n', '[{"id":"u1"},\n', '["u1", "u2"]', '{\n  "id": "u1"\n}', '\n{ "id": 1}\n']
)
@pytest.mark.parametrize("header", [None, True, False])
def test_json_is_no_table(text: str, header: bool | None) -> None:
    with pytest.raises(EngageError, match="begins as JSON does") as refused:
        rows(text.encode(), header=header)
    assert "application/x-ndjson" in refused.value.hint


def test_an_id_that_begins_with_a_brace_is_no_json() -> None:
    assert ids(rows(b"{3F2504E0}\n[u2]\n")) == [("{3F2504E0}",), ("[u2]",)]
    assert ids(rows(b'"{""a"" "\n')) == [('{"a" ',)]
    assert ids(rows(b'u1\n{"a"}\n')) == [("u1",), ('{"a"}',)]


@pytest.mark.parametrize(
    "text", [b"SQLite format 3\0more\n", b"PK\x03\x04\xff\xfe,\n", b"\x89PNG\r\n\x1a\nIHDR\n", b"\x7fELF\x02"]
)
def test_what_is_no_text_is_no_table(text: bytes) -> None:
    with pytest.raises(EngageError, match=r"control character \(U\+00"):
        rows(text)


def test_ids_may_hold_control_characters() -> None:
    assert ids(rows(b"u1\na\0b\n")) == [("u1",), ("a\0b",)]
    assert ids(rows(b"a\0b\n", header=False)) == [("a\0b",)]
    assert ids(rows(b"\tu1\r\n", delimiter=",")) == [("\tu1",)]


def test_gzip_that_nobody_announced_is_one_clear_error() -> None:
    for size in (0, 1, 10):
        with pytest.raises(EngageError, match="compressed with gzip") as refused:
            rows(gzip.compress(b"user_id\nu1\n"), [size])
    assert "Content-Encoding: gzip" in refused.value.hint


@pytest.mark.parametrize(
    ("text", "options", "headerless"),
    [
        (b"customer,email\nu1,a@b\n", {}, True),
        (b"u1,5", {}, True),
        (b"customer\nu1\n", {}, False),
        (b"user_id,email\nu1,a@b\n", {}, False),
        (b"customer,email\n", {"header": False}, False),
        (b"customer,email\n", {"header": True}, False),
        (b"customer,email\n", {"user_column": "1"}, False),
    ],
)
def test_a_table_of_which_nothing_says_where_the_users_are(
    text: bytes, options: dict[str, Any], headerless: bool
) -> None:
    reader = CsvRows("spent", CsvOptions(**options))
    read(reader, text)
    assert reader.headerless == headerless
