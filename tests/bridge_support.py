"""For the tests of the bridge: a running bridge with a client, and a scripted Talon.One that records what arrives."""

import asyncio
import base64
import json
import os
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import unquote

import httpx

from localtalon.serve import Service, bind, run, serve
from stream_server import serve_streams
from talon_bridge.app import create_app
from talon_bridge.outbox.protocol import Outbox
from talon_bridge.settings import DEMO_WRITE_KEY, Destination, Settings

API_KEY = "c3" * 32
ATTRIBUTES = ("email", "name", "age", "vip", "address_city", "tags", "n")
PATIENCE = 20.0  # seconds after which a test gives up waiting; a passing one never waits this long


def destination(url: str = "http://127.0.0.1:9", **changed: Any) -> Destination:
    """The destination's settings for a Talon.One at `url`."""
    return Destination(**{"api_key": API_KEY, "application_domain": url, "custom_attributes": ATTRIBUTES, **changed})


def quick(to: Destination, **changed: Any) -> Settings:
    """Settings under which retries follow at once, so that no test waits for real."""
    return Settings(
        **{"destination": to, "max_requests_per_second": 0, "first_wait": 0.01, "probe_every": 0.05, **changed}
    )


def identify(user_id: str | None = "u", traits: Any = None, **members: Any) -> dict[str, Any]:
    """A Segment identify as the libraries make it."""
    return {"type": "identify", "userId": user_id, "anonymousId": None, "traits": traits, **members}


def basic(write_key: str = DEMO_WRITE_KEY, colon: str = ":") -> dict[str, str]:
    """The header of Basic authentication with a write key."""
    return {"authorization": "Basic " + base64.b64encode(f"{write_key}{colon}".encode()).decode()}


def until(holds: Callable[[], Any]) -> None:
    """Ask again and again until something holds."""
    give_up = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < give_up, "waited in vain"


@contextmanager
def environment(**names: str) -> Iterator[None]:
    """These variables in this process's environment, until the block ends."""
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class Gate:
    """Holds an answer back until the test opens it."""

    def __init__(self) -> None:
        """Closed at first."""
        self._open = threading.Event()

    def open(self) -> None:
        """Let whatever waits go on."""
        self._open.set()

    async def passed(self) -> None:
        """Return once the gate is open."""
        await asyncio.to_thread(self._open.wait, PATIENCE)


class Reply(NamedTuple):
    """What the scripted target does with a request.

    `gate` is passed first. `cut`: the connection is dropped before any answer, or in the middle of it.
    `endless`: the body is repeated until the other side has had enough.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b"{}"
    gate: Gate | None = None
    cut: str = ""
    endless: bool = False


class Seen(NamedTuple):
    """A request as it arrived: the raw target, the headers in lower case, the raw body."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def user(self) -> str:
        """The integration ID in the path, decoded."""
        return unquote(self.target.partition("?")[0].removeprefix("/v2/customer_profiles/"), errors="strict")

    @property
    def attributes(self) -> Any:
        """The attributes in the body, numbers exact."""
        return json.loads(self.body, parse_float=Decimal)["attributes"]


Script = Callable[[Seen], Reply]


def always(reply: Reply) -> Script:
    """The same reply to everything."""
    return lambda _seen: reply


def in_turn(*replies: Reply) -> Script:
    """These replies one after the other for each user, then 200."""
    left: dict[str, list[Reply]] = defaultdict(lambda: list(replies))

    def script(seen: Seen) -> Reply:
        waiting = left[seen.user]
        return waiting.pop(0) if waiting else Reply()

    return script


class Target:
    """A Talon.One that does what a script says, and keeps every request in the order of arrival."""

    def __init__(self) -> None:
        """Answer 200 to everything until `script` is changed."""
        self.script: Script = always(Reply())
        self.seen: list[Seen] = []
        self.most_in_flight: Counter[str] = Counter()
        self.url = ""
        self._in_flight: Counter[str] = Counter()
        self._gates: list[Gate] = []
        self._changed = threading.Condition()

    def gate(self) -> Gate:
        """A closed gate, which opens by itself when the target stops."""
        self._gates.append(Gate())
        return self._gates[-1]

    def open_all(self) -> None:
        """Open every gate."""
        for gate in self._gates:
            gate.open()

    def wait_for(self, count: int) -> None:
        """Return once `count` requests have arrived."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.seen) >= count, PATIENCE), f"{len(self.seen)} of {count}"

    def of(self, user: str) -> list[Seen]:
        """The requests for one profile."""
        return [seen for seen in self.seen if seen.user == user]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (seen := await _request(reader)) is not None and await self._answer(seen, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, seen: Seen, writer: asyncio.StreamWriter) -> bool:
        """Do what the script says; whether the connection can be used again."""
        with self._changed:
            self.seen.append(seen)
            self._in_flight[seen.target] += 1
            self.most_in_flight[seen.target] = max(self.most_in_flight[seen.target], self._in_flight[seen.target])
            reply = self.script(seen)
            self._changed.notify_all()
        if reply.gate is not None:
            await reply.gate.passed()
        with self._changed:
            self._in_flight[seen.target] -= 1
        if reply.cut == "before":
            return False
        length = len(reply.body) * (2 if reply.cut else 1)
        lines = [f"HTTP/1.1 {reply.status} Scripted", *(f"{name}: {value}" for name, value in reply.headers)]
        lines.append("Transfer-Encoding: chunked" if reply.endless else f"Content-Length: {length}")
        writer.write("\r\n".join([*lines, "", ""]).encode())
        while reply.endless:
            writer.write(b"%x\r\n%b\r\n" % (len(reply.body), reply.body))
            await writer.drain()
        writer.write(reply.body)
        await writer.drain()
        return not reply.cut


async def _request(reader: asyncio.StreamReader) -> Seen | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.split("\r\n")[:-2]
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Seen(method, target, headers, await reader.readexactly(int(headers.get("content-length", "0"))))


@contextmanager
def in_a_loop(main: Callable[[asyncio.Event, Callable[[], None]], Any]) -> Iterator[None]:
    """Run `main(stop, ready)` in an event loop of a thread of its own, from ready until the block ends."""
    started = threading.Event()
    handle: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
    failure: list[BaseException] = []

    async def until_stopped() -> None:
        stop = asyncio.Event()
        handle.append((asyncio.get_running_loop(), stop))
        await main(stop, started.set)

    def thread() -> None:
        try:
            run(until_stopped())
        except BaseException as error:
            failure.append(error)
        finally:
            started.set()

    running = threading.Thread(target=thread)
    running.start()
    try:
        assert started.wait(PATIENCE)
        if not failure:
            yield
    finally:
        loop, stop = handle[0]
        if running.is_alive():
            loop.call_soon_threadsafe(stop.set)
        running.join(PATIENCE)
        assert not running.is_alive()
        if failure:
            raise failure[0]


@contextmanager
def scripted_target() -> Iterator[Target]:
    """A target on a free port."""
    target = Target()

    async def main(stop: asyncio.Event, ready: Callable[[], None]) -> None:
        def listening(port: int) -> None:
            target.url = f"http://127.0.0.1:{port}"
            ready()

        await serve_streams(target._serve, listening, stop, 1 << 20)

    with in_a_loop(main):
        try:
            yield target
        finally:
            target.open_all()


class Bridge:
    """A running bridge, and what its users ask of it."""

    def __init__(self, url: str, client: httpx.Client) -> None:
        """Talk to the bridge at `url`."""
        self.url = url
        self.port = int(url.rsplit(":", 1)[1])
        self.client = client

    def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """Send a call with the write key; `body` is sent as it is when it is bytes."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(path, content=content, headers={**basic(), **headers})

    def identify(self, user_id: str | None = "u", traits: Any = None, **members: Any) -> None:
        """Send an identify, which must be accepted."""
        answer = self.post("/v1/identify", identify(user_id, traits, **members))
        assert answer.status_code == 200, answer.text

    def idle(self, timeout: float = PATIENCE) -> bool:
        """Whether everything accepted is settled, waiting for it."""
        return self.client.get(f"/_bridge/idle?timeout={timeout}").status_code == 200

    def counts(self) -> dict[str, int]:
        """How many events are in which state."""
        counts: dict[str, int] = self.client.get("/_bridge/ready").json()["counts"]
        return counts

    def events(self, query: str = "") -> list[dict[str, Any]]:
        """The newest events first."""
        events: list[dict[str, Any]] = self.client.get(f"/_bridge/events{query}").json()["events"]
        return events


@contextmanager
def running(settings: Settings, outbox: Outbox | None = None, **more: Any) -> Iterator[Bridge]:
    """A bridge served as the project serves it, on a free port, until the block ends."""
    app = create_app(settings, outbox=outbox, **more)
    service = Service("bridge", app, bind("127.0.0.1", 0, "bridge", "--port"), grace=settings.clients_grace)

    async def main(stop: asyncio.Event, ready: Callable[[], None]) -> None:
        try:
            await serve([service], stop, ready)
        finally:
            service.socket.close()

    url = service.url
    with in_a_loop(main), httpx.Client(base_url=url, timeout=PATIENCE + 10, trust_env=False) as client:
        yield Bridge(url, client)
