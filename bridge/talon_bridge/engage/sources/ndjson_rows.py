"""Rows of a text with one JSON value a line that comes in chunks, and such a text of rows."""

from collections.abc import Iterable
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from talon_bridge import codec
from talon_bridge.codec import Malformed, MalformedError
from talon_bridge.engage.problems import EngageError
from talon_bridge.engage.rows import Row
from talon_bridge.engage.sources.lines import MAX_LINE, TOO_LONG, Lines, any_too_long

EXCERPT: Final = 200  # characters
MAX_NUMBER: Final = 2**63 - 1  # of a line
_Ids = str | int | list[str | int] | None


class _Object(msgspec.Struct, frozen=True, gc=False):
    user_id: _Ids = None
    userId: _Ids = None
    id: _Ids = None
    value: Any = UNSET
    text: Any = None
    line: Any = None
    file: Any = None
    error: Any = None
    excerpt: Any = None


class _Plain(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """What nearly every line is that the command line sends for an audience: read in a third of the time (measured)."""

    user_id: Annotated[str, msgspec.Meta(min_length=1)]
    line: Annotated[int, msgspec.Meta(ge=1, le=MAX_NUMBER)]
    file: str = ""


# Among such lines an empty one may be: then there may be as many values as lines, but on others. A regular expression
# for it takes longer than all the rest (measured).
_SPACE_FIRST: Final = (b"\n\n", b"\n\r", b"\n ", b"\n\t")

_plain: Final = msgspec.json.Decoder(_Plain)


class NdjsonRows:
    """Reads rows for the computation with this key; `file` is what its rows say they come from.

    A line is a user id, or an object with `user_id`, `userId` or `id` (one or several) and `value`, a member called
    like the key, or `text` (a value without a type). `line`, `file`, `error` and `excerpt` are of whoever converted the
    source. Members not named here are ignored, and so is a key that is one of these names. Empty lines are passed over;
    a line that cannot be read is one refused row.
    """

    def __init__(self, key: str, file: str = "") -> None:
        self._file = file
        self._lines = Lines()
        self._next = 1
        self._begun = False
        of_key: list[Any] = [] if key in _Object.__struct_fields__ else [("of_key", Any, UNSET)]
        kind = msgspec.defstruct("Line", of_key, bases=(_Object,), rename={"of_key": key}, frozen=True, gc=False)
        self._decoder: msgspec.json.Decoder[Any] = codec.decoder(str | kind)  # type: ignore[arg-type]

    def feed(self, chunk: bytes) -> list[Row]:
        """The rows that are complete now. Raises `EngageError` where no row can be read."""
        return self._read(self._lines.feed(chunk))

    def close(self) -> list[Row]:
        """The rest."""
        return self._read(self._lines.close())

    def _read(self, block: bytes) -> list[Row]:
        if not block:
            return []
        self._look_at_the_beginning(block)
        first = self._next
        count = block.count(b"\n") + (not block.endswith(b"\n"))
        self._next += count
        found = self._at_once(block)
        if len(found) == count:
            return [self._row(one, number) for number, one in enumerate(found, first)]
        lines = block.removesuffix(b"\n").split(b"\n")
        return [self._alone(line, number) for number, line in enumerate(lines, first) if line.strip()]

    def _look_at_the_beginning(self, block: bytes) -> None:
        if self._begun:
            return
        beginning = block.lstrip()[:1]
        self._begun = beginning != b""
        if beginning == b"[":
            hint = "write one value a line, as jq -c '.[]' does"
            raise EngageError("bad_source", "the source is a JSON array, and not one JSON value a line", hint)

    def _at_once(self, block: bytes) -> list[Any]:
        """The values of many lines; other than there are lines where one of them must be read alone."""
        if any_too_long(block) or block[:1].isspace() or any(beginning in block for beginning in _SPACE_FIRST):
            return []
        try:
            block.decode()  # the decoder does not look at members that it skips
            try:
                return _plain.decode_lines(block)
            except msgspec.DecodeError:
                return self._decoder.decode_lines(block)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return []

    def _alone(self, line: bytes, number: int) -> Row:
        try:
            if len(line) <= MAX_LINE:
                return self._row(codec.read(self._decoder, line), number)
            why = TOO_LONG
        except MalformedError as error:
            why = _why(error.malformed)
        return Row(line=number, file=self._file, error=why, excerpt=line[:EXCERPT].decode(errors="replace"))

    def _row(self, one: Any, number: int) -> Row:
        if type(one) is _Plain:
            return Row((one.user_id,), UNSET, None, one.line, one.file or self._file)
        if type(one) is str:
            return Row((one,) if one else (), UNSET, None, number, self._file)
        given: _Ids = one.user_id if one.user_id is not None else one.userId if one.userId is not None else one.id
        several = given if isinstance(given, list) else (given,)
        ids = tuple([str(each) for each in several if each is not None and each != ""])
        value = one.value
        if isinstance(value, UnsetType):
            value = getattr(one, "of_key", UNSET)
        line = one.line if type(one.line) is int and 0 < one.line <= MAX_NUMBER else number
        return Row(
            ids,
            value,
            _text(one.text),
            line,
            _text(one.file) or self._file,
            _text(one.error) or "",
            _text(one.excerpt) or "",
        )


def _why(malformed: Malformed) -> str:
    """What is wrong with a line: of an id in words that say what numbers are ids."""
    member = malformed.pointer.split("/")[1:2]
    if malformed.code != "invalid_type" or member not in (["user_id"], ["userId"], ["id"]):
        return malformed.message
    found = malformed.message.rpartition(", ")[2]
    return f"{malformed.pointer}: a user id is a string, a whole number, or a list of these; {found}"


def _text(given: Any) -> str | None:
    return given if isinstance(given, str) else None


class _Line(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    user_id: str | tuple[str, ...] | None = None
    value: Any = UNSET
    text: str | None = None
    line: int = 0
    file: str = ""
    error: str = ""
    excerpt: str = ""


_encoder = msgspec.json.Encoder(decimal_format="number")


def encode(rows: Iterable[Row]) -> bytes:
    """Rows that say where they stand, as lines that `NdjsonRows` reads back as they are."""
    return _encoder.encode_lines([_line(row) for row in rows])


def _line(row: Row) -> _Line:
    ids = row.ids[0] if len(row.ids) == 1 else row.ids or None
    return _Line(ids, row.value, row.text, row.line, row.file, row.error, row.excerpt)
