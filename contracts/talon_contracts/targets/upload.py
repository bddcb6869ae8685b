"""An upload: a body on its way to a server, part by part, that is finished or broken off."""

import contextlib
import http.client
import socket
import struct
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from talon_contracts.targets.channel import CannotJudge, Reply

_PATIENCE: Final = 30.0


class Upload:
    """One request whose body is sent in chunks, on a connection of its own."""

    def __init__(self, url: str, path: str, headers: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        self._asked = f"POST {path} at {url}"
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._http = kind(parts.hostname or "", parts.port, timeout=_PATIENCE)
        try:
            self._http.putrequest("POST", parts.path.rstrip("/") + path)
            for name, value in {**headers, "Transfer-Encoding": "chunked"}.items():
                self._http.putheader(name, value)
            self._http.endheaders()
        except OSError as error:
            raise self._lost(error) from error

    def send(self, part: bytes) -> None:
        """Send a part of the body; a server that has answered already may not take it any more."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._http.send(b"%x\r\n%b\r\n" % (len(part), part) if part else b"")

    def end(self) -> None:
        """Say that this was all."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._http.send(b"0\r\n\r\n")

    def finish(self) -> Reply:
        """Say that this was all, and get the answer."""
        try:
            self.end()
            answer = self._http.getresponse()
            return Reply(answer.status, answer.read())
        except (http.client.HTTPException, OSError) as error:
            raise self._lost(error) from error
        finally:
            self._http.close()

    def break_off(self) -> None:
        """Go away in the middle, as a client does whose process is killed."""
        there = self._http.sock
        if there is not None:
            there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._http.close()

    def _lost(self, error: Exception) -> CannotJudge:
        self._http.close()
        return CannotJudge(f"{self._asked}: {type(error).__name__}: {error}")
