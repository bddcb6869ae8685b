"""A TCP proxy that spoils what passes it: toxics, cut connections, refused ones, a wire on which nothing moves."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bridge_support import PATIENCE, in_a_loop
from reliability.toxics import Chunks, Toxic
from stream_server import serve_streams

_PIECE = 64 * 1024
_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a reset


class Link:
    """One connection through the proxy: the client's side and the other."""

    def __init__(self, *writers: asyncio.StreamWriter) -> None:
        """Join what these write to."""
        self._writers = writers

    def reset(self) -> None:
        """Reset it on both sides."""
        for writer in self._writers:
            if not writer.transport.is_closing():
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            writer.transport.abort()


class Proxy:
    """Passes connections on to `upstream`. The toxics of a connection are those in effect when it was made.

    `passed` is called, in the proxy's thread, for each piece that is about to be passed on.
    """

    def __init__(self, host: str, port: int) -> None:
        """Pass on to this address."""
        self.upstream = (host, port)
        self.port = 0
        self.toxics: tuple[Toxic, ...] = ()
        self.connections = 0
        self.passed: Callable[[], None] = lambda: None
        self._refusing = False
        self._links: set[Link] = set()
        self._flows: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def spoil(self, *toxics: Toxic) -> None:
        """Put these toxics into effect, and end the connections made without them."""
        self.toxics = toxics
        self.cut()

    def cut(self) -> None:
        """Reset every connection."""
        self._do(self._reset_all)

    def _reset_all(self) -> None:
        for link in list(self._links):
            link.reset()

    def refuse(self, refusing: bool = True) -> None:
        """Reset every connection, and each new one at once, until told otherwise."""
        self._refusing = refusing
        self.cut()

    def freeze(self) -> None:
        """Let nothing move any more, on connections that stay open."""
        assert self._flows is not None
        self._do(self._flows.clear)

    def thaw(self) -> None:
        """Let everything move again."""
        assert self._flows is not None
        self._do(self._flows.set)

    def _do(self, work: Callable[[], Any]) -> None:
        """Do something in the proxy's loop, and wait for it."""
        assert self._loop is not None
        done = threading.Event()

        def step() -> None:
            work()
            done.set()

        self._loop.call_soon_threadsafe(step)
        assert done.wait(PATIENCE)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection on until an end of it is closed."""
        self.connections += 1
        if self._refusing:
            return Link(writer).reset()
        try:
            there, back = await asyncio.open_connection(*self.upstream)
        except OSError:
            return Link(writer).reset()
        link = Link(writer, back)
        self._links.add(link)
        toxics = self.toxics
        try:
            await asyncio.gather(
                self._pump(reader, back, [toxic for toxic in toxics if toxic.upstream], link),
                self._pump(there, writer, [toxic for toxic in toxics if not toxic.upstream], link),
            )
        except OSError:
            link.reset()
        finally:
            self._links.discard(link)
            writer.close()
            back.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, toxics: list[Toxic], link: Link
    ) -> None:
        chunks = self._read(reader)
        for toxic in toxics:
            chunks = toxic.passes(chunks, link)
        async for chunk in chunks:
            if writer.transport.is_closing():
                break
            writer.write(chunk)
            await writer.drain()
        if not writer.transport.is_closing():
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Chunks:
        assert self._flows is not None
        while chunk := await reader.read(_PIECE):
            await self._flows.wait()
            self.passed()
            yield chunk

    async def serve(self, stop: asyncio.Event, ready: Callable[[], None]) -> None:
        """Listen on a free port until `stop`."""
        self._loop, self._flows = asyncio.get_running_loop(), asyncio.Event()
        self._flows.set()

        def listening(port: int) -> None:
            self.port = port
            ready()

        await serve_streams(self.connected, listening, stop)


@contextmanager
def proxy_to(host: str, port: int) -> Iterator[Proxy]:
    """A proxy on a free port, in a thread of its own, until the block ends."""
    proxy = Proxy(host, port)
    with in_a_loop(proxy.serve):
        yield proxy
