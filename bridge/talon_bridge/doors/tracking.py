"""Segment's tracking API: calls come in, are stored, and only then acknowledged."""

from collections.abc import Callable, Collection, Iterable

from talon_bridge import codec, events
from talon_bridge.body import Receive, read_body
from talon_bridge.codec import Malformed
from talon_bridge.doors.door import JSON, SUCCESS, Door, Headers, Reply, Scope, basic, new_message_id
from talon_bridge.events import Arrival
from talon_bridge.outbox.protocol import Outbox
from talon_bridge.tally import Tally

# Segment's paths and the letters that analytics.js uses for them (source: analytics-next).
SINGLE = {
    name: kind
    for kind in ("identify", "track", "page", "screen", "group", "alias")
    for name in (kind, kind[0])
    if (name, kind) not in (("p", "screen"), ("s", "page"))
}
BATCH = frozenset({"batch", "import", "b"})
METRICS = "m"  # analytics.js reports on itself here; there is nothing for Talon.One in it

# Browsers send events from any page; the answer holds nothing worth stealing.
_CORS: Headers = ((b"access-control-allow-origin", b"*"),)
_PREFLIGHT: Headers = (
    *_CORS,
    (b"access-control-allow-methods", b"POST, OPTIONS"),
    (b"access-control-allow-headers", b"authorization, content-type, content-encoding, x-retry-count"),
    (b"access-control-max-age", b"86400"),
)


class Tracking(Door):
    """The ASGI app under `/v1/`.

    Errors are `{"success": false, "code", "message", "error"}`: the libraries read each of those names (observed).
    """

    def __init__(self, outbox: Outbox, tally: Tally, write_keys: Collection[str], clock: Callable[[], float]) -> None:
        self._outbox = outbox
        self._tally = tally
        self._write_keys = frozenset(write_keys)
        self._clock = clock

    async def answer(self, scope: Scope, receive: Receive) -> Reply:
        """Take one call or a batch."""
        name = scope["path"].removeprefix("/v1/").rstrip("/")
        if name not in SINGLE and name not in BATCH and name != METRICS:
            known = ", ".join(f"/v1/{path}" for path in sorted({*SINGLE.values(), "batch", "import"}))
            text = f"there is nothing at {scope['path']}; events go to {known}"
            return self.refusal(404, Malformed("not_found", text))
        if scope["method"] == "OPTIONS":
            return Reply(204, _PREFLIGHT)
        problem = self.wrong_method(scope, "POST")
        if problem is not None:
            return problem
        body = await read_body(receive, scope["headers"], events.MAX_BATCH_BYTES)
        if name == METRICS:
            return Reply(200, JSON + _CORS, SUCCESS)
        arrival = self._parse(name, body)
        unknown = self._unauthorised(scope["headers"], arrival)
        if unknown is not None:
            return self.refusal(401, unknown, ((b"www-authenticate", b'Basic realm="Segment write key"'),))
        self._tally.take("tracking", len(arrival.events), await self._outbox.append(arrival.events))
        return Reply(200, JSON + _CORS, SUCCESS)

    def refusal(self, status: int, why: Malformed, headers: Headers = ()) -> Reply:
        """An error for Segment's libraries."""
        body = {"success": False, "code": why.code, "message": why.message, "error": why.message}
        if why.pointer:
            body["pointer"] = why.pointer
        return Reply(status, JSON + _CORS + headers, codec.encode(body))

    def _parse(self, name: str, body: bytes) -> Arrival:
        if name in BATCH:
            return events.batch(body, self._clock(), new_message_id)
        return events.single(body, SINGLE[name], self._clock(), new_message_id)

    def _unauthorised(self, headers: Iterable[tuple[bytes, bytes]], arrival: Arrival) -> Malformed | None:
        """Why the write key is not good, or None. It comes as Basic user, or in the body (alone or beside a Bearer)."""
        key = write_key(headers) or arrival.write_key
        if key in self._write_keys:
            return None
        if not key:
            text = "there is no write key; send it as the Basic user name or as writeKey in the body"
        else:
            text = f"the write key that was sent ({_masked(key)}) is not one of this bridge's write_keys"
        return Malformed("invalid_write_key", text)


def write_key(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The user name of Basic authentication; a missing colon is tolerated, as Segment does (documented)."""
    return (basic(headers) or "").partition(":")[0] or None


def _masked(key: str) -> str:
    return f"{key[:3]}…, {len(key)} characters"
