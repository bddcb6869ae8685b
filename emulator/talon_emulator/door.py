"""The door: from ASGI to a checked `Request` with its whole body, and from an `Answer` back to ASGI."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from contextlib import aclosing
from functools import partial
from typing import Any, Final

from talon_emulator import errors, hosts, shapes
from talon_emulator.errors import Refusal
from talon_emulator.exchange import Answer, Request, Slowly, Stream
from talon_emulator.inflate import Corrupt, TooLarge, gunzip

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Handle = Callable[[Request], Awaitable[Answer]]
MaxBody = Callable[[bytes, dict[bytes, bytes]], int]

# What a server that can reset a connection, or let it hang, puts into the scope's extensions: {"reset", "hold"}.
CONNECTION: Final = "localtalon.connection"
MAX_HEADER_BYTES: Final = 64 * 1024
_REMEMBERED_HOSTS: Final = 256
_PIECES: Final = 20  # of a body that is sent slowly
_SINGLE: Final = (b"host", b"authorization", b"content-length", b"content-encoding")


class ClientGone(Exception):
    """The client went away before its request was complete."""


class Door:
    """Lets in what is addressed to this server and not too large."""

    def __init__(self, handle: Handle, max_body: MaxBody, allowed_hosts: tuple[str, ...]) -> None:
        """Hand what passes to `handle`; `max_body` tells the limit in bytes, compressed and inflated alike."""
        self._handle = handle
        self._max_body = max_body
        self._allowed_hosts = tuple(hosts.name_of(host) for host in allowed_hosts)
        self._served: set[bytes] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        # Servers that do not set raw_path (it is optional in ASGI) leave the decoded path; encode it again.
        path: bytes = scope.get("raw_path") or scope["path"].encode()
        limit = self._max_body(path, headers)
        try:
            refusal = self._inspect(scope["headers"], headers, limit)
            body = refusal or await _read(receive, headers.get(b"content-encoding", b"identity"), limit)
        except ClientGone:
            return
        if isinstance(body, Refusal):
            answer = shapes.render(path, body)
        else:
            gone = partial(_gone, scope, receive)
            request = Request(scope["method"], path, scope["query_string"], headers, body, gone)
            answer = await self._handle(request)
        if answer.manner == "whole":
            await send(_head(answer))
            await send({"type": "http.response.body", "body": answer.body})
        else:
            await _misrespond(scope, receive, send, answer)

    def _inspect(self, given: list[tuple[bytes, bytes]], headers: dict[bytes, bytes], limit: int) -> Refusal | None:
        if sum([len(name) + len(value) for name, value in given]) > MAX_HEADER_BYTES:
            return errors.headers_too_large(MAX_HEADER_BYTES)
        if len(given) != len(headers):
            names = [name for name, _ in given]
            for name in _SINGLE:
                if names.count(name) > 1:
                    return errors.bad_header(f"{name.decode()} is given twice")
        host = headers.get(b"host", b"(none)")
        if host not in self._served and not self._serves(host):
            return errors.misdirected(host.decode("latin-1"))
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length[:20]) > limit:
            return errors.body_too_large(limit)
        return None

    def _serves(self, host: bytes) -> bool:
        if not hosts.is_served(host.decode("latin-1"), self._allowed_hosts):
            return False
        if len(self._served) < _REMEMBERED_HOSTS:
            self._served.add(host)
        return True


async def _read(receive: Receive, encoding: bytes, limit: int) -> bytes | Refusal:
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > limit:
            return errors.body_too_large(limit)
        if not message.get("more_body", False):
            break
    body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
    encoding = encoding.lower()
    if encoding == b"identity":
        return body
    if encoding not in (b"gzip", b"x-gzip"):
        return errors.unsupported_encoding(encoding.decode("latin-1"))
    try:
        return gunzip(body, limit)
    except TooLarge:
        return errors.body_too_large(limit)
    except Corrupt:
        return errors.malformed_body("the body is not a whole gzip stream")


async def _misrespond(scope: Scope, receive: Receive, send: Send, answer: Answer) -> None:
    if isinstance(answer.manner, Slowly):
        await send(_head(answer))
        size = max(-(-len(answer.body) // _PIECES), 1)
        pieces = [answer.body[start : start + size] for start in range(0, len(answer.body), size)] or [b""]
        for number, piece in enumerate(pieces, start=1):
            await asyncio.sleep(answer.manner.seconds / len(pieces))
            await send({"type": "http.response.body", "body": piece, "more_body": number < len(pieces)})
    elif isinstance(answer.manner, Stream):
        await send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
        await _first(_gone(scope, receive), _send_each(send, answer.manner))
    elif answer.manner == "reset":
        connection = scope.get("extensions", {}).get(CONNECTION)
        if connection is None:
            # A server that cannot reset a connection closes it on an answer that is left unfinished.
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
            return
        connection["reset"]()
        await _until_gone(receive)


async def _send_each(send: Send, stream: Stream) -> None:
    async with aclosing(stream.pieces()) as pieces:
        async for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _first(*ways: Coroutine[Any, Any, None]) -> None:
    """Go several ways at once until one ends, and leave the others."""
    tasks = {asyncio.ensure_future(way) for way in ways}
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def _gone(scope: Scope, receive: Receive) -> None:
    """Wait for the client to go away; should the server stop before that, it need not wait with us."""
    connection = scope.get("extensions", {}).get(CONNECTION)
    if connection is not None:
        connection["hold"]()
    await _until_gone(receive)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _head(answer: Answer) -> Message:
    headers = list(answer.headers)
    if answer.status != 204:
        headers.append((b"content-length", b"%d" % len(answer.body)))
    return {"type": "http.response.start", "status": answer.status, "headers": headers}
