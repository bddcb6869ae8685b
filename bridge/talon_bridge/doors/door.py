"""A door: a request in, a reply out, and a refusal in the door's own shape for what it cannot take."""

import base64
import binascii
import uuid
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from talon_bridge.body import ClientGoneError, Receive
from talon_bridge.codec import Malformed, MalformedError
from talon_bridge.outbox.protocol import OutboxUnavailable

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = tuple[tuple[bytes, bytes], ...]

TOO_LARGE = frozenset({"body_too_large", "batch_too_large", "event_too_large"})
RETRY_AFTER: Final = 5  # seconds until an outbox that cannot be written is asked again

JSON: Headers = ((b"content-type", b"application/json"),)
SUCCESS = b'{"success":true}'


class Reply(msgspec.Struct, frozen=True):
    """An answer to a request."""

    status: int
    headers: Headers = ()
    body: bytes = b""


class Door(ABC):
    """An ASGI app that stores what it is brought: 200 means that the events are in the outbox."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            reply = await self.answer(scope, receive)
        except MalformedError as error:
            reply = self.refusal(413 if error.malformed.code in TOO_LARGE else 400, error.malformed)
        except OutboxUnavailable as error:
            later = ((b"retry-after", b"%d" % RETRY_AFTER),)
            reply = self.refusal(503, Malformed("unavailable", str(error)), later)
        except ClientGoneError:
            return
        length = (b"content-length", b"%d" % len(reply.body))
        await send({"type": "http.response.start", "status": reply.status, "headers": [*reply.headers, length]})
        await send({"type": "http.response.body", "body": reply.body})

    @abstractmethod
    async def answer(self, scope: Scope, receive: Receive) -> Reply:
        """Take a request; raises what `__call__` makes a refusal of."""

    @abstractmethod
    def refusal(self, status: int, why: Malformed, headers: Headers = ()) -> Reply:
        """An error as those who knock here expect it."""

    def wrong_method(self, scope: Scope, allowed: str) -> Reply | None:
        """The answer to OPTIONS, and to methods that are not `allowed` (separated by commas); None for those that are.

        There are no CORS headers in it: no page of a browser has business here.
        """
        if scope["method"] in allowed.split(", "):
            return None
        allow = ((b"allow", f"{allowed}, OPTIONS".encode()),)
        if scope["method"] == "OPTIONS":
            return Reply(204, allow)
        text = f"{scope['path']} takes {allowed}, not {scope['method']}"
        return self.refusal(405, Malformed("method_not_allowed", text), allow)


def header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """The first header of that name (in lower case), or None."""
    return next((value for found, value in headers if found == name), None)


def basic(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """`user:password` of Basic authentication, decoded; None where there is none, or none that can be read."""
    return _basic(header(headers, b"authorization") or b"")


@lru_cache(64)
def _basic(authorization: bytes) -> str | None:
    scheme, _, rest = authorization.partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        return base64.b64decode(rest.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def new_message_id() -> str:
    """An id for a call that came without one."""
    return f"localtalon-{uuid.uuid4()}"
