"""Segment's partner contract: Segment calls the bridge as it calls a partner's server, one event a request."""

import hmac
from collections.abc import Callable, Iterable

import msgspec

from talon_bridge import codec, event_settings, events
from talon_bridge.body import Receive, read_body
from talon_bridge.codec import Malformed
from talon_bridge.doors.door import JSON, SUCCESS, Door, Headers, Reply, Scope, basic, header, new_message_id
from talon_bridge.outbox.protocol import Outbox
from talon_bridge.settings import Destination
from talon_bridge.tally import Tally


class DirectDestination(Door):
    """The ASGI app at `/destination` (Segment's direct destinations, documented).

    The Basic user is the destination's API key, `X-Segment-Settings` its other settings, the body one event. Errors
    are `{"message"}`, which Segment shows its users. `clock` gives Unix seconds.
    """

    def __init__(
        self, outbox: Outbox, tally: Tally, destination: Callable[[], Destination], clock: Callable[[], float]
    ) -> None:
        self._outbox = outbox
        self._tally = tally
        self._destination = destination
        self._clock = clock

    async def answer(self, scope: Scope, receive: Receive) -> Reply:
        """Take one identify; every other type is answered 501 and not stored."""
        problem = self.wrong_method(scope, "POST")
        if problem is not None:
            return problem
        unknown = self._unauthorised(scope["headers"])
        if unknown is not None:
            return self.refusal(401, unknown, ((b"www-authenticate", b'Basic realm="Talon.One API key"'),))
        settings = header(scope["headers"], event_settings.HEADER.lower().encode())
        stored = None if settings is None else event_settings.parse(settings, self._destination())
        body = await read_body(receive, scope["headers"], events.MAX_BATCH_BYTES)
        event = events.forwarded(body, "", self._clock(), new_message_id)
        if event.type != "identify":
            return self.refusal(501, Malformed("unsupported_type", _unsupported(event.type)))
        stored_now = await self._outbox.append([msgspec.structs.replace(event, settings=stored)])
        self._tally.take("destination", 1, stored_now)
        return Reply(200, JSON, SUCCESS)

    def refusal(self, status: int, why: Malformed, headers: Headers = ()) -> Reply:
        """An error in the contract's shape."""
        return Reply(status, JSON + headers, codec.encode({"message": why.message}))

    def _unauthorised(self, headers: Iterable[tuple[bytes, bytes]]) -> Malformed | None:
        """Why the API key is not good, or None."""
        sent = basic(headers)
        if sent is None:
            return Malformed("invalid_api_key", "there is no API key; send it as the Basic user name")
        if hmac.compare_digest(sent.removesuffix(":").encode(), self._destination().api_key.encode()):
            return None
        return Malformed("invalid_api_key", "the API key is not this bridge's destination.api_key")


def _unsupported(kind: str) -> str:
    text = f"only identify calls are sent to Talon.One; this is a {kind[:50]}"
    if kind == "delete":  # a 200 would say that the user's data are gone
        text += ", and the bridge deletes nothing there: use DELETE /v1/customer_data of Talon.One's Integration API"
    return text
