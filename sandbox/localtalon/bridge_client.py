"""A running bridge, asked and steered over its control API."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from talon_bridge import codec
from talon_bridge.codec import MalformedError

TIMEOUT = 60.0  # seconds; a count over many dead letters takes its time


class BridgeError(Exception):
    """The bridge cannot be asked, or says no; the message says why and what to do.

    `status` is 0 without an answer, `code` the bridge's own where it says no.
    """

    def __init__(self, message: str, status: int = 0, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class BridgeClient:
    """The bridge at `url`; `token` is its control token, where it has one. Use as a context; raises `BridgeError`."""

    def __init__(self, url: str, token: str | None) -> None:
        self.url = url.rstrip("/")
        headers = [(b"authorization", b"Bearer " + token.strip().encode())] if token else []
        self._client = httpx.Client(headers=headers, timeout=TIMEOUT, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, path: str, **query: Any) -> Any:
        """What is at a path; parameters that are None are left out."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._read(self._send("GET", path, params=given))

    def post(self, path: str, body: Any) -> Any:
        """Have something done."""
        return self._read(self._send("POST", path, content=codec.encode(body)))

    def put(self, path: str, body: Any) -> Any:
        """Make something, or change it."""
        return self._read(self._send("PUT", path, content=codec.encode(body)))

    def delete(self, path: str) -> Any:
        """Do away with something."""
        return self._read(self._send("DELETE", path))

    def upload(self, path: str, rows: Iterable[bytes], **query: Any) -> Any:
        """Have a sync made of rows, however long that takes. What the rows raise is raised, and nothing is synced."""
        given = {name: value for name, value in query.items() if value is not None}
        headers = {"content-type": "application/x-ndjson"}
        patient = httpx.Timeout(TIMEOUT, read=None, write=None)
        return self._read(self._send("POST", path, params=given, content=rows, headers=headers, timeout=patient))

    def lines(self, path: str) -> Iterator[bytes]:
        """What is at a path, line by line."""
        rest = b""
        with self._words(), self._client.stream("GET", self.url + path) as answer:
            if not answer.is_success:
                answer.read()
                self._read(answer)
            for chunk in answer.iter_bytes():
                *whole, rest = (rest + chunk).split(b"\n")
                yield from whole
        if rest:
            yield rest

    def is_idle(self, seconds: float) -> bool:
        """Whether nothing waits in the outbox, after at most so many seconds."""
        answer = self._send("GET", "/_bridge/idle", params={"timeout": f"{seconds:g}"})
        if answer.status_code == httpx.codes.CONFLICT:
            return False
        self._read(answer)
        return True

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        with self._words():
            return self._client.request(method, self.url + path, **more)

    @contextmanager
    def _words(self) -> Iterator[None]:
        """What keeps a request from being answered, in words."""
        try:
            yield
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
            raise BridgeError(f"--bridge {self.url} is no URL: {error}") from None
        except httpx.LocalProtocolError:  # its text would hold the token
            raise BridgeError("the control token cannot be sent: it holds what no header may") from None
        except httpx.TransportError as error:
            why = str(error) or type(error).__name__
            hint = "start one with `localtalon bridge`, or name another with --bridge URL"
            raise BridgeError(f"no bridge answers at {self.url} ({why}); {hint}") from None

    def _read(self, answer: httpx.Response) -> Any:
        try:
            told = codec.value(answer.content)
        except MalformedError:
            told = None
        if answer.is_success and isinstance(told, dict):
            return told
        problem = told.get("error") if isinstance(told, dict) else None
        if not isinstance(problem, dict) or not problem.get("hint") or problem.get("code") == "not_found":
            raise BridgeError(
                f"what answers at {self.url} is no bridge (HTTP {answer.status_code}); name one with --bridge URL"
            )
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            hint = "give --token TOKEN, or LOCALTALON_BRIDGE_CONTROL_TOKEN"
            raise BridgeError(f"{problem['message']}; {hint}", answer.status_code)
        code = str(problem.get("code", ""))
        raise BridgeError(f"{problem['message']}; {problem['hint']}", answer.status_code, code)


def event_path(message_id: str) -> str:
    """Where an event is shown."""
    return "/_bridge/events/" + quote(message_id, safe="")


def dead_letter_path(message_id: str, verb: str) -> str:
    """Where a dead letter is replayed or discarded."""
    return f"/_bridge/dead-letters/{quote(message_id, safe='')}/{verb}"
