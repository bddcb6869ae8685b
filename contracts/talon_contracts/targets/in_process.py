"""A channel to an ASGI app of this process, called directly: no socket, no server, no other thread."""

import asyncio
from collections.abc import Callable, Coroutine, MutableMapping, Sequence
from typing import Any, ClassVar, Final, Self, TypeAlias
from urllib.parse import unquote
from weakref import WeakKeyDictionary

from talon_contracts.targets.channel import CannotJudge, Reply

Message: TypeAlias = MutableMapping[str, Any]

_HOST: Final = (b"host", b"localhost")


class InProcess:
    """An ASGI app with an event loop of its own, which runs only while a request is on.

    The app's lifespan begins with the first request. All channels to one app share its loop; the last one that is
    closed ends it.
    """

    _running: ClassVar["WeakKeyDictionary[Any, InProcess]"] = WeakKeyDictionary()

    @classmethod
    def of(cls, app: Callable[..., Any]) -> Self:
        """The channel to an app; one for all who ask, each of whom closes it."""
        found = cls._running.get(app)
        if found is None or found.users == 0:
            found = cls._running[app] = cls(app)
        assert isinstance(found, cls)
        found.users += 1
        return found

    def __init__(self, app: Callable[..., Any]) -> None:
        self.url = "http://localhost"
        self.users = 0
        self._app = app
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lifespan: asyncio.Task[None] | None = None
        self._said: asyncio.Queue[Message] = asyncio.Queue()
        self._heard: asyncio.Queue[Message] = asyncio.Queue()

    def request(self, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> Reply:
        """One exchange; raises CannotJudge when the app ends without an answer."""
        loop = self._loop or self._start()
        return loop.run_until_complete(self._exchange(method, path, headers, body or b""))

    def together(self, requests: Sequence[tuple[str, str, dict[str, str], bytes]]) -> list[Reply]:
        """Several exchanges at the same time."""
        loop = self._loop or self._start()

        async def all_of_them() -> list[Reply]:
            return list(await asyncio.gather(*(self._exchange(*request) for request in requests)))

        return loop.run_until_complete(all_of_them())

    async def _exchange(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        raw_path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(raw_path),
            "raw_path": raw_path.encode("ascii"),
            "root_path": "",
            "query_string": query.encode("ascii"),
            "headers": [_HOST, *((name.lower().encode(), value.encode("latin-1")) for name, value in headers.items())],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "state": {},
        }
        call = _Call(body)
        try:
            await self._app(scope, call.receive, call.send)
        except Exception as error:
            raise CannotJudge(f"{method} {path}: the app raised {type(error).__name__}: {error}") from error
        if call.status == 0:
            raise CannotJudge(f"{method} {path}: the app ended without an answer")
        return Reply(call.status, bytes(call.body), call.retry_after)

    def close(self) -> None:
        """End the app's lifespan and the loop, unless others still use them."""
        self.users -= 1
        if self._loop is None or self.users > 0:
            return
        loop, self._loop = self._loop, None
        assert self._lifespan is not None
        loop.run_until_complete(self._step("lifespan.shutdown"))
        loop.run_until_complete(asyncio.wait({self._lifespan}))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    def _start(self) -> asyncio.AbstractEventLoop:
        loop = self._loop = asyncio.new_event_loop()
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
        running: Coroutine[Any, Any, None] = self._app(scope, self._said.get, self._heard.put)
        self._lifespan = loop.create_task(running)
        loop.run_until_complete(self._step("lifespan.startup"))
        return loop

    async def _step(self, kind: str) -> None:
        """Tell the app, and wait until it has done so or has left (some apps know no lifespan)."""
        assert self._lifespan is not None
        await self._said.put({"type": kind})
        heard = asyncio.ensure_future(self._heard.get())
        await asyncio.wait({heard, self._lifespan}, return_when=asyncio.FIRST_COMPLETED)
        if not heard.done():
            heard.cancel()
        elif heard.result()["type"] == f"{kind}.failed":
            raise CannotJudge(f"the app does not start: {heard.result().get('message', '')}")


class _Call:
    """One request and what came of it."""

    __slots__ = ("_body", "body", "retry_after", "status")

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self.status = 0
        self.body = bytearray()
        self.retry_after: str | None = None

    async def receive(self) -> Message:
        body, self._body = self._body, None
        if body is None:  # nobody hangs up here
            await asyncio.Event().wait()
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            for name, value in message.get("headers", ()):
                if name == b"retry-after":
                    self.retry_after = value.decode("latin-1")
        else:
            self.body += message.get("body", b"")
