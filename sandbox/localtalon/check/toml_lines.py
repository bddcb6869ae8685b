"""The lines of a TOML text on which keys stand, as far as a look at its lines can tell (0: it cannot)."""

import re
from collections.abc import Iterator
from typing import Final

_HEADER: Final = re.compile(r"\s*(\[\[?)([^\[\]]+)\]\]?\s*(?:#.*)?$")
_SAID: Final = re.compile(r"""(?:[^#"']|"(?:\\.|[^"\\])*"|'[^']*'|["'])*""")
_STEP: Final = re.compile(r"([^.\[\]]+)(?:\[(\d+)\])?")


def line(text: str, dotted: str, value: str = "") -> int:
    """The line of a key such as `deployment.attributes[3].name`, or of a text in the list that the key has.

    The nearest line above is given where the key itself is not found.
    """
    rows = text.split("\n")  # no other mark ends a line of TOML
    start, end, rest = _section(rows, dotted)
    at = _key(rows[:end], start, [step[1] for step in _STEP.finditer(rest)])
    if at is None:
        return start
    quoted = (f'"{value}"', f"'{value}'")
    below = range(at, end) if value else ()
    return next((index for index in below if any(text in _said(rows[index]) for text in quoted)), at) + 1


def _key(rows: list[str], start: int, steps: list[str]) -> int | None:
    """The row of a key, written with as many steps of the way to it as there are in one row."""
    for many in range(len(steps), 0, -1):
        way = r"\s*\.\s*".join(rf"[\"']?{re.escape(step)}[\"']?" for step in steps[:many])
        own = re.compile(rf"\s*{way}\s*=")
        found = next((index for index in range(start, len(rows)) if own.match(rows[index])), None)
        if found is not None:
            return found
    return None


def _said(row: str) -> str:
    """A row without its comment."""
    said = _SAID.match(row)
    return said[0] if said else ""


def _section(rows: list[str], dotted: str) -> tuple[int, int, str]:
    """The rows of the innermost table on the way to a key, less its header, and the rest of the way."""
    headers = list(_headers(rows))
    ends = [*(index for index, _ in headers[1:]), len(rows)]
    best = (0, headers[0][0] if headers else len(rows), dotted)
    longest = 0
    for (index, name), end in zip(headers, ends, strict=bool(headers)):
        if len(name) > longest and (dotted == name or dotted.startswith(f"{name}.")):
            longest = len(name)
            best = (index + 1, end, dotted[longest:].lstrip("."))
    return best


def _headers(rows: list[str]) -> Iterator[tuple[int, str]]:
    """Each table of the text: its first row, its name; tables of an array are numbered."""
    counted: dict[str, int] = {}
    for index, row in enumerate(rows):
        header = _HEADER.match(row)
        if header is None:
            continue
        name = ".".join(part.strip().strip("\"'") for part in header[2].split("."))
        if header[1] == "[[":
            counted[name] = counted.get(name, -1) + 1
            name = f"{name}[{counted[name]}]"
        yield index, name
