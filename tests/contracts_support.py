"""What the tests of the contracts share: servers in threads, the demo deployment, and a bench on it."""

import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from talon_contracts.oracle import DestinationSettings
from talon_contracts.targets import Bench, Bridge, TalonOne
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


@contextmanager
def talon_one() -> Iterator[str]:
    """The URL of an emulator with the demo deployment."""
    with serving(create_app(Settings())) as url:
        yield url


@contextmanager
def bench(
    talon_one_url: str,
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
    )
    try:
        yield made
    finally:
        made.close()
