"""Text for a terminal: what comes from outside cannot move its cursor, tables fit its width."""

import shutil
import sys
from collections.abc import Iterator, Sequence

from talon_contracts.reports.text import printable

_NARROWEST = 8


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], widest: Sequence[int | None]) -> Iterator[str]:
    """Rows below their heads, in columns; `widest` says at how many characters each is cut on a terminal.

    None is what is left of the width of the terminal. Elsewhere nothing is cut.
    """
    shown = [[printable(cell) for cell in row] for row in rows]
    limits = _limits(heads, shown, widest) if sys.stdout.isatty() else [sys.maxsize for _ in heads]
    cells = [[_cut(cell, limit) for cell, limit in zip(row, limits, strict=True)] for row in [list(heads), *shown]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _limits(heads: Sequence[str], rows: Sequence[Sequence[str]], widest: Sequence[int | None]) -> list[int]:
    needed = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    fixed = sum(min(need, most) for need, most in zip(needed, widest, strict=True) if most is not None)
    left = shutil.get_terminal_size().columns - fixed - 2 * (len(heads) - 1)
    return [max(left, _NARROWEST) if most is None else most for most in widest]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
