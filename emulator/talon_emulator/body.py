"""The JSON body of a request, decoded strictly: digits exact (MAP-8), nesting bounded, errors as refusals.

A member that appears twice counts with its last value.
"""

import re
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from talon_emulator import errors
from talon_emulator.errors import Refusal

T = TypeVar("T")

MAX_DEPTH = 64
MAX_DIGITS = 4_300  # the integers that msgspec decodes end there too
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
_EXPECTED = re.compile(r"Expected `(.+?)`, got `(.+?)`")
_PLACE = re.compile(r"^(.*?)(?: - at `(.*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_NOUNS = {
    "array": "a list",
    "bool": "a boolean",
    "int": "an integer",
    "float": "a number",
    "null": "null",
    "object": "an object",
    "str": "a string",
}

ENCODER = msgspec.json.Encoder(decimal_format="number")


def exact_number(literal: str) -> Decimal:
    """Keep a number with a fraction or an exponent digit for digit; refuse what no double can hold."""
    if len(literal) > MAX_DIGITS:
        raise ValueError(f"a number has more than {MAX_DIGITS} digits")
    number = Decimal(literal)
    if number.adjusted() >= 308 and abs(float(number)) == float("inf"):
        raise ValueError("a number is outside the range of a double")
    return number


def decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    """Return a decoder for bodies of this type that keeps numbers exact."""
    return msgspec.json.Decoder(kind, float_hook=exact_number)


ANY: msgspec.json.Decoder[Any] = decoder(Any)


def decode(body: bytes, into: msgspec.json.Decoder[T]) -> T | Refusal:
    """Decode a body into a value, or say what is wrong with it and where."""
    if not body:
        return errors.malformed_body("the body is empty")
    if too_deep(body):
        return errors.malformed_body(f"the body nests deeper than {MAX_DEPTH} levels")
    try:
        if not body.isascii():
            body.decode()
        return into.decode(body)
    except UnicodeDecodeError as error:
        return errors.malformed_body(f"the body is not UTF-8 (byte {error.start})")
    except msgspec.ValidationError as error:
        text, path = locate(error)
        place = errors.pointer(*path)
        problem = errors.bad_choice(text, place) if "enum value" in text else errors.bad_member(text, place)
        return errors.invalid_data([problem])
    except msgspec.DecodeError as error:
        return errors.malformed_body(str(error).removeprefix("JSON is malformed: ").lower())


def too_deep(body: bytes) -> bool:
    """Tell whether brackets nest deeper than `MAX_DEPTH`, without decoding."""
    if body.count(b"{") + body.count(b"[") <= MAX_DEPTH:
        return False
    depth = 0
    for token in _TOKEN.finditer(body):
        first = body[token.start()]
        if first in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif first in b"]}":
            depth -= 1
    return False


def locate(error: msgspec.ValidationError) -> tuple[str, tuple[str, ...]]:
    """Split a decoder's complaint into a sentence of ours and the path of the offending member."""
    found = _PLACE.match(str(error))
    assert found is not None
    text, path = found.group(1), found.group(2) or ""
    expected = _EXPECTED.fullmatch(text)
    if expected:
        wanted = " or ".join(_noun(word) for word in expected.group(1).split(" | "))
        text = f"expected {wanted}, got {_noun(expected.group(2))}"
    return text, tuple(name or index for name, index in _STEP.findall(path))


def _noun(word: str) -> str:
    return _NOUNS.get(word, word)
