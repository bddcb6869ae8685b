"""A real emulator for tests: uvicorn in a thread on a free port, with clients for its two APIs."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import uvicorn
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from talon_emulator.app import create_app
from talon_emulator.clock import Clock
from talon_emulator.seed import ApplicationSeed, AttributeSeed, DeploymentSeed, KeySeed, ManagementKeySeed
from talon_emulator.settings import Settings
from talon_emulator.store import Store
from talon_emulator.wire import Protocol

# The kinds of store that the tests go through.
STORES = os.environ.get("LOCALTALON_STORES", "memory file postgresql").split()

SANDBOX_KEY = "1a" * 32
LIVE_KEY = "1b" * 32
EXPIRING_KEY = "1c" * 32
MANAGEMENT_KEY = "2a" * 32
EXPIRING_MANAGEMENT_KEY = "2b" * 32
EXPIRY = datetime(2031, 1, 1, tzinfo=UTC)

SEED = DeploymentSeed(
    name="demo",
    applications=(
        ApplicationSeed(
            id=1,
            name="Test store",
            environment="sandbox",
            api_keys=(
                KeySeed("sandbox key", SANDBOX_KEY),
                KeySeed("expiring key", EXPIRING_KEY, "segment", EXPIRY),
            ),
        ),
        ApplicationSeed(id=7, name="Live store", environment="live", api_keys=(KeySeed("live key", LIVE_KEY),)),
    ),
    management_keys=(
        ManagementKeySeed("manager", MANAGEMENT_KEY),
        ManagementKeySeed("expiring manager", EXPIRING_MANAGEMENT_KEY, EXPIRY),
    ),
    attributes=(
        AttributeSeed("text", "string"),
        AttributeSeed("number", "number"),
        AttributeSeed("flag", "boolean"),
        AttributeSeed("moment", "time"),
        AttributeSeed("place", "location"),
        AttributeSeed("texts", "(list string)"),
        AttributeSeed("numbers", "(list number)"),
        AttributeSeed("moments", "(list time)"),
        AttributeSeed("places", "(list location)"),
        AttributeSeed("tier", "string", suggestions=("gold", "silver"), restricted_by_suggestions=True),
        AttributeSeed("Name", "string", builtin=True),
        AttributeSeed("cart_note", "string", entity="CustomerSession"),
    ),
)

over_http = hypothesis_settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
pure = hypothesis_settings(deadline=None)


class SetClock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        """Start at the beginning of 2030."""
        self.moment = datetime(2030, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the moment the clock was set to."""
        return self.moment


class Emulator:
    """A running emulator with an HTTP client."""

    def __init__(self, url: str, client: httpx.Client) -> None:
        """Talk to the emulator at `url`."""
        self.url = url
        self.port = int(url.rsplit(":", 1)[1])
        self.client = client

    def reset(self) -> None:
        """Return to the seeded state."""
        assert self.client.post("/_emulator/reset").status_code == 200

    def update(
        self, integration_id: str, attributes: Any, key: str = SANDBOX_KEY, query: str = "", **members: Any
    ) -> httpx.Response:
        """Send a profile update."""
        body = msgspec.json.encode({"attributes": attributes, **members})
        return self.put(integration_id, body, key, query)

    def put(self, integration_id: str, body: bytes, key: str = SANDBOX_KEY, query: str = "") -> httpx.Response:
        """Send a profile update with this very body."""
        url = f"/v2/customer_profiles/{quote(integration_id, safe='')}{query}"
        return self.client.put(url, content=body, headers=api_key(key))

    def inventory(self, integration_id: str, key: str = SANDBOX_KEY, query: str = "?profile=true") -> httpx.Response:
        """Read a profile back with an Integration key."""
        url = f"/v1/customer_profiles/{quote(integration_id, safe='')}/inventory{query}"
        return self.client.get(url, headers=api_key(key))

    def attributes(self, integration_id: str, key: str = SANDBOX_KEY) -> Any:
        """Return the attribute values of a profile, or None when there is no such profile."""
        answer = self.inventory(integration_id, key)
        return answer.json()["profile"]["attributes"] if answer.status_code == 200 else None

    def manage(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Call the Management API."""
        content = None if body is None else msgspec.json.encode(body)
        return self.client.request(method, path, content=content, headers=management_key(MANAGEMENT_KEY))

    def journal(self, query: str = "") -> list[dict[str, Any]]:
        """Return the journal's entries, the newest first."""
        entries: list[dict[str, Any]] = self.client.get(f"/_emulator/journal{query}").json()["entries"]
        return entries

    def raw(self, data: bytes) -> bytes:
        """Send bytes on a connection of their own and return all that comes back until it is closed."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(data)
            # To the server that is a client which has gone away; one that waits for its answer does not say it.
            if b"connection: close" not in data:
                connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))


def api_key(key: str) -> dict[str, str]:
    """Return the header for an Integration key."""
    return {"authorization": f"ApiKey-v1 {key}"}


def management_key(key: str) -> dict[str, str]:
    """Return the header for a Management key."""
    return {"authorization": f"ManagementKey-v1 {key}"}


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.settled = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.settled.set()


@contextmanager
def running(settings: Settings, clock: Clock | None = None, store: Store | None = None) -> Iterator[Emulator]:
    """Serve an emulator until the block ends."""
    app = create_app(settings, store=store, clock=clock)
    config = uvicorn.Config(
        app, http=Protocol, ws="none", lifespan="on", log_config=None, access_log=False, timeout_graceful_shutdown=5
    )
    server = _Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        assert server.settled.wait(30)
        assert server.started, "the emulator did not start"
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
            yield Emulator(url, client)
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()
        assert not thread.is_alive()
