"""For the tests of Engage's API: a bridge with an audience, and a client that sends a body piece by piece."""

import json
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

from bridge_support import PATIENCE, Bridge, Gate
from talon_bridge.events import Accepted
from talon_bridge.outbox.protocol import Outbox

NDJSON = {"content-type": "application/x-ndjson"}
CSV = {"content-type": "text/csv"}
AUDIENCE = "/_bridge/engage/audiences/buyers"
TRAIT = "/_bridge/engage/computed-traits/spent"
KEY = "recent_buyers"


def ndjson(ids: Iterable[Any]) -> bytes:
    """A body with these rows."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in ids)


def define(bridge: Bridge, **members: Any) -> dict[str, Any]:
    """Make the audience, or change it."""
    answer = bridge.client.put(AUDIENCE, json={"name": "Recent Buyers", **members})
    assert answer.status_code in (200, 201), answer.text
    told: dict[str, Any] = answer.json()
    return told


def define_trait(bridge: Bridge, **members: Any) -> None:
    """Make the computed trait, or change it."""
    answer = bridge.client.put(TRAIT, json={"name": "Spent", "type": "number", **members})
    assert answer.status_code in (200, 201), answer.text


def post(bridge: Bridge, ids: Iterable[Any], query: str = "", path: str = AUDIENCE) -> httpx.Response:
    """Sync with these rows."""
    return bridge.client.post(f"{path}/sync{query}", content=ndjson(ids), headers=NDJSON)


def sync(bridge: Bridge, ids: Iterable[Any], query: str = "", path: str = AUDIENCE) -> dict[str, Any]:
    """Sync with these rows, which must be taken."""
    answer = post(bridge, ids, query, path)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def show(bridge: Bridge, path: str = AUDIENCE) -> dict[str, Any]:
    """The audience or computed trait as it stands."""
    told: dict[str, Any] = bridge.client.get(path).json()
    return told


def members(bridge: Bridge, path: str = AUDIENCE) -> dict[str, Any]:
    """The members and their values."""
    listed = bridge.client.get(f"{path}/members?limit=1000").json()["members"]
    return {one["userId"]: one["value"] for one in listed}


def sent(bridge: Bridge) -> list[tuple[str, Any]]:
    """User and traits of every identify of Engage that the bridge has taken, in order."""
    found = []
    for event in reversed(bridge.events("?limit=1000")):
        call = bridge.client.get(event["self"]).json()["event"]
        if "personas" in call.get("context", {}):
            found.append((call["userId"], call["traits"]))
    return found


class SlowOutbox:
    """An outbox that stores nothing before its gate is open."""

    def __init__(self, outbox: Outbox, gate: Gate) -> None:
        """Everything but `append` is the outbox's own."""
        self._outbox = outbox
        self._gate = gate

    def __getattr__(self, name: str) -> Any:
        return getattr(self._outbox, name)

    async def append(self, events: Sequence[Accepted]) -> int:
        """Store the events once the gate is open."""
        await self._gate.passed()
        return await self._outbox.append(events)


class Upload:
    """A request whose body goes out piece by piece, in chunks."""

    def __init__(self, connection: socket.socket) -> None:
        """Talk on this connection."""
        self._connection = connection

    def send(self, piece: bytes) -> None:
        """Send a piece of the body."""
        self._connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))

    def end(self) -> None:
        """Say that this was all."""
        self._connection.sendall(b"0\r\n\r\n")

    def leave(self) -> None:
        """Close the connection."""
        self._connection.close()

    def answer(self) -> tuple[int, Any]:
        """Status and body of the answer."""
        with self._connection.makefile("rb") as stream:
            status = int(stream.readline().split()[1])
            length = 0
            while (line := stream.readline().strip()) != b"":
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            return status, json.loads(stream.read(length))


@contextmanager
def upload(bridge: Bridge, path: str = f"{AUDIENCE}/sync", **headers: str) -> Iterator[Upload]:
    """A request that is under way until the block ends."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in {"Content_Type": "text/csv", **headers}.items()]
    with socket.create_connection(("127.0.0.1", bridge.port), PATIENCE) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        yield Upload(connection)
