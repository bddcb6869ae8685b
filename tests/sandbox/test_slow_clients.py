"""Clients of the bridge that never come to an end: their connections do."""

import socket
import time

import pytest

from localtalon import Sandbox
from talon_emulator import wire

START = b"POST /webhook HTTP/1.1\r\nHost: localhost\r\n"


def connected(sandbox: Sandbox) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(sandbox.bridge_url.rsplit(":", 1)[1])), timeout=20)


def rest(connection: socket.socket) -> bytes:
    """All that comes until the other side closes, be it by a reset."""
    got = b""
    try:
        while piece := connection.recv(65536):
            got += piece
    except ConnectionResetError:
        pass
    return got


@pytest.mark.parametrize("begun", [b"", b"POST / HT", START])
def test_slow_headers_are_given_up(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, begun: bytes) -> None:
    monkeypatch.setattr(wire, "HEAD_SECONDS", 0.2)
    with connected(sandbox) as connection:
        started = time.monotonic()
        connection.sendall(begun)
        assert rest(connection).startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - started < 10


def test_headers_without_end_are_refused(sandbox: Sandbox) -> None:
    with connected(sandbox) as connection:
        connection.sendall(START)
        sent = 0
        try:
            while sent < 4 * wire.MAX_HEAD:
                connection.sendall(b"x-a: " + b"a" * 8000 + b"\r\n")
                sent += 8000
        except OSError:
            pass
        assert sent < 4 * wire.MAX_HEAD or b" 431 " in rest(connection)


def test_a_body_that_does_not_go_on_is_given_up(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "BODY_SECONDS", 0.2)
    with connected(sandbox) as connection:
        connection.sendall(b"POST /v1/identify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{")
        rest(connection)  # returns once the connection is closed
