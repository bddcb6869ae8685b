"""A server that answers HTTP as a test says, and as no right server would."""

import asyncio
import contextlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

from stream_server import serve_streams

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def http(status: str, body: str, kind: str = "application/json", extra: str = "") -> bytes:
    """An answer that closes its connection."""
    size = len(body.encode())
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {size}\r\nconnection: close\r\n{extra}"
    return f"{head}\r\n{body}".encode()


def listing(*definitions: dict[str, Any]) -> bytes:
    """A list of these definitions of profile attributes, each with what is usual where nothing else is said."""
    usual = {"entity": "CustomerProfile", "type": "string", "description": "", "suggestions": [], "editable": True}
    whole = [
        {"id": number, **usual, "title": each.get("name"), **each} for number, each in enumerate(definitions, start=1)
    ]
    return http("200 OK", json.dumps({"totalResultSize": len(whole), "data": whole}))


@contextlib.contextmanager
def answering(answer: bytes | Callable[[bytes], bytes | None]) -> Iterator[str]:
    """The URL of something that gives every request this answer, or the answer made of it; None is none at all."""
    ready: list[int] = []
    listening = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        body = await reader.readexactly(int(length[1]) if length else 0)
        given = answer if isinstance(answer, bytes) else answer(head + body)
        if given is None:
            await reader.read()
            given = b""
        writer.write(given)
        await writer.drain()
        writer.close()

    def told(port: int) -> None:
        ready.append(port)
        listening.set()

    def serve() -> None:
        loop.run_until_complete(serve_streams(connected, told, stop))
        loop.close()

    thread = threading.Thread(target=serve)
    thread.start()
    assert listening.wait(20)
    try:
        yield f"http://127.0.0.1:{ready[0]}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
