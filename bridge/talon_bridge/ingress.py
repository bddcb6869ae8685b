"""Segment's tracking API: calls come in, are stored, and only then acknowledged."""

import base64
import binascii
import uuid
from collections.abc import Awaitable, Callable, Collection, MutableMapping, Sequence
from typing import Any

from talon_bridge import codec, events
from talon_bridge.body import ClientGoneError, Receive, read_body
from talon_bridge.codec import Malformed, MalformedError
from talon_bridge.events import Arrival
from talon_bridge.outbox.protocol import Outbox, OutboxUnavailable, Waiting

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

# Segment's paths and the letters that analytics.js uses for them (source: analytics-next).
SINGLE = {
    name: kind
    for kind in ("identify", "track", "page", "screen", "group", "alias")
    for name in (kind, kind[0])
    if (name, kind) not in (("p", "screen"), ("s", "page"))
}
BATCH = frozenset({"batch", "import", "b"})
METRICS = "m"  # analytics.js reports on itself here; there is nothing for Talon.One in it

TOO_LARGE = frozenset({"body_too_large", "batch_too_large", "event_too_large"})
SUCCESS = b'{"success":true}'
_JSON: Headers = [(b"content-type", b"application/json")]
# Browsers send events from any page; the answer holds nothing worth stealing.
_CORS: Headers = [(b"access-control-allow-origin", b"*")]
_PREFLIGHT: Headers = [
    *_CORS,
    (b"access-control-allow-methods", b"POST, OPTIONS"),
    (b"access-control-allow-headers", b"authorization, content-type, content-encoding, x-retry-count"),
    (b"access-control-max-age", b"86400"),
]


class Ingress:
    """The ASGI app under `/v1/`.

    200 `{"success": true}` means that the events are in the outbox. Errors are
    `{"success": false, "code", "message", "error"}`: the libraries read each of those names (observed).
    """

    def __init__(
        self,
        outbox: Outbox,
        accepted: Callable[[Sequence[Waiting]], None],
        write_keys: Collection[str],
        clock: Callable[[], float],
    ) -> None:
        self._outbox = outbox
        self._accepted = accepted
        self._write_keys = frozenset(write_keys)
        self._clock = clock

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        try:
            await self._answer(scope, receive, send)
        except MalformedError as error:
            status = 413 if error.malformed.code in TOO_LARGE else 400
            await _refuse(send, status, error.malformed)
        except OutboxUnavailable as error:
            await _refuse(send, 503, Malformed("unavailable", str(error)), [(b"retry-after", b"5")])
        except ClientGoneError:
            return

    async def _answer(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        name = scope["path"].removeprefix("/v1/").rstrip("/")
        if name not in SINGLE and name not in BATCH and name != METRICS:
            known = ", ".join(f"/v1/{path}" for path in sorted({*SINGLE.values(), "batch", "import"}))
            text = f"there is nothing at {scope['path']}; events go to {known}"
            return await _refuse(send, 404, Malformed("not_found", text))
        if scope["method"] == "OPTIONS":
            return await _send(send, 204, _PREFLIGHT, b"")
        if scope["method"] != "POST":
            text = f"{scope['path']} takes POST, not {scope['method']}"
            return await _refuse(send, 405, Malformed("method_not_allowed", text), [(b"allow", b"POST, OPTIONS")])
        body = await read_body(receive, scope["headers"], events.MAX_BATCH_BYTES)
        if name == METRICS:
            return await _send(send, 200, _JSON + _CORS, SUCCESS)
        arrival = self._parse(name, body)
        problem = self._unauthorised(scope["headers"], arrival)
        if problem is not None:
            return await _refuse(send, 401, problem, [(b"www-authenticate", b'Basic realm="Segment write key"')])
        self._accepted(await self._outbox.append(arrival.events))
        return await _send(send, 200, _JSON + _CORS, SUCCESS)

    def _parse(self, name: str, body: bytes) -> Arrival:
        if name in BATCH:
            return events.batch(body, self._clock(), new_message_id)
        return events.single(body, SINGLE[name], self._clock(), new_message_id)

    def _unauthorised(self, headers: Headers, arrival: Arrival) -> Malformed | None:
        """Why the write key is not good, or None. It comes as Basic user, or in the body (alone or beside a Bearer)."""
        key = write_key(headers) or arrival.write_key
        if key in self._write_keys:
            return None
        if not key:
            text = "there is no write key; send it as the Basic user name or as writeKey in the body"
        else:
            text = f"the write key that was sent ({_masked(key)}) is not one of this bridge's write_keys"
        return Malformed("invalid_write_key", text)


def write_key(headers: Headers) -> str | None:
    """The user name of Basic authentication; a missing colon is tolerated, as Segment does (documented)."""
    for name, value in headers:
        if name == b"authorization":
            scheme, _, rest = value.partition(b" ")
            if scheme.lower() != b"basic":
                return None
            try:
                return base64.b64decode(rest.strip(), validate=True).decode().partition(":")[0] or None
            except (binascii.Error, UnicodeDecodeError):
                return None
    return None


def new_message_id() -> str:
    """An id for a call that came without one."""
    return f"localtalon-{uuid.uuid4()}"


def _masked(key: str) -> str:
    return f"{key[:3]}…, {len(key)} characters"


async def _refuse(send: Send, status: int, why: Malformed, headers: Headers | None = None) -> None:
    body = {"success": False, "code": why.code, "message": why.message, "error": why.message}
    if why.pointer:
        body["pointer"] = why.pointer
    await _send(send, status, [*_JSON, *_CORS, *(headers or [])], codec.encode(body))


async def _send(send: Send, status: int, headers: Headers, body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
