"""Rows of a query: its first column is the user id, its second one the value."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from uuid import UUID

from msgspec import UNSET

from talon_bridge import codec
from talon_bridge.codec import MalformedError
from talon_bridge.engage.computations import ValueType
from talon_bridge.engage.problems import EngageError
from talon_bridge.engage.rows import Row

AT_ONCE: Final = 5000  # rows
DATABASES: Final = ("sqlite", "postgresql", "postgres")  # as their URLs begin
CONNECT: Final = 10.0  # seconds
# `:now`, but not in `::now`; what stands in quotes and comments is skipped.
_NOW = re.compile(r"('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/)|(?<![:\w]):now\b", re.DOTALL)

_Records = AsyncGenerator[Sequence[Sequence[Any]], None]


async def of_query(url: str, query: str, now: float, type: ValueType) -> AsyncGenerator[Sequence[Row], None]:
    """The rows of a query that changes nothing; `:now` in it is the moment `now` (Unix seconds). Raises `EngageError`.

    SQLite is given it as text like `2026-01-31 15:04:05` (UTC), which its date functions take; PostgreSQL as a
    timestamp with time zone. SQLite has no booleans and no lists: where `type` asks for them, its 0 and 1 and the text
    of a JSON array are taken for such.
    """
    moment = datetime.fromtimestamp(now, UTC)
    kind = url.partition(":")[0]
    asked = _of_sqlite(url, query, moment, type) if kind == "sqlite" else _of_postgres(url, query, moment)
    first = 1
    async with aclosing(asked) as portions:
        async for records in portions:
            yield [_row(record, number) for number, record in enumerate(records, first)]
            first += len(records)


async def _of_sqlite(url: str, query: str, moment: datetime, type: ValueType) -> _Records:
    path = _path(url)
    try:
        # Off the loop, one call at a time: the connection may be used from whatever thread is free.
        database = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, check_same_thread=False)
        database.text_factory = _decoded
        try:
            given = {"now": f"{moment:%Y-%m-%d %H:%M:%S}"}
            cursor = await asyncio.to_thread(database.execute, query, given)
            while records := await asyncio.to_thread(cursor.fetchmany, AT_ONCE):
                if type == "boolean" or type.startswith("(list"):
                    records = [(*record[:1], *(_typed(value, type) for value in record[1:2])) for record in records]
                yield records
        finally:
            database.interrupt()
            database.close()
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise EngageError("bad_source", f"{path}: {error}", "look at the file and at the query") from None


def _path(url: str) -> Path:
    text = unquote(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else url.removeprefix("sqlite:")
    return Path(text).absolute()


def _decoded(text: bytes) -> str | bytes:
    try:
        return text.decode()
    except UnicodeDecodeError:  # costs its row, and not the source
        return text


def _typed(value: Any, wanted: ValueType) -> Any:
    """A value of SQLite as the boolean or the list that it stands for; whatever stands for none stays."""
    if wanted == "boolean":
        return bool(value) if type(value) is int and value in (0, 1) else value
    try:
        return codec.value(value.encode()) if isinstance(value, str) else value
    except MalformedError:
        return value


async def _of_postgres(url: str, query: str, moment: datetime) -> _Records:
    try:
        import asyncpg
    except ModuleNotFoundError:
        hint = 'pip install asyncpg, or localtalon with its extra: "localtalon[postgres]"'
        raise EngageError("bad_source", "a PostgreSQL database as a source needs asyncpg", hint) from None
    asks = any(found[1] is None for found in _NOW.finditer(query))
    text = _NOW.sub(lambda found: found[1] or "$1::timestamptz", query)
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT)
        try:
            async with connection.transaction(readonly=True):
                cursor = await connection.cursor(text, *([moment] if asks else []))
                while records := await cursor.fetch(AT_ONCE):
                    yield records
        finally:
            await connection.close(timeout=CONNECT)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as error:
        # A URL that cannot be understood may be quoted in the error, with the password in it.
        why = type(error).__name__ if isinstance(error, ValueError) else str(error) or "it does not answer"
        raise EngageError("bad_source", f"{_shown(url)}: {why}", "look at the URL and at the query") from None


def _shown(url: str) -> str:
    try:
        return f"the database at {urlsplit(url).hostname or 'localhost'}"
    except ValueError:
        return "the database"


def _row(record: Sequence[Any], number: int) -> Row:
    try:
        ids = _user(record[0] if len(record) else None)
        return Row(ids, UNSET if len(record) < 2 else _value(record[1]), None, number)
    except ValueError as error:
        return Row(line=number, error=str(error), excerpt=", ".join(map(repr, record[:2]))[:200])


def _user(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,) if value else ()
    if value is None:
        return ()
    if isinstance(value, int | UUID) and not isinstance(value, bool):
        return (str(value),)
    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
        return (f"{value:f}",)
    raise ValueError(f"the first column is a {type(value).__name__}, and not a user id")


def _value(value: Any) -> Any:
    """A value of SQL as the JSON that means the same. Raises `ValueError` where there is none."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float | Decimal) and isfinite(value):
        return value
    if isinstance(value, datetime):
        moment = value.astimezone(UTC) if value.tzinfo else value
        return moment.replace(tzinfo=None).isoformat() + "Z"
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00Z"
    if isinstance(value, list | tuple):
        return [_value(item) for item in value]
    if isinstance(value, UUID):
        return str(value)
    shown = "NaN or infinite" if isinstance(value, float | Decimal) else f"a {type(value).__name__}"
    raise ValueError(f"the value is {shown}, which no attribute holds")
