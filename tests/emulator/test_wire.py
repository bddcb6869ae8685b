"""Headers that do not end, in time or in size, end the connection; those that do are served as before."""

import socket
import time

import pytest

from emulator_support import Emulator
from talon_emulator import wire

START = b"GET /_emulator/health HTTP/1.1\r\nHost: localhost\r\n"


def connected(emulator: Emulator) -> socket.socket:
    return socket.create_connection(("127.0.0.1", emulator.port), timeout=20)


def rest(connection: socket.socket) -> bytes:
    """All that comes until the other side closes, be it by a reset."""
    got = b""
    try:
        while piece := connection.recv(65536):
            got += piece
    except ConnectionResetError:
        pass
    return got


def test_headers_without_end_are_refused(emulator: Emulator) -> None:
    with connected(emulator) as connection:
        connection.sendall(START)
        sent = 0
        try:
            while sent < 4 * wire.MAX_HEAD:
                connection.sendall(b"x-a: " + b"a" * 8000 + b"\r\n")
                sent += 8000
        except OSError:
            pass
        assert sent < 4 * wire.MAX_HEAD or b" 431 " in rest(connection)


@pytest.mark.parametrize("begun", [b"", b"GET / HT", START])
def test_slow_headers_are_given_up(emulator: Emulator, monkeypatch: pytest.MonkeyPatch, begun: bytes) -> None:
    monkeypatch.setattr(wire, "HEAD_SECONDS", 0.2)
    with connected(emulator) as connection:
        started = time.monotonic()
        connection.sendall(begun)
        assert rest(connection).startswith(b"HTTP/1.1 408 ")
        assert 0.1 < time.monotonic() - started < 10


def test_slow_headers_of_a_later_request_are_given_up(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "HEAD_SECONDS", 0.2)
    with connected(emulator) as connection:
        connection.sendall(START + b"\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        connection.sendall(START)
        assert rest(connection).startswith(b"HTTP/1.1 408 ")


def test_headers_in_pieces_and_a_body_after_the_deadline_are_served(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "HEAD_SECONDS", 0.2)
    with connected(emulator) as connection:
        for piece in (START[:10], START[10:], b"Content-Length: 2\r\n\r\n{"):
            connection.sendall(piece)
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):  # longer than the deadline: it is about headers only
            connection.recv(1)
        connection.settimeout(20)
        connection.sendall(b"}")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
