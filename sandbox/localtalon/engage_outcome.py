"""What came of a sync: its counts in words, and the rows that were refused, in a file."""

import csv
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from talon_bridge import codec
from talon_bridge.codec import MalformedError
from talon_contracts.reports.text import printable

_COLUMNS = ("line", "file", "reason", "excerpt")
_LONGEST = 1 << 20  # bytes of a refused row


class NotWritten(Exception):
    """The refused rows are in no file; the message says why."""


class Outcome(msgspec.Struct, frozen=True):
    """A sync as the bridge shows it, how long it took, and what became of its identifies.

    `delivered`: whether all of them arrived; None where nobody waited. So many became `dead` letters. `refused` is the
    file with the rows that were not used.
    """

    name: str
    sync: dict[str, Any]
    seconds: float
    where: str = ""
    delivered: bool | None = None
    dead: int = 0
    refused: Path | None = None

    def for_programs(self) -> str:
        """One line of JSON."""
        return codec.encode(
            {
                "sync": self.sync,
                "delivered": self.delivered,
                "deadLetters": self.dead,
                "refusedFile": None if self.refused is None else str(self.refused),
                "seconds": round(self.seconds, 3),
            }
        ).decode()

    def for_people(self) -> Iterator[str]:
        """What was read, what has changed, what was sent."""
        counts = self.sync["counts"]
        yield printable(f"{self.name}: {_many(counts['read'], 'row')} read")
        if counts["refused"]:
            of = [f"{counts[what]:,} {what}" for what in ("anonymous", "conflicting") if counts[what]]
            which = f" ({', '.join(of)})" if of else ""
            seen = "" if self.refused is None else f"; see {self.refused}"
            yield printable(f"  {counts['refused']:,} refused{which}{seen}")
        if counts["duplicates"]:
            yield f"  {_many(counts['duplicates'], 'duplicate')}"
        yield "  " + ", ".join(f"{counts[what]:,} {what}" for what in ("entered", "left", "changed", "unchanged"))
        sent = _many(self.sync["sent"], "identify", "identifies")
        yield f"{sent} sent{self.where}{self._fate()} in {self.seconds:.1f} s"

    def _fate(self) -> str:
        if self.dead:
            return f", {_many(self.dead, 'dead letter')},"
        return " and delivered" if self.delivered and self.sync["sent"] else ""


def refused_file(id: str) -> Path:
    """Where the refused rows of a computation go by default."""
    return Path(f"{id}.refused.ndjson")


def write_refused(path: Path, rows: Iterable[bytes]) -> Path | None:
    """Write refused rows, lines of JSON, as such or as CSV; None where there are none. Raises `NotWritten`."""
    lines = iter(rows)
    first = next(lines, None)
    if first is None:
        return None
    try:
        _write(path, chain((first,), lines))
    except OSError as error:
        raise NotWritten(f"the refused rows cannot be written to {path}: {error.strerror or error}") from None
    return path


def clear_refused(path: Path) -> None:
    """Take away the refused rows of an earlier sync; a file of anything else stays. Raises `NotWritten`."""
    try:
        if path.is_symlink() or not path.is_file():
            return
        with path.open("rb") as file:
            first = codec.value(file.readline(_LONGEST))
        if isinstance(first, dict) and set(first) == set(_COLUMNS):
            path.unlink()
    except MalformedError:
        return
    except OSError as error:
        raise NotWritten(f"{path} is of an earlier sync, and cannot be removed: {error.strerror or error}") from None


def _write(path: Path, lines: Iterable[bytes]) -> None:
    if path.suffix.lower() == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(_COLUMNS)
            for line in lines:
                row = codec.value(line)
                table.writerow([row[name] for name in _COLUMNS])
    else:
        with path.open("wb") as file:
            for line in lines:
                file.write(line + b"\n")


def _many(count: int, one: str, several: str = "") -> str:
    return f"{count:,} {one if count == 1 else several or one + 's'}"
