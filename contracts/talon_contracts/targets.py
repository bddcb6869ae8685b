"""What a check is run against: a bridge and a Talon.One, each reached by URL."""

import base64
import http.client
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlsplit

import msgspec

from talon_contracts.exact_json import Json, Object, decode, encode
from talon_contracts.oracle import Definitions, DestinationSettings

_JOURNAL: Final = "/_emulator/journal"
JOURNAL_CUTS_AT: Final = 4096
"""Bytes of a body that the journal keeps."""


class CannotJudge(Exception):
    """A target is down, answers nonsense or never settles, so that no verdict is possible; says what was seen."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it came: status and body."""

    status: int
    body: bytes

    def json(self) -> Json:
        """The body as JSON with exact numbers; raises CannotJudge when it is none."""
        try:
            return decode(self.body)
        except ValueError as error:
            raise CannotJudge(f"answer {self.status} is not JSON ({error}): {self.body[:200]!r}") from error


class Connection:
    """One kept-alive HTTP connection to the origin of a URL, for one thread; paths go out as they are given.

    It speaks http.client, because a check costs thousands of requests and this costs a quarter of a full client.
    """

    def __init__(self, url: str, *, timeout: float = 10.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or parts.hostname is None:
            raise ValueError(f"not an http URL: {url!r}")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self.url = url
        self._prefix = parts.path.rstrip("/")
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
            if fresh:
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
        self._http.request(method, self._prefix + path, body=body, headers=headers)
        answer = self._http.getresponse()
        return Reply(answer.status, answer.read())

    def _unanswered(self, method: str, path: str, error: Exception) -> CannotJudge:
        return CannotJudge(f"{method} {path} at {self.url}: {type(error).__name__}: {error}")


class Bridge:
    """A bridge under test, fed over Segment's tracking API."""

    def __init__(self, url: str, write_key: str, *, settle_seconds: float = 10.0) -> None:
        self._connection = Connection(url, timeout=settle_seconds + 5)
        self._settle_seconds = settle_seconds
        credentials = base64.b64encode(f"{write_key}:".encode()).decode()
        self._headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"}

    def post(self, path: str, body: Object) -> Reply:
        """Send one call or batch, to `/v1/identify` or `/v1/batch`."""
        return self._connection.request("POST", path, self._headers, encode(body))

    def settle(self) -> None:
        """Wait until everything accepted is delivered or given up; raises CannotJudge when that takes too long."""
        reply = self._connection.request("GET", f"/_bridge/idle?timeout={self._settle_seconds:g}", {})
        if reply.status != 200:
            raise CannotJudge(f"the bridge does not become idle: {reply.status} {reply.body[:200]!r}")

    def close(self) -> None:
        """Close the connection to the bridge."""
        self._connection.close()


class Exchange(msgspec.Struct, frozen=True, rename="camel"):
    """One exchange as the journal of a Talon.One shows it; a body of more than `JOURNAL_CUTS_AT` bytes is not whole."""

    method: str
    status: int
    request: Any
    answer: Any
    request_bytes: int
    answer_bytes: int


class _Journal(msgspec.Struct, frozen=True):
    entries: tuple[Exchange, ...]


class TalonOne:
    """A Talon.One deployment, real or emulated, spoken to with the integration key of one Application."""

    def __init__(self, url: str, api_key: str) -> None:
        self._connection = Connection(url)
        self._headers = {"Authorization": f"ApiKey-v1 {api_key}", "Content-Type": "application/json"}
        self._has_journal: bool | None = None

    def profile(self, integration_id: str) -> Object | None:
        """The attributes that the profile holds; None when there is no such profile."""
        path = f"/v1/customer_profiles/{encoded(integration_id)}/inventory?profile=true"
        reply = self._connection.request("GET", path, self._headers)
        if reply.status == 404:
            return None
        document = reply.json()
        profile = document.get("profile") if isinstance(document, dict) else None
        attributes = profile.get("attributes") if isinstance(profile, dict) else None
        if reply.status != 200 or not isinstance(attributes, dict):
            raise CannotJudge(f"cannot read profile {integration_id!r} back: {reply.status} {reply.body[:200]!r}")
        return attributes

    def update(self, integration_id: str, attributes: Object, *, authorization: str | None = None) -> Reply:
        """Patch one profile; `authorization` replaces the header that the key makes (empty: no header)."""
        headers = dict(self._headers)
        if authorization is not None:
            headers["Authorization"] = authorization
        if authorization == "":
            del headers["Authorization"]
        path = f"/v2/customer_profiles/{encoded(integration_id)}"
        return self._connection.request("PUT", path, headers, encode({"attributes": attributes}))

    def updates_seen(self, integration_id: str) -> tuple[Exchange, ...]:
        """The updates of one profile, the newest first; none where Talon.One keeps no journal (only emulators do)."""
        if self._has_journal is None:
            probe = self._connection.request("GET", f"{_JOURNAL}?limit=1", {})
            self._has_journal = probe.status == 200
        if not self._has_journal:
            return ()
        asked = f"{_JOURNAL}?path=/v2/customer_profiles/&integrationId={quote(integration_id, safe='')}"
        reply = self._connection.request("GET", asked, {})
        try:
            journal = msgspec.convert(reply.json(), _Journal)
        except msgspec.ValidationError as error:
            raise CannotJudge(f"the journal makes no sense ({error}): {reply.status} {reply.body[:200]!r}") from error
        return tuple(exchange for exchange in journal.entries if exchange.method == "PUT")

    def close(self) -> None:
        """Close the connection to Talon.One."""
        self._connection.close()


def encoded(integration_id: str) -> str:
    """An integration ID as one segment of a path; dots are encoded as well, so that `..` stays an ID."""
    return quote(integration_id, safe="").replace(".", "%2E")


@dataclass(frozen=True, slots=True)
class Bench:
    """Everything that checks need: the targets, what is set up in them, and a source of fresh tags.

    `prefix` starts every id that is made, and must be new to the deployment. Without a `bridge` or an `audience_key`
    (name to key; raises ValueError where AUD-3 forbids the key, given the keys of the others) the checks that need
    them are not judged.
    """

    talon_one: TalonOne
    settings: DestinationSettings
    definitions: Definitions
    prefix: str
    bridge: Bridge | None = None
    audience_key: Callable[[str, tuple[str, ...]], str] | None = None
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def tag(self) -> str:
        """A text that no other case on this bench has; its end shows, so that 1 and a digit after it never make 10."""
        return f"{self.prefix}{next(self._numbers)}-"

    def close(self) -> None:
        """Close the connections."""
        self.talon_one.close()
        if self.bridge is not None:
            self.bridge.close()
