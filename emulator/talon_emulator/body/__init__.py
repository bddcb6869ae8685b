"""The JSON body of a request, decoded strictly: digits exact (MAP-8), nesting bounded, errors as refusals.

A member that appears twice counts with its last value.
"""

import json
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from talon_emulator import errors
from talon_emulator.body import complaints, places
from talon_emulator.body.places import Step
from talon_emulator.errors import Problem, Refusal

T = TypeVar("T")

MAX_DEPTH = 64
MAX_NUMBER = 4_300  # characters; the integers that msgspec decodes end there too
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_ALIKE = bytes.maketrans(b"[]", b"{}")
_NEITHER = bytes(set(range(256)) - set(b'"[]{}'))
_TOO_LONG = f"the number is longer than {MAX_NUMBER} characters"
_TOO_LARGE = "the number is outside the range of a double"
_ESCAPES = ("escape", "surrogate", "truncated")  # what the decoder may say of a lone surrogate

ENCODER = msgspec.json.Encoder(decimal_format="number")


def exact_number(literal: str) -> Decimal:
    """Keep a number with a fraction or an exponent digit for digit; refuse what no double can hold."""
    if len(literal) > MAX_NUMBER:
        raise ValueError(_TOO_LONG)
    number = Decimal(literal)
    if number.adjusted() >= 308 and abs(float(number)) == float("inf"):
        raise ValueError(_TOO_LARGE)
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
        place = places.first(body, lambda token, steps: places.opens(token) and len(steps) >= MAX_DEPTH)
        assert place is not None
        details = f"the body nests deeper than {MAX_DEPTH} levels (byte {place.byte})"
        return errors.malformed_body(details, place.path)
    try:
        if not body.isascii():
            body.decode()
        return into.decode(body)
    except UnicodeDecodeError as error:
        return errors.malformed_body(f"the body is not UTF-8 (byte {error.start})")
    except msgspec.ValidationError as error:
        return errors.invalid_data(_problems(error, body, into.type))
    except msgspec.DecodeError as error:
        return _malformed(error, body)


def too_deep(body: bytes) -> bool:
    """Tell whether brackets nest deeper than `MAX_DEPTH`, without decoding."""
    if body.count(b"{") + body.count(b"[") <= MAX_DEPTH:
        return False
    # Peel the brackets of well-formed JSON level by level, without its strings; large bodies are decided here.
    plain = _ESCAPE.sub(b"", body) if b"\\" in body else body
    brackets = b"".join(plain.translate(_ALIKE, _NEITHER).replace(b'""', b"").split(b'"')[::2])
    for _ in range(MAX_DEPTH):
        peeled = brackets.replace(b"{}", b"")
        if not peeled:
            return False
        if len(peeled) == len(brackets):
            break
        brackets = peeled
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


def _malformed(error: msgspec.DecodeError, body: bytes) -> Refusal:
    said = str(error).removeprefix("JSON is malformed: ").lower()
    if any(word in said for word in _ESCAPES):
        torn = places.first(body, lambda token, _: places.is_torn(token))
        if torn is not None:
            return errors.malformed_body(f"a string has a lone surrogate (byte {torn.byte})", torn.path)
    return errors.malformed_body("the body is truncated" if "truncated" in said else said)


def _problems(error: msgspec.ValidationError, body: bytes, kind: Any) -> Iterator[Problem]:
    try:
        value = json.loads(body, parse_int=str, parse_float=str)
    except ValueError:  # what follows the offending member is not JSON
        value = None
    complaint = complaints.read(error, kind, value)
    path = complaint.path
    if complaint.fault == "missing":
        for name in complaint.names:
            yield errors.missing_member(name, errors.pointer(*path, name))
    elif complaint.fault == "choice":
        yield errors.not_one_of(_label(path), complaint.known, errors.pointer(*path))
    elif complaint.fault == "number":
        yield _bad_number(body, path)
    else:
        yield errors.bad_member(complaint.text, errors.pointer(*path))


def _bad_number(body: bytes, within: tuple[str, ...]) -> Problem:
    """Find the number that the decoder stopped at: the first bad one below the member that it tells."""

    def is_wanted(token: bytes, steps: Sequence[Step]) -> bool:
        return _is_bad_number(token) and tuple(map(str, steps[: len(within)])) == within

    place = places.first(body, is_wanted)
    too_long = place is not None and len(place.token) > MAX_NUMBER
    path = within if place is None else place.path
    return errors.bad_number(_TOO_LONG if too_long else _TOO_LARGE, errors.pointer(*path))


def _is_bad_number(token: bytes) -> bool:
    if not places.is_number(token):
        return False
    if token.lstrip(b"-").isdigit():
        return len(token) > MAX_NUMBER
    try:
        exact_number(token.decode())
    except ValueError:
        return True
    return False


def _label(path: tuple[str, ...]) -> str:
    """Return the name of a member, or of the list that it is in."""
    return next((step for step in reversed(path) if not step.isdigit()), "body")
