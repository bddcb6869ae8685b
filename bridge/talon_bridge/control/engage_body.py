"""The body of a sync: its rows as they arrive, decompressed and parsed, never whole in memory."""

import asyncio
import zlib
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Final, Protocol

from starlette.requests import Request

from talon_bridge.body import ClientGoneError
from talon_bridge.control.answers import ProblemError
from talon_bridge.engage.problems import EngageError
from talon_bridge.engage.rows import Row

AT_ONCE: Final = 64 * 1024  # bytes that are decompressed before they are parsed: a bomb takes no more
SILENCE: Final = 600.0  # seconds without a byte after which a client is taken for gone, though its connection stands
CSV: Final = {"text/csv": None, "text/tab-separated-values": "\t"}  # the delimiter, None: as the first line has it
NDJSON: Final = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl"})
_KNOWN = ", ".join([*CSV, *sorted(NDJSON, reverse=True)])
_UTF8 = frozenset({"", "utf-8", "utf8", "us-ascii"})


class Parser(Protocol):
    """Bytes in, rows out."""

    def feed(self, chunk: bytes) -> list[Row]:
        """The rows that end in this piece."""
        ...

    def close(self) -> list[Row]:
        """The rows that are left at the end."""
        ...


def media_type(request: Request) -> str:
    """The type of the rows; raises `ProblemError` for one that cannot be read."""
    given = request.headers.get("content-type", "")
    kind, _, rest = given.partition(";")
    kind = kind.strip().lower()
    if kind not in CSV and kind not in NDJSON:
        what = f"the body is {kind[:80]}" if kind else "the body has no Content-Type"
        hint = f"send rows as one of {_KNOWN}, for example with the header Content-Type: text/csv"
        raise ProblemError(415, "unsupported_media_type", what, hint)
    names = (part.partition("=") for part in rest.split(";"))
    charset = next((value for name, _, value in names if name.strip().lower() == "charset"), "")
    charset = charset.strip().strip('"').lower()
    if charset not in _UTF8:
        raise ProblemError(415, "unsupported_media_type", f"the body is in {charset[:80]}", "send it in UTF-8")
    return kind


def is_packed(request: Request) -> bool:
    """Whether the body is a gzip stream; raises `ProblemError` for a compression that is not understood."""
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        what = f"Content-Encoding {encoding[:80]} is not understood"
        raise ProblemError(415, "unsupported_media_type", what, "send gzip or none")
    return encoding in ("gzip", "x-gzip")


async def rows(
    request: Request, parser: Parser, packed: bool, silence: float = SILENCE
) -> AsyncGenerator[Sequence[Row], None]:
    """The rows of the body, in portions. Raises `EngageError` or `ClientGoneError` where it breaks off."""
    unpack = Gunzip() if packed else None
    async for chunk in _chunks(request, silence):
        for piece in (chunk,) if unpack is None else unpack.feed(chunk):
            if found := parser.feed(piece):
                yield found
            await asyncio.sleep(0)  # others get their turn, however much comes out of a few bytes
    if unpack is not None:
        unpack.close()
    if found := parser.close():
        yield found


async def _chunks(request: Request, silence: float) -> AsyncGenerator[bytes, None]:
    """The body as it arrives. A connection that closes early is never taken for the end of it."""
    more = True
    while more:
        try:
            async with asyncio.timeout(silence):
                message = await request.receive()
        except TimeoutError:
            raise _broken(f"nothing came for {silence:g} s before the end of the body") from None
        if message["type"] == "http.disconnect":
            raise ClientGoneError("the client closed the connection before the end of the body")
        more = message.get("more_body", False)
        if chunk := message.get("body", b""):
            yield chunk


class Gunzip:
    """A gzip stream of any number of members, decompressed in pieces. Raises `EngageError`."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)

    def feed(self, packed: bytes) -> Iterator[bytes]:
        """What comes of these bytes."""
        while packed:
            if self._member.eof:
                self._member = zlib.decompressobj(wbits=31)
            try:
                piece = self._member.decompress(packed, AT_ONCE)
            except zlib.error as error:
                raise _broken(f"the gzip body is damaged: {error}") from None
            if piece:
                yield piece
            packed = self._member.unused_data if self._member.eof else self._member.unconsumed_tail

    def close(self) -> None:
        """Make sure that this was the end."""
        if not self._member.eof:
            raise _broken("the gzip body ends too early")


def _broken(what: str) -> EngageError:
    return EngageError("bad_source", what, "nothing was changed; send all of it again")
