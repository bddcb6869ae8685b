"""Rows of a CSV text that comes in chunks."""

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

import msgspec
from msgspec import UNSET

from talon_bridge.engage.problems import EngageError
from talon_bridge.engage.rows import Row
from talon_bridge.engage.sources.columns import DELIMITERS, Columns, CsvOptions, columns, is_header, may_be_header
from talon_bridge.engage.sources.lines import MAX_LINE, TOO_LONG, Lines, any_too_long

EXCERPT: Final = 200  # characters
MAX_LINES: Final = 100  # of one record: further on nobody looks for the end of a quote, or bad quotes cost seconds
_NO_OPTIONS = CsvOptions()
# A record: its number of lines (none where more are needed), its cells, and what is wrong with it.
_Record = tuple[int, list[str], str]
_JSON = re.compile(r'[{\[][\s{\[]*(?:"|$)')
_CONTROL = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1f]")
_LONE_RETURN = "a line ends with a carriage return alone, which is taken within quotes only"


class _Unread(msgspec.Struct, frozen=True):
    """A line that is no text."""

    why: str
    excerpt: str


class CsvRows:
    """Reads a table for the computation with this key; `file` is what its rows say they come from.

    Lines end with a line feed or with both; a cell in quotes may hold line breaks. Empty lines are passed over. What
    cannot be read costs one line: where quotes are broken, the first line of the record is refused, and the next one is
    read as the beginning of another. A row is refused too where cells are missing, or where it has more than the first
    row: most likely an id with a comma in it is not in quotes. A first row that cannot be read, and that may have named
    the columns, is an `EngageError`; so is one that begins as JSON does, or that holds control characters where nothing
    is said of a header: that is no table.
    """

    def __init__(self, key: str, options: CsvOptions = _NO_OPTIONS, file: str = "") -> None:
        self._key = key
        self._options = options
        self._file = file
        self._lines = Lines()
        self._open: list[str | _Unread] = []  # lines of a record that is not closed yet
        self._size = 0  # characters of these
        self._next = 1  # the number of the next line, or of the first open one
        self._delimiter = options.delimiter or ""
        self._columns: Columns | None = None
        self.headerless = False
        """Whether there are several columns, and nothing says which one holds the user ids: the first one is taken."""

    def feed(self, chunk: bytes) -> list[Row]:
        """The rows that are complete now. Raises `EngageError` where no row can be read."""
        block = self._lines.feed(chunk)
        return self._read(block, final=False) if block else []

    def close(self) -> list[Row]:
        """The rest."""
        return self._read(self._lines.close(), final=True)

    def _read(self, block: bytes, final: bool) -> list[Row]:
        first = self._next
        ids = self._ids(block)
        if ids is not None:
            self._next += len(ids)
            return [Row((one,), UNSET, None, number, self._file) for number, one in enumerate(ids, first) if one]
        lines = _decoded(block)
        if self._open:
            longer = len(self._open) + len(lines)
            if not final and b'"' not in block and longer <= MAX_LINES and _can_go_on(lines, self._size):
                self._open += lines  # nothing closes it
                self._size += _size(lines)
                return []
            lines = [*self._open, *lines]
            self._open = []
        self._next += len(lines)
        return self._rows(lines, first, final)

    def _ids(self, block: bytes) -> list[str] | None:
        """The lines of a list of users, empty ones too; None where they must be looked at more closely."""
        if self._columns is None or self._columns.width > 1 or self._open:
            return None
        plain = block.replace(b"\r\n", b"\n")
        if any(special in plain for special in (b'"', b"\r", self._delimiter.encode())) or any_too_long(block):
            return None
        try:
            return plain.decode().removesuffix("\n").split("\n")
        except UnicodeDecodeError:
            return None

    def _rows(self, lines: Sequence[str | _Unread], first: int, final: bool) -> list[Row]:
        """The rows of lines, one by one as long as it must be."""
        rows: list[Row] = []
        place, looked = 0, False
        while place < len(lines):
            if not looked and self._columns is not None:
                looked = True
                records = self._records(lines[place:])
                if records is not None:
                    numbered = enumerate(records, first + place)
                    return rows + [row for number, cells in numbered if cells for row in self._row(cells, number)]
            line, number, used = lines[place], first + place, 1
            if self._columns is None:
                self._look_at(line.excerpt if isinstance(line, _Unread) else line)
            if isinstance(line, _Unread):
                rows.append(self._refused(line.excerpt, number, line.why))
            else:
                used, cells, why = self._record(lines, place, final)
                if why:
                    rows.append(self._refused(line, number, why))
                elif cells:
                    rows += self._row(cells, number)
            if not used:
                self._open, self._next = list(lines[place:]), number
                self._size = _size(self._open)
                break
            place += used
        return rows

    def _records(self, lines: Sequence[str | _Unread]) -> list[list[str]] | None:
        """The records of lines that hold one each; None where some hold none, or a part of one."""
        texts = [line for line in lines if isinstance(line, str)]
        if len(texts) < len(lines):
            return None
        try:
            records = list(csv.reader(texts, delimiter=self._delimiter, strict=True))
        except csv.Error:
            return None
        return records if len(records) == len(lines) else None

    def _look_at(self, line: str) -> None:
        """Raise `EngageError` for the beginning of what is no table."""
        if _JSON.match(line):
            hint = "name a file .ndjson, send a body as application/x-ndjson, or put an id that begins so in quotes"
            raise EngageError("bad_source", "the source begins as JSON does, and was to be read as a table (CSV)", hint)
        control = _CONTROL.search(line) if self._options.header is None else None
        if control:
            what = f"the source begins with a control character (U+{ord(control[0]):04X}), as no table (CSV) does"
            hint = "give CSV or NDJSON; where user ids hold such characters, say whether there is a header"
            raise EngageError("bad_source", what, hint)

    def _record(self, lines: Sequence[str | _Unread], place: int, final: bool) -> _Record:
        """The record that begins at a place; the first one with cells decides what separates them."""
        if self._delimiter:
            return _record(lines, place, final, self._delimiter)
        for delimiter in DELIMITERS:
            used, cells, why = _record(lines, place, final, delimiter)
            if not used or len(cells) > 1:
                self._delimiter = delimiter if used else ""
                return used, cells, why
        used, cells, why = _record(lines, place, final, DELIMITERS[0])
        self._delimiter = DELIMITERS[0] if cells else ""
        return used, cells, why

    def _row(self, cells: list[str], number: int) -> Sequence[Row]:
        """The row of a record; none for a header."""
        where = self._columns
        if where is None:
            header = is_header(cells, self._options)
            where = self._columns = columns(cells, header, self._key, self._options)
            said = header or self._options.header is not None or self._options.user_column is not None
            self.headerless = not said and where.width > 1
            if header:
                return ()
        if len(cells) != where.width and (len(cells) < where.needed or any(cells[where.width :])):
            why = f"it has {_cells(len(cells))}, and the first row {_cells(where.width)}"
            return (self._refused(",".join(cells), number, why),)
        ids = tuple([cells[place] for place in where.users if cells[place]])
        text = None if where.value is None else cells[where.value]
        return (Row(ids, UNSET, text, number, self._file, "", "" if ids else ",".join(cells)[:EXCERPT]),)

    def _refused(self, line: str, number: int, why: str) -> Row:
        if self._columns is None and may_be_header(line, self._options):
            what = f"the first row (line {number}) cannot be read: {why}"
            raise EngageError("bad_source", what, "mend it: without it nobody knows the columns")
        return Row(line=number, file=self._file, error=why, excerpt=line[:EXCERPT])


def _decoded(block: bytes) -> list[str | _Unread]:
    """The lines of a block."""
    if not block:
        return []
    if not any_too_long(block):
        try:
            return list(block.decode().removesuffix("\n").split("\n"))
        except UnicodeDecodeError:
            pass
    return [_line(piece) for piece in block.removesuffix(b"\n").split(b"\n")]


def _line(piece: bytes) -> str | _Unread:
    excerpt = piece[:EXCERPT].decode(errors="replace")
    if len(piece) > MAX_LINE:
        return _Unread(TOO_LONG, excerpt)
    try:
        return piece.decode()
    except UnicodeDecodeError as error:
        return _Unread(f"it is not UTF-8 at byte {error.start}", excerpt)


def _can_go_on(lines: Sequence[str | _Unread], size: int = 0) -> bool:
    """Whether a record with so many characters may have these lines as well, and more."""
    return all(isinstance(line, str) for line in lines) and size + _size(lines) <= MAX_LINE


def _size(lines: Sequence[str | _Unread]) -> int:
    return sum(len(line) for line in lines if isinstance(line, str))


def _record(lines: Sequence[str | _Unread], place: int, final: bool, delimiter: str) -> _Record:
    taken: list[str] = []
    try:
        cells = next(csv.reader(_reach(lines, place, taken), delimiter=delimiter, strict=True))
        return len(taken), cells, ""
    except csv.Error as error:
        if "new-line character" in str(error):
            return 1, [], _LONE_RETURN
        unclosed = "unexpected end" in str(error)
        all_of_it = place + len(taken) == len(lines) and len(taken) <= MAX_LINES
        if unclosed and not final and all_of_it and _can_go_on(taken):
            return 0, [], ""
        return 1, [], f"its quotes are broken ({error})"


def _reach(lines: Sequence[str | _Unread], place: int, taken: list[str]) -> Iterator[str]:
    """The lines from a place on, as far as one record may reach."""
    size = 0
    for line in islice(lines, place, None):
        if isinstance(line, _Unread) or size > MAX_LINE or len(taken) > MAX_LINES:
            return
        taken.append(line)
        size += len(line)
        yield line + "\n"


def _cells(count: int) -> str:
    return f"{count} cell{'s' * (count != 1)}"
