"""A socket on which a whole exchange has so many seconds, where a time-out of its own is of each read."""

import io
import socket
import time
from typing import Any


class Timed:
    """What http.client uses of a socket; `begin` starts the time of an exchange."""

    def __init__(self, real: socket.socket, seconds: float) -> None:
        self._real = real
        self._seconds = seconds
        self._until = 0.0

    def begin(self) -> None:
        """An exchange begins now."""
        self._until = time.monotonic() + self._seconds

    def left(self) -> float:
        """Seconds that are left; raises TimeoutError when there are none."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"the answer is not whole after {self._seconds:g} s")
        return left

    def sendall(self, data: bytes) -> None:
        """Send all of it."""
        self._real.settimeout(self.left())
        self._real.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        """A file to read an answer from."""
        return io.BufferedReader(_Reader(self, self._real))

    def close(self) -> None:
        """Close it, once the files on it are closed."""
        self._real.close()


class _Reader(io.RawIOBase):
    """Reads from the socket in the time that is left."""

    def __init__(self, timed: Timed, real: socket.socket) -> None:
        self._timed = timed
        self._real = real
        self._file = real.makefile(
            "rb", buffering=0
        )  # keeps the socket open until it is closed, as http.client expects

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what there is."""
        self._real.settimeout(self._timed.left())
        return self._file.readinto(buffer)

    def close(self) -> None:
        """Close the file, not the socket."""
        self._file.close()
        super().close()
