"""A request's body, read whole, decompressed, and never larger than allowed."""

import zlib
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final

from talon_bridge.codec import Malformed, MalformedError

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

MAX_MEMBERS: Final = 64  # of one gzip body; the rest of the body is copied after each


class ClientGoneError(Exception):
    """The client closed the connection before the body was complete."""


async def read_body(receive: Receive, headers: Iterable[tuple[bytes, bytes]], limit: int) -> bytes:
    """The body in clear, at most `limit` bytes before and after decompression. Raises `MalformedError`."""
    return unpacked(await read_raw(receive, limit), headers, limit)


def unpacked(raw: bytes, headers: Iterable[tuple[bytes, bytes]], limit: int) -> bytes:
    """A body as it arrived, in clear, at most `limit` bytes of it. Raises `MalformedError`."""
    encoding = b"identity"
    for name, value in headers:
        if name == b"content-encoding":
            encoding = value.strip().lower()
    if encoding in (b"identity", b""):
        return raw
    if encoding not in (b"gzip", b"x-gzip"):
        text = f"Content-Encoding {encoding.decode('latin-1')} is not understood; send gzip or none"
        raise MalformedError(Malformed("unsupported_encoding", text))
    return _gunzip(raw, limit)


async def read_raw(receive: Receive, limit: int) -> bytes:
    """The body as it arrived, at most `limit` bytes. Raises `MalformedError`, or `ClientGoneError`."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGoneError
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return _within(body, limit)
    parts, size = [body], len(body)
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise _too_large(limit)
    return _within(b"".join(parts), limit)


def _within(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _gunzip(raw: bytes, limit: int) -> bytes:
    """All members of a gzip stream, stopping at the limit, so that a bomb costs no more than an honest body."""
    parts: list[bytes] = []
    size = 0
    while raw:
        if len(parts) == MAX_MEMBERS:
            raise MalformedError(Malformed("invalid_gzip", f"the gzip body has more than {MAX_MEMBERS} members"))
        member = zlib.decompressobj(wbits=31)
        try:
            parts.append(member.decompress(raw, limit + 1 - size))
        except zlib.error as error:
            raise MalformedError(Malformed("invalid_gzip", f"the gzip body is damaged: {error}")) from None
        size += len(parts[-1])
        if size > limit:
            raise _too_large(limit)
        if not member.eof:
            raise MalformedError(Malformed("invalid_gzip", "the gzip body ends too early"))
        raw = member.unused_data
    return b"".join(parts)


def _too_large(limit: int) -> MalformedError:
    return MalformedError(Malformed("body_too_large", f"the body has more than {limit} bytes"))
