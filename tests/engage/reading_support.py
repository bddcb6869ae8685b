"""For the tests of the readers: a text read in chunks, and texts and cuts to draw."""

from collections.abc import Iterable
from typing import Protocol

from hypothesis import strategies as st

from talon_bridge.engage.rows import Row


class Reader(Protocol):
    """Bytes in, rows out."""

    def feed(self, chunk: bytes) -> list[Row]:
        """The rows that are complete now."""
        ...

    def close(self) -> list[Row]:
        """The rest."""
        ...


# Every text that JSON and UTF-8 can hold, with what CSV and lines stumble over more often.
TEXTS = st.text(st.one_of(st.sampled_from("\",;\t\r\n' \0.é😀"), st.characters(exclude_categories=["Cs"])), max_size=12)
IDS = TEXTS.filter(bool)
SIZES = st.lists(st.integers(0, 40), max_size=12)


def read(reader: Reader, text: bytes, sizes: Iterable[int] = ()) -> list[Row]:
    """The rows of a text that comes in chunks of these sizes, and a last one with the rest."""
    rows: list[Row] = []
    for size in sizes:
        rows += reader.feed(text[:size])
        text = text[size:]
    return rows + reader.feed(text) + reader.close()


def ids(rows: Iterable[Row]) -> list[tuple[str, ...]]:
    """The user ids of rows."""
    return [row.ids for row in rows]


def told(rows: Iterable[Row]) -> list[tuple[int, str]]:
    """Line and user id of a row, or why it cannot be read."""
    return [(row.line, row.error or "+".join(row.ids)) for row in rows]
