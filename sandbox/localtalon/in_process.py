"""A service of this process, asked without a socket: from any thread, in the loop that it runs in."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote, urlencode

import msgspec

from talon_emulator.door import CONNECTION

ASGIApp = Callable[..., Awaitable[None]]
Headers = tuple[tuple[bytes, bytes], ...]

PATIENCE = 10.0  # seconds after which nobody waits for an answer any more

T = TypeVar("T")


class ControlError(ValueError):
    """The emulator or a bridge says no to what was asked of it; the message says why and what to do."""


class Reply(NamedTuple):
    """The answer of a service; `status` 0 is that of none."""

    status: int
    body: bytes

    def read(self) -> Any:
        """What it holds; raises `ControlError` where it is a refusal."""
        told: Any = msgspec.json.decode(self.body) if self.body else None
        if self.status < 400:
            return told
        problem = told["error"]
        hint = problem.get("hint")
        raise ControlError(problem["message"] + (f" ({hint})" if hint else ""))


class InProcess:
    """An ASGI app that lives in `loop`; `url` is where others reach it, `token` what its control API asks for."""

    def __init__(self, loop: asyncio.AbstractEventLoop, app: ASGIApp, url: str, token: str | None = None) -> None:
        self.url = url
        self._loop = loop
        self._app = app
        host = ((b"host", url.partition("://")[2].encode()),)
        steering = () if token is None else ((b"authorization", b"Bearer " + token.encode()),)
        self._headers: Headers = (*host, *steering)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Have something done in the loop, and wait for it."""
        if self._loop.is_closed():
            work.close()
            raise RuntimeError("the sandbox has ended")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def ask(self, method: str, path: str, body: bytes = b"", headers: Headers | None = None, /, **query: Any) -> Reply:
        """Send one request; parameters of the query that are None are left out, `headers` replace the control token."""
        given = urlencode({name: value for name, value in query.items() if value is not None})
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "http",
            "method": method,
            "path": unquote(path),
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": given.encode(),
            "headers": [*(self._headers if headers is None else (self._headers[0], *headers))],
            "server": None,
            "client": None,
        }
        return self.run(self._exchange(scope, body))

    def control(self, method: str, path: str, document: Any = None, /, **query: Any) -> Any:
        """Ask the control API; raises `ControlError`."""
        return self.ask(method, path, b"" if document is None else msgspec.json.encode(document), **query).read()

    async def _exchange(self, scope: MutableMapping[str, Any], body: bytes) -> Reply:
        status, pieces, gone = 0, list[bytes](), asyncio.Event()
        scope["extensions"] = {CONNECTION: {"reset": gone.set, "hold": lambda: None}}
        incoming = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> MutableMapping[str, Any]:
            message: MutableMapping[str, Any] | None = next(incoming, None)
            if message is None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(PATIENCE):
                        await gone.wait()
            return message or {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                pieces.append(message.get("body", b""))

        await self._app(scope, receive, send)
        return Reply(status, b"".join(pieces))
