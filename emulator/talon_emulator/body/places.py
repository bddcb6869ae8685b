"""Where something is in a JSON text: a slow walk, for the way to an error only."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

Step = str | int | None  # None: in an object, before the name of its next member
Wanted = Callable[[bytes, Sequence[Step]], bool]

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{},]|-?[0-9][-+.0-9eE]*', re.DOTALL)
_NAME: Final = msgspec.json.Decoder(str)
_SURROGATE = re.compile(rb"\\u([dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL)


class Place(msgspec.Struct, frozen=True):
    """A token of the text: the steps from the root to it (member names, list indexes), and its first byte."""

    token: bytes
    path: tuple[str, ...]
    byte: int


def first(text: bytes, wanted: Wanted) -> Place | None:
    """Return where the first wanted token is; `wanted` is given strings, names, numbers and opening brackets."""
    for byte, token, steps in _walk(text):
        if wanted(token, steps):
            return Place(token, tuple(str(step) for step in steps if step is not None), byte)
    return None


def opens(token: bytes) -> bool:
    """Tell whether a token begins an object or a list."""
    return token in (b"{", b"[")


def is_number(token: bytes) -> bool:
    """Tell whether a token is a number."""
    return token[:1] in b"-0123456789"


def is_torn(token: bytes) -> bool:
    """Tell whether a token is a string with a lone surrogate, which is no character."""
    if token[:1] != b'"':
        return False
    high_ends = -1
    for escape in _SURROGATE.finditer(token):
        code = escape.group(1)
        is_low = code is not None and code[1:2] in b"cdefCDEF"
        if is_low != (high_ends >= 0) or (is_low and escape.start() != high_ends):
            return True
        high_ends = escape.end() if code is not None and not is_low else -1
    return high_ends >= 0


def _walk(text: bytes) -> Iterator[tuple[int, bytes, list[Step]]]:
    """Yield tokens with the steps to them, a list that changes as the walk goes on. What is not JSON is skipped."""
    steps: list[Step] = []
    for found in _TOKEN.finditer(text):
        token = found.group()
        last = steps[-1] if steps else 0
        if token == b",":
            if steps:
                steps[-1] = last + 1 if isinstance(last, int) else None
        elif token in (b"}", b"]"):
            if steps:
                steps.pop()
        else:
            if last is None and token[:1] == b'"':
                steps[-1] = _name(token)
            yield found.start(), token, steps
            if opens(token):
                steps.append(0 if token == b"[" else None)


def _name(token: bytes) -> str:
    try:
        return _NAME.decode(token)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return token.strip(b'"').decode("utf-8", "replace")
