"""Headers that do not end, in time or in size, end the connection; those that do are served as before."""

import socket
import time

import pytest

from emulator_support import SANDBOX_KEY, Emulator
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


CHUNKED = (
    b"PUT /v2/customer_profiles/trailed HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
    b"Content-Type: application/json\r\n%s\r\n2\r\n{}\r\n0\r\n"
)
KEY = b"Authorization: ApiKey-v1 " + SANDBOX_KEY.encode() + b"\r\n"


def test_trailers_are_no_headers(emulator: Emulator) -> None:
    with connected(emulator) as connection:
        connection.sendall(CHUNKED % KEY + b"X-Checksum: 1\r\n\r\n" + START + b"\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    with connected(emulator) as connection:
        connection.sendall(CHUNKED % b"" + KEY + b"\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize("piece", [b"x: y\r\n" * 2000, b"x" * 12000], ids=["many", "long"])
def test_trailers_without_end_are_refused(emulator: Emulator, piece: bytes) -> None:
    with connected(emulator) as connection:
        connection.sendall(CHUNKED % KEY)
        sent = 0
        try:
            while sent < 40 * wire.MAX_HEAD:
                connection.sendall(piece)
                sent += len(piece)
        except OSError:
            pass
        assert sent < 40 * wire.MAX_HEAD


def test_slow_trailers_are_given_up(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "BODY_SECONDS", 0.2)
    for piece in (b"", b"x: y\r\n"):
        with connected(emulator) as connection:
            connection.sendall(CHUNKED % KEY + piece)
            rest(connection)  # returns once the connection is closed


def test_a_body_that_does_not_go_on_is_given_up(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "BODY_SECONDS", 0.2)
    with connected(emulator) as connection:
        connection.sendall(START + b"Content-Length: 5\r\n\r\n{")
        rest(connection)


def test_a_body_in_tiny_chunks_is_served(emulator: Emulator) -> None:
    body = b'{"attributes":{"text":"%s"}}' % (b"a" * 100_000)
    with connected(emulator) as connection:
        head = (CHUNKED % KEY).removesuffix(b"2\r\n{}\r\n0\r\n")
        connection.sendall(head + b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
