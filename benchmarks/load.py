"""A closed-loop HTTP client: so many connections, each sending its next request when the last is answered."""

import asyncio
import itertools
import os
import time
from collections.abc import Callable, Iterator
from typing import cast

import uvloop


class Connection(asyncio.Protocol):
    """One keep-alive connection; counts complete answers and those that are not 2xx."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._buffer = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one without saying so
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self._buffer.find(b"content-length: ") + 16
        length = int(self._buffer[at : self._buffer.find(b"\r", at)]) if at > 15 else 0
        if len(self._buffer) < head + 4 + length:
            return
        self._load.answered(self._buffer[9:10] == b"2", time.perf_counter() - self._sent_at)
        self._buffer = b""
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.closed += 1
        self._load.ended.set()

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        following = next(self._load.requests, None)
        if following is None:
            self._transport.close()
        else:
            self._transport.write(following)


class Load:
    """A run against one port. `latencies` are seconds."""

    def __init__(self, requests: Iterator[bytes]) -> None:
        self.requests = requests
        self.count = self.bad = self.closed = 0
        self.latencies: list[float] = []
        self.ended = asyncio.Event()

    def answered(self, well: bool, seconds: float) -> None:
        """One complete answer came."""
        self.count += 1
        self.bad += not well
        self.latencies.append(seconds)

    async def _run(self, port: int, connections: int, seconds: float) -> float:
        loop = asyncio.get_running_loop()
        opened = await asyncio.gather(
            *(loop.create_connection(lambda: Connection(self), "127.0.0.1", port) for _ in range(connections))
        )
        # The client has a core of its own and never sleeps: to wake it would cost a slow server more than a fast one.
        spinning = True

        def spin() -> None:
            if spinning:
                loop.call_soon(spin)

        spin()
        await asyncio.sleep(0.5)  # warm
        self.count = self.bad = 0
        self.latencies.clear()
        began = time.perf_counter()
        await asyncio.sleep(seconds)
        rate = self.count / (time.perf_counter() - began)
        bad, closed, spinning = self.bad, self.closed, False
        for transport, _ in opened:
            transport.abort()
        if bad or closed:
            raise RuntimeError(f"{bad} answers were not 2xx, {closed} connections were closed by the server")
        return rate

    def run(self, port: int, connections: int = 64, seconds: float = 2.0) -> float:
        """Requests answered a second; raises when any was refused."""
        return uvloop.run(self._run(port, connections, seconds))

    def drain(self, port: int, connections: int) -> None:
        """Send every request there is; raises when any was refused."""
        uvloop.run(self._drain(port, connections))
        if self.bad:
            raise RuntimeError(f"{self.bad} answers were not 2xx")

    async def _drain(self, port: int, connections: int) -> None:
        loop = asyncio.get_running_loop()
        self.ended = asyncio.Event()
        for _ in range(connections):
            await loop.create_connection(lambda: Connection(self), "127.0.0.1", port)
        while self.closed < connections:
            await self.ended.wait()
            self.ended.clear()


def request(method: str, path: str, body: bytes, *headers: str) -> bytes:
    """One HTTP/1.1 request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def each(make: Callable[[int], bytes], many: int) -> Iterator[bytes]:
    """`many` different requests, over and over."""
    return itertools.cycle([make(n) for n in range(many)])


def pin(core: int) -> None:
    """Keep this process on one core, where the system can and there is more than one."""
    if hasattr(os, "sched_setaffinity") and core < (os.cpu_count() or 1):
        os.sched_setaffinity(0, {core})
