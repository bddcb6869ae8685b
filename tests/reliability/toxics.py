"""What goes wrong on a wire, one small class each, under toxiproxy's names.

To add one: a class with its `tag` and its `passes`, and its name in `TOXICS`.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final, Protocol

import msgspec

Chunks = AsyncIterator[bytes]


class Wire(Protocol):
    """One connection through the proxy."""

    def reset(self) -> None:
        """Reset it on both sides."""


class Toxic(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Something on the wire. `upstream`: what the client sends passes it, else what comes back."""

    upstream: bool = False

    def passes(self, chunks: Chunks, wire: Wire) -> Chunks:
        """Give on what comes, or what is left of it."""
        raise NotImplementedError


class Latency(Toxic, frozen=True, kw_only=True, tag="latency"):
    """Everything comes so many seconds later."""

    seconds: float

    async def passes(self, chunks: Chunks, wire: Wire) -> Chunks:
        """Wait before each chunk."""
        async for chunk in chunks:
            await asyncio.sleep(self.seconds)
            yield chunk


class Bandwidth(Toxic, frozen=True, kw_only=True, tag="bandwidth"):
    """At most so many bytes a second pass."""

    rate: float

    async def passes(self, chunks: Chunks, wire: Wire) -> Chunks:
        """Wait for each chunk as long as it takes."""
        async for chunk in chunks:
            await asyncio.sleep(len(chunk) / self.rate)
            yield chunk


class Timeout(Toxic, frozen=True, kw_only=True, tag="timeout"):
    """Nothing passes; after so many seconds the connection is closed, with 0 never."""

    seconds: float = 0.0

    async def passes(self, chunks: Chunks, wire: Wire) -> Chunks:
        """Swallow everything."""
        try:
            async with asyncio.timeout(self.seconds or None):
                async for _ in chunks:
                    pass
        except TimeoutError:
            wire.reset()
        return
        yield b""


class Slicer(Toxic, frozen=True, kw_only=True, tag="slicer"):
    """Everything comes in slices of so many bytes, so many seconds apart."""

    size: int
    seconds: float = 0.0

    async def passes(self, chunks: Chunks, wire: Wire) -> Chunks:
        """Slice."""
        async for chunk in chunks:
            for start in range(0, len(chunk), self.size):
                yield chunk[start : start + self.size]
                await asyncio.sleep(self.seconds)


class LimitData(Toxic, frozen=True, kw_only=True, tag="limit_data"):
    """The connection is closed after so many bytes."""

    size: int

    async def passes(self, chunks: Chunks, wire: Wire) -> Chunks:
        """Count down."""
        left = self.size
        async for chunk in chunks:
            yield chunk[:left]
            left -= len(chunk)
            if left <= 0:
                return


class ResetPeer(Toxic, frozen=True, kw_only=True, tag="reset_peer"):
    """The connection is reset so many seconds after the first byte."""

    seconds: float = 0.0

    async def passes(self, chunks: Chunks, wire: Wire) -> Chunks:
        """Swallow, and reset."""
        async for _ in chunks:
            await asyncio.sleep(self.seconds)
            wire.reset()
            return
        return
        yield b""


class SlowClose(Toxic, frozen=True, kw_only=True, tag="slow_close"):
    """The connection stays open for so many seconds after the other side has closed it."""

    seconds: float

    async def passes(self, chunks: Chunks, wire: Wire) -> Chunks:
        """Wait at the end."""
        async for chunk in chunks:
            yield chunk
        await asyncio.sleep(self.seconds)


TOXICS: Final[dict[str, type[Toxic]]] = {
    "latency": Latency,
    "bandwidth": Bandwidth,
    "timeout": Timeout,
    "slicer": Slicer,
    "limit_data": LimitData,
    "reset_peer": ResetPeer,
    "slow_close": SlowClose,
}
