"""The proxy does to a wire what its toxics say."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bridge_support import PATIENCE
from reliability.proxy import Proxy, proxy_to
from reliability.toxics import TOXICS, Toxic

SENT = b"x" * 1000


@contextmanager
def echo() -> Iterator[Proxy]:
    """A proxy to a server that sends back what it gets, and closes when the client has sent all."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    try:
                        while piece := connection.recv(4096):
                            connection.sendall(piece)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with proxy_to("127.0.0.1", server.getsockname()[1]) as proxy:
            yield proxy
        server.shutdown(socket.SHUT_RDWR)
        thread.join(PATIENCE)


def sent_and_read(proxy: Proxy, wanted: int = len(SENT), patience: float = PATIENCE) -> tuple[int, float, str]:
    """How many bytes come back, after how many seconds, and how it ended."""
    began, read, end = time.monotonic(), 0, "all"
    with socket.create_connection(("127.0.0.1", proxy.port), patience) as client:
        client.sendall(SENT)
        client.settimeout(patience)
        try:
            while read < wanted:
                piece = client.recv(4096)
                if not piece:
                    end = "closed"
                    break
                read += len(piece)
        except ConnectionResetError:
            end = "reset"
        except TimeoutError:
            end = "silence"
    return read, time.monotonic() - began, end


EFFECTS: list[tuple[str, dict[str, float], Callable[[int, float, str], bool]]] = [
    ("latency", {"seconds": 0.2}, lambda read, took, end: read == 1000 and took >= 0.2),
    ("bandwidth", {"rate": 5000}, lambda read, took, end: read == 1000 and took >= 0.2),
    ("timeout", {}, lambda read, took, end: (read, end) == (0, "silence")),
    ("timeout", {"seconds": 0.1}, lambda read, took, end: (read, end) == (0, "reset") and took >= 0.09),
    ("slicer", {"size": 100, "seconds": 0.02}, lambda read, took, end: read == 1000 and took >= 0.18),
    ("limit_data", {"size": 150}, lambda read, took, end: read <= 150 and end == "closed"),
    ("reset_peer", {}, lambda read, took, end: (read, end) == (0, "reset")),
    ("slow_close", {"seconds": 0.1}, lambda read, took, end: (read, end) == (1000, "all")),
]


@pytest.mark.parametrize(
    ("kind", "members", "holds"), EFFECTS, ids=lambda value: value if isinstance(value, str) else ""
)
@pytest.mark.parametrize("upstream", [False, True])
def test_each_toxic(
    kind: str, members: dict[str, float], holds: Callable[[int, float, str], bool], upstream: bool
) -> None:
    toxic: Toxic = TOXICS[kind](upstream=upstream, **members)
    with echo() as proxy:
        proxy.spoil(toxic)
        found = sent_and_read(proxy, patience=0.5 if members == {} and kind == "timeout" else PATIENCE)
        assert holds(*found), found
        proxy.spoil()
        assert sent_and_read(proxy)[0] == len(SENT)


def test_every_toxic_is_tried() -> None:
    assert {kind for kind, _, _ in EFFECTS} == TOXICS.keys()


def test_a_cut_ends_what_is_open_and_lets_new_ones_in() -> None:
    with echo() as proxy, socket.create_connection(("127.0.0.1", proxy.port), PATIENCE) as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            client.recv(1)
        assert sent_and_read(proxy)[0] == len(SENT)


def refused(proxy: Proxy) -> None:
    """Try to send something; raises ConnectionError."""
    with socket.create_connection(("127.0.0.1", proxy.port), PATIENCE) as client:
        client.sendall(SENT)
        client.recv(1)


def test_a_refusing_proxy_lets_nobody_in() -> None:
    with echo() as proxy:
        proxy.refuse()
        with pytest.raises(ConnectionError):
            refused(proxy)
        proxy.refuse(False)
        assert sent_and_read(proxy)[0] == len(SENT)


def test_on_a_frozen_wire_nothing_moves_and_nothing_is_lost() -> None:
    with echo() as proxy, socket.create_connection(("127.0.0.1", proxy.port), PATIENCE) as client:
        proxy.freeze()
        client.sendall(b"x")
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(1)
        proxy.thaw()
        client.settimeout(PATIENCE)
        assert client.recv(1) == b"x"
