"""uvicorn's HTTP protocol with what an app cannot do by ASGI: reset a connection, let one hang, bound its headers.

Pass it as `uvicorn.Config(http=Protocol)`; the door finds the first two in the scope's extensions.
"""

import asyncio
import socket
import struct
import sys
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from talon_emulator.door import CONNECTION

# The door refuses less than this in the error shape of the path; here it is about what never ends.
MAX_HEAD: Final = 256 * 1024  # bytes of a request before its body, or in its trailers
HEAD_SECONDS: Final = 10.0  # from the first of them, or from the connection's start, to the last
BODY_SECONDS: Final = 60.0  # in which a body has to go on, and trailers have to end

# Do not linger: a close sends RST instead of FIN.
_AT_ONCE = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class Protocol(HttpToolsProtocol):
    """One connection."""

    _held = False
    _in_head = True
    _in_body = False
    _moved = False  # by what was received last: on to the body, on in it, or to its end
    _head_bytes = 0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Offer this connection's extension to every request on it."""
        super().connection_made(transport)
        self._extensions: dict[str, dict[object, object]] = {CONNECTION: {"reset": self.reset, "hold": self.hold}}
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._end, b"408 Request Timeout", b"too slow a request")

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._forget_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes, and watch over headers and trailers that are not complete with them."""
        self._moved = False
        super().data_received(data)
        complete = not (self._in_head or self._in_body)
        if complete or self._moved:
            self._head_bytes = 0
            self._forget_deadline()
            if complete:
                return
        else:
            self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD:
            self._end(b"431 Request Header Fields Too Large", b"too large headers")
        elif self._deadline is None:
            seconds = HEAD_SECONDS if self._in_head else BODY_SECONDS
            self._deadline = self.loop.call_later(seconds, self._end, b"408 Request Timeout", b"too slow a request")

    def on_headers_complete(self) -> None:
        """Go on to the body; what trailers it may have are no headers of the request."""
        self._in_head, self._in_body, self._moved = False, True, True
        super().on_headers_complete()
        self.headers: list[tuple[bytes, bytes]] = []

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._moved = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request."""
        self._in_body, self._moved = False, True
        super().on_message_complete()

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._in_head = True
        super().on_message_begin()
        self.scope["extensions"] = self._extensions

    def reset(self) -> None:
        """Drop what is not sent yet and reset the connection."""
        if self.transport.is_closing():
            return
        bound: Any = self.transport.get_extra_info("socket")
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self.transport.abort()

    def hold(self) -> None:
        """Say that no answer will come, so that a server that stops need not wait for one."""
        self._held = True

    def shutdown(self) -> None:
        """Stop, once the answer is out if there will be one."""
        if self._held:
            self.transport.abort()
        else:
            super().shutdown()

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _end(self, status: bytes, text: bytes) -> None:
        """Answer and close, unless an earlier request of the connection is still being answered."""
        if not self.transport.is_closing():
            if self.cycle is None or self.cycle.response_complete:
                lines = (b"HTTP/1.1 " + status, b"content-type: text/plain", b"content-length: %d" % len(text))
                self.transport.write(b"\r\n".join((*lines, b"connection: close", b"", text)))
            self.transport.close()
