"""Segment's Webhooks destinations: signed events, one a request or many in an array."""

import hmac
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from talon_bridge import codec, events
from talon_bridge.body import Receive, read_raw, unpacked
from talon_bridge.codec import Malformed, MalformedError
from talon_bridge.doors.door import JSON, SUCCESS, Door, Headers, Reply, Scope, header, new_message_id
from talon_bridge.outbox.protocol import Outbox
from talon_bridge.tally import Tally

MAX_EVENTS: Final = 4000  # of one array; Webhooks (Actions), documented
MAX_BYTES: Final = 8 * 1024 * 1024  # of one array: 2 KB for each of so many (decided here)
MAX_FIRST: Final = 4 * events.MAX_FORWARDED_BYTES  # looked through before anybody is known to have signed it
METHODS: Final = "POST, PUT, PATCH"  # Webhooks (Actions) lets its users choose, documented


class Webhook(Door):
    """The ASGI app at `/webhook`. Without a secret the door is closed. `clock` gives Unix seconds."""

    def __init__(self, outbox: Outbox, tally: Tally, secret: str | None, clock: Callable[[], float]) -> None:
        self._outbox = outbox
        self._tally = tally
        self._secret = None if secret is None else secret.encode()
        self._clock = clock

    async def answer(self, scope: Scope, receive: Receive) -> Reply:
        """Take one event or an array of them, all or none."""
        problem = self.wrong_method(scope, METHODS)
        if problem is not None:
            return problem
        if self._secret is None:
            how = "set bridge.webhook_secret to the shared secret of the Webhooks destination"
            return self.refusal(403, Malformed("closed", f"this door is closed; {how}"))
        signature = header(scope["headers"], b"x-signature")
        if not signature:
            return self.refusal(401, Malformed("unsigned", "there is no X-Signature; give the destination the secret"))
        raw = await read_raw(receive, MAX_BYTES)
        text = unpacked(raw, scope["headers"], MAX_BYTES)
        if not is_signed(signature, self._secret, _signable(raw, text)):
            why = "X-Signature does not fit the body and this bridge's webhook_secret"
            return self.refusal(401, Malformed("wrong_signature", why))
        found = self._events(text)
        self._tally.take("webhook", len(found), await self._outbox.append(found))
        return Reply(200, JSON, SUCCESS)

    def refusal(self, status: int, why: Malformed, headers: Headers = ()) -> Reply:
        """An error, in the shape of the partner contract; Segment tells nothing about this one."""
        body = {"message": why.message}
        if why.pointer:
            body["pointer"] = why.pointer
        return Reply(status, JSON + headers, codec.encode(body))

    def _events(self, text: bytes) -> list[events.Accepted]:
        now = self._clock()
        if not text.lstrip().startswith(b"["):
            return [events.forwarded(text, "", now, new_message_id)]
        items = events.listed(text)
        if len(items) > MAX_EVENTS:
            message = f"the array has {len(items)} events; the limit is {MAX_EVENTS}"
            raise MalformedError(Malformed("too_many_events", message))
        return [events.forwarded(item, f"/{index}", now, new_message_id) for index, item in enumerate(items)]


def is_signed(signature: bytes, secret: bytes, texts: Iterable[bytes]) -> bool:
    """Whether a signature is the HMAC-SHA1 of one of the texts, in hex digits (documented)."""
    sent = signature.strip().lower()
    return any(hmac.compare_digest(sent, hmac.new(secret, text, "sha1").hexdigest().encode()) for text in texts)


def _signable(raw: bytes, text: bytes) -> Iterator[bytes]:
    """What a signature may cover, byte for byte: the body, the JSON text in it, or the first element of its array.

    Webhooks (Actions) signs nothing but the first element of a batch (observed), so that the others are not
    authenticated: whoever has seen one signed event can put others behind it. Signed as a whole they would be.
    """
    yield raw
    if text is not raw:
        yield text
    first = codec.first_object(text, MAX_FIRST)
    if first is not None:
        yield first
