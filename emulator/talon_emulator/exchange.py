"""One HTTP request with its answer, as values."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Literal

import msgspec

Headers = tuple[tuple[bytes, bytes], ...]

JSON: Headers = ((b"content-type", b"application/json"),)


async def _at_once() -> None:
    """Return: nobody tells whether this client waits."""


class Request(msgspec.Struct, frozen=True, gc=False):
    """A request whose body has been read whole and, if it was compressed, inflated.

    `path` and `query` are the bytes of the request line, still percent-encoded; header names are lower-case. `gone`
    returns once the client has gone away without having waited for an answer.
    """

    method: str
    path: bytes
    query: bytes
    headers: dict[bytes, bytes]
    body: bytes
    gone: Callable[[], Awaitable[None]] = _at_once


class Slowly(msgspec.Struct, frozen=True):
    """How an answer leaves whose body takes so long."""

    seconds: float


class Stream(msgspec.Struct, frozen=True):
    """How an answer leaves whose body is made while it is sent, for as long as the client listens."""

    pieces: Callable[[], AsyncGenerator[bytes, None]]


# With "reset" the connection is reset instead of an answer; "none" is for a client that has gone away.
Manner = Literal["whole", "reset", "none"] | Slowly | Stream


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What goes back to the client; `note` is for the journal only and never leaves on the wire.

    `status` 0 is that of no answer at all.
    """

    status: int
    body: bytes = b""
    headers: Headers = JSON
    note: str = ""
    manner: Manner = "whole"


NO_CONTENT = Answer(204, headers=())
