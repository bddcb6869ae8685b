"""JSON in and out, digit for digit (MAP-8)."""

import math
import re
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

MAX_NESTING = 64

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
    return Decimal(text)


_encoder = msgspec.json.Encoder(decimal_format="number")
_values = msgspec.json.Decoder(float_hook=_number)


def decoder(of: type[T]) -> msgspec.json.Decoder[T]:
    """A decoder for `of` that keeps numbers exact."""
    return msgspec.json.Decoder(of, float_hook=_number)


def encode(value: Any) -> bytes:
    """JSON text of a value, numbers as they came."""
    return _encoder.encode(value)


def value(raw: bytes) -> Any:
    """Any JSON value; raises `MalformedError`."""
    return read(_values, raw)


def read(using: msgspec.json.Decoder[T], raw: bytes, at: str = "") -> T:
    """Decode `raw`; whatever is wrong with it becomes a `MalformedError` that says what and where (below `at`)."""
    try:
        return using.decode(raw)
    except RecursionError:
        raise MalformedError(too_deep(at)) from None
    except UnicodeDecodeError as error:
        message = f"the text is not valid UTF-8 at byte {error.start}"
        raise MalformedError(Malformed("invalid_utf8", message, at)) from None
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at ")
        pointer = at + _pointer(path.strip("`"))
        raise MalformedError(Malformed("invalid_type", f"{pointer or 'the body'}: {_plain(text)}", pointer)) from None
    except msgspec.DecodeError as error:
        raise MalformedError(Malformed("invalid_json", f"the JSON is malformed: {_reason(raw, error)}", at)) from None


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


# A string is one token, so that brackets inside it do not count.
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]]', re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")


def _pointer(path: str) -> str:
    """msgspec's `$.batch[3].traits` as the JSON pointer `/batch/3/traits`."""
    return "".join("/" + (name or index) for name, index in _STEP.findall(path) if index != "...")


def _plain(text: str) -> str:
    """msgspec's sentence without its back-ticks, in JSON's words."""
    for theirs, ours in (("`", ""), (" | ", " or "), ("got ", "found "), ("int", "number"), ("str", "string")):
        text = re.sub(rf"\b{theirs}\b", ours, text) if theirs.isalpha() else text.replace(theirs, ours)
    return text[:1].lower() + text[1:]


def _reason(raw: bytes, error: msgspec.DecodeError) -> str:
    if not raw.strip():
        return "it is empty"
    if raw.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        return "it starts with a byte order mark; send plain UTF-8"
    text = str(error)
    if text == "Input data was truncated":
        return "it ends too early, or holds half of a surrogate pair"
    return text.removeprefix("JSON is malformed: ")
