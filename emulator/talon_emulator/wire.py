"""uvicorn's HTTP protocol with two things an app cannot do by ASGI: reset a connection, and let one hang.

Pass it as `uvicorn.Config(http=Protocol)`; the door finds it in the scope's extensions.
"""

import asyncio
import socket
import struct
import sys
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from talon_emulator.door import CONNECTION

# Do not linger: a close sends RST instead of FIN.
_AT_ONCE = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class Protocol(HttpToolsProtocol):
    """One connection."""

    _held = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Offer this connection's extension to every request on it."""
        super().connection_made(transport)
        self._extensions: dict[str, dict[object, object]] = {CONNECTION: {"reset": self.reset, "hold": self.hold}}

    def on_message_begin(self) -> None:
        """Begin a request."""
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
