"""What the tests of the contracts share: servers in threads, a recorder, the demo deployment, and a bench on it."""

import gzip
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from talon_contracts.exact_json import Json, decode
from talon_contracts.oracle import DestinationSettings
from talon_contracts.targets import Bench, Bridge, Connection, Engage, Levers, Management, Reply, TalonOne, Target
from talon_emulator.app import create_app
from talon_emulator.settings import Settings

API_KEY = "a1" * 32
MANAGEMENT_KEY = "b2" * 32
WRITE_KEY = "localtalon-write-key"
DEFINITIONS = {
    "email": "string",
    "name": "string",
    "age": "number",
    "vip": "boolean",
    "signed_up_at": "time",
    "favourite_tags": "(list string)",
    "address_city": "string",
    "address_country": "string",
    "order_completed_last_30days": "boolean",
    "lifetime_value": "number",
}
SETTINGS = DestinationSettings(frozenset(DEFINITIONS) - {"order_completed_last_30days", "lifetime_value"})


class _Server(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """The URL of an ASGI app, served on a free port until the block ends."""
    config = uvicorn.Config(app, log_config=None, access_log=False, ws="none", lifespan="on")
    server = _Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        assert server.ready.wait(20), "the server did not start"
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)


class Relay:
    """An ASGI app that hands every request on to another server; subclasses look at it, or alter what comes back."""

    def __init__(self, url: str) -> None:
        self._onward = Connection(url)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
            self._onward.close()
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"] if name != b"host"}
        query = scope["query_string"].decode()
        path = scope["raw_path"].decode() + (f"?{query}" if query else "")
        self.came(path, headers, body)
        reply = self._onward.request(scope["method"], path, headers, body)
        status, content = self.answered(scope["method"], path, headers, reply)
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": content})

    def came(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """Look at a request before it is handed on."""

    def answered(self, method: str, path: str, headers: dict[str, str], reply: Reply) -> tuple[int, bytes]:
        """The status and the body that go back."""
        return reply.status, reply.body


class Recorder(Relay):
    """A relay that keeps what was sent: the path and the message.

    `messages` are as they arrived, numbers exact; a body that is compressed is kept inflated.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.messages: list[tuple[str, Json]] = []

    def came(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """Keep it."""
        self.messages.append((path, decode(gzip.decompress(body) if headers.get("content-encoding") else body)))


@contextmanager
def recording(url: str) -> Iterator[tuple[str, Recorder]]:
    """The URL of a server that hands everything on to another one, and what it has recorded."""
    recorder = Recorder(url)
    with serving(recorder) as recorder_url:
        yield recorder_url, recorder


@contextmanager
def talon_one() -> Iterator[str]:
    """The URL of an emulator with the demo deployment; its journal is short, because every case looks through it."""
    with serving(create_app(Settings(journal_size=100, limits="off"))) as url:
        yield url


@contextmanager
def bench(
    talon_one_url: Target,
    bridge_url: str | None = None,
    *,
    settings: DestinationSettings = SETTINGS,
    audience_key: Callable[[str, tuple[str, ...]], str] | None = None,
) -> Iterator[Bench]:
    """A bench on the demo deployment, with a bridge where its URL is given."""
    made = Bench(
        talon_one=TalonOne(talon_one_url, API_KEY),
        settings=settings,
        definitions=DEFINITIONS,
        prefix=f"t{secrets.token_hex(4)}-",
        bridge=Bridge(bridge_url, WRITE_KEY) if bridge_url else None,
        audience_key=audience_key,
        management=Management(talon_one_url, MANAGEMENT_KEY, 1),
        levers=Levers(talon_one_url),
        engage=Engage(bridge_url) if bridge_url else None,
    )
    try:
        yield made
    finally:
        made.close()
