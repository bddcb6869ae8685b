"""What the target does with a request, one small class each: well, or badly in a way of its own."""

import asyncio
import random
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

import msgspec

from bridge_support import PATIENCE

if TYPE_CHECKING:
    from reliability.target import Arrival, Target

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter


class Fault(Protocol):
    """One way to treat a request."""

    async def strike(self, target: "Target", arrival: "Arrival", reader: Reader, writer: Writer) -> bool:
        """Treat it; gives whether the connection can be used again."""


class Well(msgspec.Struct, frozen=True):
    """Apply, and answer."""

    async def strike(self, target: "Target", arrival: "Arrival", reader: Reader, writer: Writer) -> bool:
        """Treat it."""
        status, body = target.apply(arrival)
        await answer(writer, status, body)
        return True


class Refuses(msgspec.Struct, frozen=True):
    """Answer an error and apply nothing; or, with `applies`, apply and answer the error all the same."""

    status: int
    retry_after: str | None = None
    applies: bool = False

    async def strike(self, target: "Target", arrival: "Arrival", reader: Reader, writer: Writer) -> bool:
        """Treat it."""
        if self.applies:
            target.apply(arrival)
        headers = {} if self.retry_after is None else {"Retry-After": self.retry_after}
        body = b'{"message": "Refused", "errors": [], "StatusCode": %d}' % self.status
        await answer(writer, self.status, body, headers)
        return True


class Redirects(msgspec.Struct, frozen=True):
    """Send the client elsewhere."""

    to: str

    async def strike(self, target: "Target", arrival: "Arrival", reader: Reader, writer: Writer) -> bool:
        """Treat it."""
        await answer(writer, 307, b"", {"Location": self.to})
        return True


class Drops(msgspec.Struct, frozen=True):
    """Cut the connection; `applies` before that."""

    applies: bool = False

    async def strike(self, target: "Target", arrival: "Arrival", reader: Reader, writer: Writer) -> bool:
        """Treat it."""
        if self.applies:
            target.apply(arrival)
        writer.transport.abort()
        return False


class Silent(msgspec.Struct, frozen=True):
    """Answer nothing until the client gives up; `applies` at once."""

    applies: bool = False

    async def strike(self, target: "Target", arrival: "Arrival", reader: Reader, writer: Writer) -> bool:
        """Treat it."""
        if self.applies:
            target.apply(arrival)
        await reader.read()
        return False


class Late(msgspec.Struct, frozen=True):
    """Wait until the client has given up, and apply so many seconds after that."""

    seconds: float

    async def strike(self, target: "Target", arrival: "Arrival", reader: Reader, writer: Writer) -> bool:
        """Treat it."""
        await reader.read()
        await asyncio.sleep(self.seconds)
        target.apply(arrival)
        return False


class Slow(msgspec.Struct, frozen=True):
    """Apply and answer after so many seconds."""

    seconds: float

    async def strike(self, target: "Target", arrival: "Arrival", reader: Reader, writer: Writer) -> bool:
        """Treat it."""
        await asyncio.sleep(self.seconds)
        return await Well().strike(target, arrival, reader, writer)


class Endless(msgspec.Struct, frozen=True):
    """Apply, and answer with a body that has no end, as fast as it is read or in drops of a byte every so often."""

    every: float = 0.0

    async def strike(self, target: "Target", arrival: "Arrival", reader: Reader, writer: Writer) -> bool:
        """Treat it."""
        target.apply(arrival)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece = b"1\r\n \r\n" if self.every else b"1000\r\n" + b" " * 4096 + b"\r\n"
        while not writer.transport.is_closing():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(self.every)
        return False


class Half(msgspec.Struct, frozen=True):
    """Apply, and cut the connection in the middle of the answer."""

    async def strike(self, target: "Target", arrival: "Arrival", reader: Reader, writer: Writer) -> bool:
        """Treat it."""
        target.apply(arrival)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        await writer.drain()
        return False


class Gate:
    """Hold requests back until the test opens it, then do them well."""

    def __init__(self) -> None:
        """Closed at first."""
        self._open = threading.Event()

    def open(self) -> None:
        """Let whatever waits go on."""
        self._open.set()

    async def strike(self, target: "Target", arrival: "Arrival", reader: Reader, writer: Writer) -> bool:
        """Treat it."""
        await asyncio.to_thread(self._open.wait, PATIENCE)
        return await Well().strike(target, arrival, reader, writer)


class Lingers(Gate):
    """Wait until the client has given up and the test opens the gate, and apply then."""

    async def strike(self, target: "Target", arrival: "Arrival", reader: Reader, writer: Writer) -> bool:
        """Treat it."""
        await reader.read()
        await asyncio.to_thread(self._open.wait, PATIENCE)
        target.apply(arrival)
        return False


BAD: tuple[Fault, ...] = (
    Refuses(500),
    Refuses(503),
    Refuses(409),
    Refuses(429, "0"),
    Refuses(502, applies=True),
    Drops(),
    Drops(applies=True),
    Half(),
)


def mixed(share: float, seed: int, faults: tuple[Fault, ...] = BAD) -> Callable[["Arrival"], Fault]:
    """Well, but for this share of the requests, to which one of `faults` happens. The same seed, the same sequence."""
    dice = random.Random(seed)
    return lambda _arrival: dice.choice(faults) if dice.random() < share else Well()


def in_turn(faults: Mapping[str, Iterable[Fault]], otherwise: Fault | None = None) -> Callable[["Arrival"], Fault]:
    """These faults one after the other for the requests of each profile, then `otherwise`, or well."""
    left = {profile: iter(each) for profile, each in faults.items()}

    def choose(arrival: "Arrival") -> Fault:
        return next(left.get(arrival.profiles[0], iter(())), otherwise or Well())

    return choose


async def answer(writer: Writer, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
    """Send an answer."""
    lines = [f"HTTP/1.1 {status} Target", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    lines += ["Content-Type: application/json", *([] if status == 204 else [f"Content-Length: {len(body)}"])]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    await writer.drain()
