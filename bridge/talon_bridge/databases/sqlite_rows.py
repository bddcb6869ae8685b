"""Rows inserted into SQLite, most of them many at a time."""

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Any

_AT_ONCE = 100  # rows of a statement: one step each would wait for the interpreter's lock (measured)


def insert(
    db: sqlite3.Connection, statement: str, rows: Sequence[tuple[Any, ...]], shared: tuple[Any, ...] = ()
) -> None:
    """Run an `INSERT … VALUES (?, …)` for each row. What all rows have is `shared`: `?1`, … before the others."""
    whole = len(rows) - len(rows) % _AT_ONCE
    if whole:
        head, row = statement.rstrip(";").rsplit("VALUES", 1)
        many = f"{head} VALUES {','.join([row] * _AT_ONCE)}"
        for first in range(0, whole, _AT_ONCE):
            db.execute(many, [*shared, *chain.from_iterable(rows[first : first + _AT_ONCE])])
    db.executemany(statement, [(*shared, *row) for row in rows[whole:]])
