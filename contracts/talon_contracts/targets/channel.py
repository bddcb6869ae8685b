"""A channel: requests to one target and their answers as they came, over HTTP or within this process."""

import http.client
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias
from urllib.parse import urlsplit

from talon_contracts.exact_json import Json, decode
from talon_contracts.targets.timed import Timed

ASGIApp: TypeAlias = Callable[..., Any]
Target: TypeAlias = str | ASGIApp
"""A URL, or an ASGI app."""

_LARGEST: Final = 64 * 1024 * 1024


class CannotJudge(Exception):
    """A target is down, answers nonsense or never settles, so that no verdict is possible; says what was seen."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it came: status and body; `retry_after` is the header of that name."""

    status: int
    body: bytes
    retry_after: str | None = None

    def json(self) -> Json:
        """The body as JSON with exact numbers; raises CannotJudge when it is none."""
        try:
            return decode(self.body)
        except ValueError as error:
            raise CannotJudge(f"answer {self.status} is not JSON ({error}): {self.body[:200]!r}") from error


class Channel(Protocol):
    """Where requests go, from one thread at a time."""

    url: str
    """What the target is called."""

    def request(self, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> Reply:
        """One exchange, the path as it is given; raises CannotJudge when the target does not answer."""

    def close(self) -> None:
        """Give back what the channel holds."""


def channel(target: Target, *, timeout: float = 10.0) -> Channel:
    """A channel to a target. Raises ValueError for what is neither a URL nor an app."""
    if isinstance(target, str):
        return Connection(target, timeout=timeout)
    from talon_contracts.targets.in_process import InProcess

    return InProcess.of(target)


def together(target: Target, requests: Sequence[tuple[str, str, dict[str, str], bytes]]) -> list[Reply]:
    """Requests that are on at the same time: method, path, headers, body; their answers in the same order."""
    if not isinstance(target, str):
        from talon_contracts.targets.in_process import InProcess

        with closing(InProcess.of(target)) as here:
            return here.together(requests)

    def send(request: tuple[str, str, dict[str, str], bytes]) -> Reply:
        connection = Connection(target)
        try:
            return connection.request(*request)
        finally:
            connection.close()

    with ThreadPoolExecutor(max(len(requests), 1)) as pool:
        return list(pool.map(send, requests))


class Connection:
    """One kept-alive HTTP connection to the origin of a URL, for one thread; paths go out as they are given.

    It speaks http.client, because a check costs thousands of requests and this costs a quarter of a full client.
    """

    def __init__(self, url: str, *, timeout: float = 10.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or parts.hostname is None:
            raise ValueError(f"not an http URL: {url.rpartition('@')[2]!r}")
        if not url.isascii():
            raise ValueError(f"not an http URL: {url!r} (letters outside ASCII are percent-encoded)")
        if "@" in parts.netloc:
            host = parts.netloc.rpartition("@")[2]
            raise ValueError(
                f"leave user and password out of the URL of {host}: keys are given by config or environment"
            )
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self.url = url
        self._prefix = parts.path.rstrip("/")
        self._timeout = timeout
        self._timed: Timed | None = None
        self._http = kind(parts.hostname, parts.port, timeout=timeout)

    def request(self, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> Reply:
        """One exchange; raises CannotJudge when the target does not answer.

        A connection that the server closed while it was idle is opened again, once: everything that is sent here may
        be sent twice (messages carry ids, updates are idempotent).
        """
        fresh = self._http.sock is None
        try:
            return self._exchange(method, path, headers, body)
        except (http.client.HTTPException, OSError) as error:
            self._http.close()
            if fresh or isinstance(error, TimeoutError):
                raise self._unanswered(method, path, error) from error
        try:
            return self._exchange(method, path, headers, body)
        except (http.client.HTTPException, OSError) as error:
            self._http.close()
            raise self._unanswered(method, path, error) from error

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _exchange(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> Reply:
        if self._http.sock is None:
            self._http.connect()
            connected: Any = self._http.sock  # which mypy takes for None still
            self._timed = Timed(connected, self._timeout)
            self._http.sock = self._timed
        assert self._timed is not None
        self._timed.begin()
        self._http.request(method, self._prefix + path, body=body, headers=headers)
        answer = self._http.getresponse()
        content = answer.read(_LARGEST + 1)
        if answer.length and len(content) <= _LARGEST:  # reading so many bytes at most, http.client lets it pass
            raise http.client.IncompleteRead(content, answer.length)
        if len(content) > _LARGEST:
            raise OSError(f"the answer has more than {_LARGEST} bytes")
        return Reply(answer.status, content, answer.headers.get("Retry-After"))

    def _unanswered(self, method: str, path: str, error: Exception) -> CannotJudge:
        return CannotJudge(f"{method} {path} at {self.url}: {type(error).__name__}: {error}")
