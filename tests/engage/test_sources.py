"""Sources of a sync: files, directories, standard input, SQLite and PostgreSQL, read to their end or not at all."""

import asyncio
import gzip
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import aclosing, closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from postgres_support import PASSWORD, PostgresServer
from talon_bridge.engage.computations import ValueType
from talon_bridge.engage.problems import EngageError
from talon_bridge.engage.rows import Row
from talon_bridge.engage.sources import open_source
from talon_bridge.engage.sources.columns import CsvOptions

NOW = datetime(2026, 1, 31, 15, 4, 5, tzinfo=UTC).timestamp()


def portions(place: str | Path, query: str | None = None, **options: Any) -> list[Sequence[Row]]:
    """What a source gives."""

    async def read() -> list[Sequence[Row]]:
        return [portion async for portion in open_source(str(place), query, "spent", now=lambda: NOW, **options)]

    return asyncio.run(read())


def rows(place: str | Path, query: str | None = None, **options: Any) -> list[Row]:
    """Its rows."""
    return [row for portion in portions(place, query, **options) for row in portion]


def ids(place: str | Path, query: str | None = None, **options: Any) -> list[str]:
    """The user ids in it, or why a row cannot be read."""
    return [row.error or "+".join(row.ids) for row in rows(place, query, **options)]


def failure(place: str | Path, query: str | None = None, **options: Any) -> str:
    """Why it cannot be read."""
    with pytest.raises(EngageError) as caught:
        rows(place, query, **options)
    assert caught.value.code == "bad_source"
    assert caught.value.hint
    return caught.value.message


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("users.csv", "user_id,spent\nu1,5\n"),
        ("USERS.TSV", 'user_id\tspent\nu1\t"5"\n'),
        ("users.txt", "u1;5"),
        ("users.ndjson", '{"user_id": "u1", "text": "5"}'),
        ("users.jsonl", '{"id": "u1", "text": "5"}\n'),
        ("users.json", '\n{"id": "u1", "text": "5"}'),
        ("users", '\ufeff \n {"id": "u1", "text": "5"}'),
        ("users.export", '"u1",5\n'),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_file_is_read_as_its_name_or_its_first_character_says(
    tmp_path: Path, name: str, text: str, packed: bool
) -> None:
    path = tmp_path / (name + ".gz" * packed)
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    (row,) = rows(path)
    assert (row.ids, row.text, row.file) == (("u1",), "5", path.name)


def test_a_tsv_has_tabs_unless_told_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("u,1\tx")
    assert ids(path) == ["u,1"]
    assert ids(path, options=CsvOptions(delimiter=",", user_column="2")) == ["1\tx"]


def test_a_directory_is_its_files_in_order(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("user_id\nu2\n\nu3")
    (tmp_path / "a.ndjson").write_text('"u1"')
    (tmp_path / "c.jsonl.gz").write_bytes(gzip.compress(b'"u4"\n') + gzip.compress(b'"u5"\n'))
    (tmp_path / ".hidden.csv").write_text("h1")
    (tmp_path / "notes.md").write_text("n1")
    (tmp_path / "deeper.csv").mkdir()
    found = rows(tmp_path)
    expected = [("u1", "a.ndjson", 1), ("u2", "b.csv", 2), ("u3", "b.csv", 4), ("u4", "c.jsonl.gz", 1)]
    assert [(row.ids[0], row.file, row.line) for row in found] == [*expected, ("u5", "c.jsonl.gz", 2)]


def test_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "input").write_text("u1\nu2")
    with (tmp_path / "input").open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert [(row.ids, row.file) for row in rows("-")] == [(("u1",), ""), (("u2",), "")]


def test_a_large_file_comes_in_portions(tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    path.write_text("".join(f"user-{number}\n" for number in range(50_000)))
    found = portions(path)
    assert max(map(len, found)) < 10_000
    assert [row.ids[0] for portion in found for row in portion] == [f"user-{number}" for number in range(50_000)]


def test_a_file_that_cannot_be_read_to_its_end(tmp_path: Path) -> None:
    whole = gzip.compress(b"".join(b"u%d\n" % (number**2) for number in range(9)))
    for name, text in [("cut.csv.gz", whole[:-9]), ("plain.csv.gz", b"u1\n"), ("bad.csv.gz", whole[:15] + b"\xff" * 9)]:
        (tmp_path / name).write_bytes(text)
        assert f"{tmp_path / name} cannot be read: " in failure(tmp_path / name)
    assert "No such file" in failure(tmp_path / "none.csv")
    (tmp_path / "empty").mkdir()
    assert "no source in the directory" in failure(tmp_path / "empty")


def test_an_error_in_a_directory_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("u1\n")
    (tmp_path / "b.json").write_text('["u2"]')
    assert failure(tmp_path) == f"{tmp_path / 'b.json'}: the source is a JSON array, and not one JSON value a line"


def test_a_query_belongs_to_a_database() -> None:
    assert "takes no query" in failure("a.csv", "select 1")
    assert "with a query only" in failure("sqlite:a.db")
    assert "mysql:// is no database" in failure("mysql://u:s3cret@h/d", "select 1")
    assert "mysql:// is no database" in failure("mysql://u:s3cret@h/d")
    assert "nothing is fetched" in failure("https://u:s3cret@h/d.csv")


def test_a_table_of_which_nothing_says_where_the_users_are_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("customer,email\nu1,x\n")
    (tmp_path / "b.csv").write_text("user_id,email\nu2,x\n")
    (tmp_path / "c.json").write_text('"u3"\n')
    told: list[str] = []
    rows(tmp_path, tell=told.append)
    assert told == ["a.csv: no header recognised: user ids are taken from column 1"]


def test_gzip_that_its_name_does_not_tell(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(gzip.compress(b"u1\n"))
    (tmp_path / "a.ndjson").write_bytes(gzip.compress(b'"u1"\n'))
    assert all("compressed with gzip" in failure(tmp_path / name) for name in ("a.csv", "a.ndjson"))


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A SQLite file with orders."""
    path = tmp_path / "shop 50%.db"
    with closing(sqlite3.connect(path)) as made, made:
        made.execute("CREATE TABLE orders (user, spent, placed)")
        orders = [("u1", 5, "2026-01-30 00:00:00"), (7, 0.5, "2026-01-31 15:04:05"), (None, "x", "2026-02-01 00:00:00")]
        made.executemany("INSERT INTO orders VALUES (?, ?, ?)", orders)
    return path


def test_a_query_of_sqlite(database: Path) -> None:
    for url in (f"sqlite:{database}", f"sqlite:///{str(database).replace('%', '%25')}"):
        found = rows(url, "SELECT user, spent FROM orders ORDER BY placed")
        assert [(row.ids, row.value, row.line) for row in found] == [(("u1",), 5, 1), (("7",), 0.5, 2), ((), "x", 3)]
    assert [row.value for row in rows(f"sqlite:{database}", "SELECT user FROM orders")] == [UNSET] * 3


def test_now_in_a_query_of_sqlite(database: Path) -> None:
    query = "SELECT user FROM orders WHERE placed >= datetime(:now, '-1 hour') AND placed <= :now AND ':now' <> ''"
    assert ids(f"sqlite:{database}", query) == ["7"]


@pytest.mark.parametrize(
    ("type", "given", "expected"),
    [
        ("boolean", "1", True),
        ("boolean", "0", False),
        ("boolean", "2", 2),
        ("boolean", "1.0", 1.0),
        ("boolean", "'true'", "true"),
        ("number", "1", 1),
        ("(list number)", "'[1, 2.50]'", [1, Decimal("2.50")]),
        ("(list string)", "'[a'", "[a"),
        ("string", "'[1]'", "[1]"),
        ("number", "NULL", None),
    ],
)
def test_sqlite_has_no_booleans_and_no_lists(database: Path, type: ValueType, given: str, expected: Any) -> None:
    (row,) = rows(f"sqlite:{database}", f"SELECT 'u1', {given}", type=type)
    assert (row.value, row.value.__class__) == (expected, expected.__class__)


def test_what_is_no_user_and_no_value_costs_its_row(database: Path) -> None:
    query = "SELECT 'u1', 5 UNION ALL SELECT x'ff', 5 UNION ALL SELECT CAST(x'ff' AS TEXT), 5"
    query += " UNION ALL SELECT 1.5, 5 UNION ALL SELECT 'u5', x'00' UNION ALL SELECT 'u6', 9e999 UNION ALL SELECT '', 5"
    assert ids(f"sqlite:{database}", query) == [
        "u1",
        *["the first column is a bytes, and not a user id"] * 2,
        "the first column is a float, and not a user id",
        "the value is a bytes, which no attribute holds",
        "the value is NaN or infinite, which no attribute holds",
        "",
    ]


def test_a_query_of_sqlite_that_fails_or_would_write(database: Path, tmp_path: Path) -> None:
    assert "no such table" in failure(f"sqlite:{database}", "SELECT user FROM customers")
    assert "readonly" in failure(f"sqlite:{database}", "DELETE FROM orders RETURNING user")
    assert "one statement" in failure(f"sqlite:{database}", "SELECT 1; DELETE FROM orders")
    assert "integer overflow" in failure(f"sqlite:{database}", "SELECT user, abs(-9223372036854775808) FROM orders")
    assert "unable to open" in failure(f"sqlite:{tmp_path / 'none.db'}", "SELECT 1")
    assert not (tmp_path / "none.db").exists()
    assert len(ids(f"sqlite:{database}", "SELECT user FROM orders")) == 3


def test_a_source_that_nobody_reads_on_is_closed(database: Path) -> None:
    query = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT 'u' || i FROM n"

    async def some() -> int:
        async with aclosing(open_source(f"sqlite:{database}", query, "spent", now=lambda: NOW)) as found:
            async for portion in found:
                return len(portion)
        return 0

    assert asyncio.run(some()) == 5000


def test_a_query_of_postgresql(postgres: PostgresServer) -> None:
    query = """
        VALUES (1, 'u1'::text, to_jsonb(5)::numeric), (2, ' u 2 ', 1.50), (3, NULL, 1), (4, '', NULL)
    """
    found = rows(postgres.database(), f"SELECT b, c FROM ({query}) AS orders (a, b, c) ORDER BY a;")
    assert [(row.ids, row.value) for row in found] == [
        (("u1",), 5),
        ((" u 2 ",), Decimal("1.50")),
        ((), 1),
        ((), None),
    ]
    assert [row.line for row in found] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("12345678901234567890::numeric, true", ("12345678901234567890", True)),
        ("7::bigint, 0.1::float8", ("7", 0.1)),
        ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, ARRAY[1, 2]", ("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", [1, 2])),
        ("'u', ARRAY['a', NULL]", ("u", ["a", None])),
        ("'u', '2026-01-31 15:04:05+01'::timestamptz", ("u", "2026-01-31T14:04:05Z")),
        ("'u', '2026-01-31 15:04:05.5'::timestamp", ("u", "2026-01-31T15:04:05.500000Z")),
        ("'u', '2026-01-31'::date", ("u", "2026-01-31T00:00:00Z")),
        ("'u', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid", ("u", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")),
        ("1.5, 1", "the first column is a Decimal, and not a user id"),
        ("true, 1", "the first column is a bool, and not a user id"),
        ("'u', int4range(1, 2)", "the value is a Range, which no attribute holds"),
        ("'u', 'NaN'::numeric", "the value is NaN or infinite, which no attribute holds"),
        ("'u', '1 day'::interval", "the value is a timedelta, which no attribute holds"),
    ],
)
def test_values_of_postgresql(postgres: PostgresServer, given: str, expected: Any) -> None:
    (row,) = rows(postgres.url("postgres"), f"SELECT {given}")
    assert (row.error or (row.ids[0], row.value)) == expected


def test_now_in_a_query_of_postgresql(postgres: PostgresServer) -> None:
    query = """
        SELECT to_char((:now - interval '1 day') AT TIME ZONE 'UTC', 'YYYY-MM-DD') || ':now' -- :now
        WHERE :now = timestamptz '2026-01-31 15:04:05+00' AND (ARRAY[1, 2])[1:2] = '{1,2}'::int[] /* :now */
    """
    url = postgres.url("postgres")
    assert ids(url, query) == ["2026-01-30:now"]
    assert ids(url, "SELECT 'u1' -- :now") == ["u1"]


def test_many_rows_of_postgresql_come_in_portions(postgres: PostgresServer) -> None:
    found = portions(postgres.url("postgres"), "SELECT 'u' || i FROM generate_series(1, 12000) AS i")
    assert [len(portion) for portion in found] == [5000, 5000, 2000]
    assert [portion[-1].line for portion in found] == [5000, 10000, 12000]


def test_a_query_of_postgresql_that_fails_or_would_write(postgres: PostgresServer) -> None:
    url = postgres.database()
    postgres.execute(url, "CREATE TABLE orders (u text)", "INSERT INTO orders VALUES ('u1')")
    place = "the database at 127.0.0.1: "
    assert failure(url, "SELECT u FROM customers") == f'{place}relation "customers" does not exist'
    assert "read-only transaction" in failure(url, "DELETE FROM orders RETURNING u")
    assert "division by zero" in failure(url, "SELECT 'u' || 1 / (7000 - i) FROM generate_series(1, 9000) AS i")
    assert "password" in failure(url.replace(PASSWORD, "wrong-one"), "SELECT 1")
    assert ids(url, "SELECT u FROM orders") == ["u1"]


@pytest.mark.parametrize(
    "url",
    ["postgresql://u:s3cret@127.0.0.1:1/d", "postgresql://u:s3cret@[::1/d", "postgresql://u:s3cret@h:port/d"],
)
def test_no_error_shows_a_password(url: str) -> None:
    assert "s3cret" not in failure(url, "SELECT 1")
