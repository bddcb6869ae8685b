"""JSON in and out, digit for digit (MAP-8)."""

import math
import re
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import msgspec

MAX_NESTING = 64
MAX_DIGITS = 4300  # of one number; Python's own limit for integers, which keeps reading one from costing seconds

T = TypeVar("T")


class Malformed(msgspec.Struct, frozen=True):
    """Why a text is refused: a code for programs, a sentence for people, and the JSON pointer of the culprit."""

    code: str
    message: str
    pointer: str = ""


class MalformedError(ValueError):
    """Raised while decoding; carries the `Malformed` value to the edge that answers it."""

    def __init__(self, malformed: Malformed) -> None:
        super().__init__(malformed.message)
        self.malformed = malformed


def _number(text: str) -> Decimal:
    """A JSON number with a fraction or an exponent, kept exact; beyond the double range it is no number for anybody."""
    if math.isinf(float(text)):
        raise ValueError(f"{text[:40]} is outside the range of a double")
    if len(text) > MAX_DIGITS:
        raise ValueError(f"a number has {len(text)} characters; at most {MAX_DIGITS} are taken")
    try:
        return Decimal(text)
    except InvalidOperation:  # so small, or such a zero, that its exponent fits nowhere
        raise ValueError(f"{text[:40]} has an exponent that cannot be kept") from None


_encoder = msgspec.json.Encoder(decimal_format="number")
_values = msgspec.json.Decoder(float_hook=_number)


def decoder(of: type[T]) -> msgspec.json.Decoder[T]:
    """A decoder for `of` that keeps numbers exact."""
    return msgspec.json.Decoder(of, float_hook=_number)


def encode(value: Any) -> bytes:
    """JSON text of a value, numbers as they came."""
    return _encoder.encode(value)


def value(raw: bytes, at: str = "") -> Any:
    """Any JSON value; raises `MalformedError`, with a pointer below `at`."""
    return read(_values, raw, at)


def read(using: msgspec.json.Decoder[T], raw: bytes, at: str = "") -> T:
    """Decode `raw`; whatever is wrong with it becomes a `MalformedError` that says what and where (below `at`)."""
    try:
        raw.decode()  # the decoder does not look at members that it skips, and counts from the start of a string
        return using.decode(raw)
    except RecursionError:
        raise MalformedError(too_deep(at)) from None
    except UnicodeDecodeError as error:
        message = f"the text is not valid UTF-8 at byte {error.start}"
        raise MalformedError(Malformed("invalid_utf8", message, at)) from None
    except msgspec.ValidationError as error:
        raise _of_wrong_type(error, at) from None
    except msgspec.DecodeError as error:
        raise MalformedError(Malformed("invalid_json", f"the JSON is malformed: {_reason(raw, error)}", at)) from None


def read_whole(using: msgspec.json.Decoder[T], raw: bytes, at: str = "") -> T:
    """Like `read`, but looks at members that the type does not name too: no part of `raw` holds what is refused."""
    try:
        raw.decode()
        return msgspec.convert(_values.decode(raw), using.type)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # `read` has better words for it
        result = read(using, raw, at)
        read(_values, raw, at)
        return result


def converted(decoded: Any, of: type[T], at: str = "") -> T:
    """A decoded value as `of`; raises `MalformedError`, with a pointer below `at`."""
    try:
        return msgspec.convert(decoded, of)
    except msgspec.ValidationError as error:
        raise _of_wrong_type(error, at) from None


def _of_wrong_type(error: msgspec.ValidationError, at: str) -> MalformedError:
    text, _, path = str(error).partition(" - at ")
    pointer = at + _pointer(path.strip("`"))
    return MalformedError(Malformed("invalid_type", f"{pointer or 'the body'}: {_plain(text)}", pointer))


def too_deep(pointer: str) -> Malformed:
    """The refusal of a value nested beyond `MAX_NESTING`."""
    return Malformed("too_deep", f"{pointer or 'the body'} is nested deeper than {MAX_NESTING} levels", pointer)


def nested_beyond(raw: bytes, limit: int = MAX_NESTING) -> bool:
    """Whether a JSON text nests deeper than `limit`; counting brackets answers for nearly every text without a walk."""
    if raw.count(b"{") + raw.count(b"[") <= limit:
        return False
    level = deepest = 0
    for token in _TOKENS.finditer(raw):
        opening = token.group()
        if opening in (b"{", b"["):
            level += 1
            deepest = max(deepest, level)
        elif opening in (b"}", b"]"):
            level -= 1
    return deepest > limit


def first_object(raw: bytes, within: int) -> bytes | None:
    """The first element of a JSON array as it is written, if it is an object; nothing behind it is looked at.

    It must end within so many bytes, and nest no deeper than `MAX_NESTING`.
    """
    opening = _FIRST.match(raw)
    if opening is None:
        return None
    level = 0
    for token in _TOKENS.finditer(raw, opening.end(), within):
        text = token.group()
        if text in (b"{", b"["):
            level += 1
        elif text in (b"}", b"]"):
            level -= 1
        if level == 0:
            return raw[opening.end() : token.end()]
        if level > MAX_NESTING:
            return None
    return None


_FIRST = re.compile(rb"[ \t\n\r]*\[[ \t\n\r]*(?=\{)")
# A string is one token, so that brackets inside it do not count. The pattern cannot fail once it has seen a quote:
# a string without an end would otherwise be searched anew from each quote in it.
_TOKENS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[{}\[\]]', re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")


def _pointer(path: str) -> str:
    """msgspec's `$.batch[3].traits` as the JSON pointer `/batch/3/traits`; it ends above a key left unnamed."""
    known, _, _ = path.partition("[...]")
    return "".join("/" + (name or index) for name, index in _STEP.findall(known))


def _plain(text: str) -> str:
    """msgspec's sentence without its back-ticks, in JSON's words."""
    for theirs, ours in _WORDS:
        text = re.sub(rf"\b{theirs}\b", ours, text) if theirs.isalpha() else text.replace(theirs, ours)
    return text[:1].lower() + text[1:]


_WORDS = (
    ("`", ""),
    (" | ", " or "),
    ("got ", "found "),
    ("int", "number"),
    ("float", "number"),
    ("decimal", "number"),
    ("str", "string"),
    ("bool", "boolean"),
)


def _reason(raw: bytes, error: msgspec.DecodeError) -> str:
    if not raw.strip():
        return "it is empty"
    if raw.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        return "it starts with a byte order mark; send plain UTF-8"
    text = str(error)
    if text == "Input data was truncated":
        return "it ends too early, or holds half of a surrogate pair"
    return text.removeprefix("JSON is malformed: ")
