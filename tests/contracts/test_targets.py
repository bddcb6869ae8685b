"""Targets that misbehave are reported with what was seen, never taken for a verdict."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from contracts_support import API_KEY, serving
from talon_contracts.targets import Bridge, CannotJudge, Connection, Levers, TalonOne, encoded


class Canned:
    """An ASGI app with one answer for everything; it notes the raw paths and can hang up after each answer."""

    def __init__(self, status: int, body: bytes, *, hangs_up: bool = False) -> None:
        self.status, self.body, self.paths = status, body, list[bytes]()
        self.headers = [(b"connection", b"close")] if hangs_up else []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
            return
        self.paths.append(scope["raw_path"])
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body})


@pytest.fixture
def free_port() -> Iterator[int]:
    """A port on which nobody answers."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def test_nobody_there(free_port: int) -> None:
    with pytest.raises(CannotJudge, match=f"POST /v1/identify at http://127.0.0.1:{free_port}: ConnectionRefused"):
        Bridge(f"http://127.0.0.1:{free_port}", "wk").post("/v1/identify", {})


@pytest.mark.parametrize("url", ["", "localhost:8901", "ftp://x", "http://"])
def test_not_a_url(url: str) -> None:
    with pytest.raises(ValueError, match="not an http URL"):
        Connection(url)


def test_a_bridge_that_never_settles() -> None:
    with serving(Canned(409, b'{"queued": 3}')) as url:
        bridge = Bridge(url, "wk", settle_seconds=0.5)
        with pytest.raises(CannotJudge, match=r"does not become idle in 0.5 s: 409 .*queued"):
            bridge.settle()
        bridge.close()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"profile": {}}'),
        (500, b"{}"),
        (401, b'{"message": "no"}'),
    ],
)
def test_a_talon_one_that_makes_no_sense(status: int, body: bytes) -> None:
    with serving(Canned(status, body)) as url:
        deployment = TalonOne(url, "key")
        with pytest.raises(CannotJudge, match=str(status)):
            deployment.profile("u")
        deployment.close()


def test_a_connection_that_was_closed_is_opened_again() -> None:
    with serving(Canned(404, b"{}", hangs_up=True)) as url:
        deployment = TalonOne(url, "key")
        assert deployment.profile("u") is deployment.profile("u") is None
        deployment.close()


def test_ids_stay_one_segment_and_a_base_path_is_kept() -> None:
    app = Canned(404, b"{}")
    with serving(app) as url:
        deployment = TalonOne(f"{url}/base/", "key")
        for user_id in ("..", "a/b", "%2F", "ä?#"):
            assert deployment.profile(user_id) is None
        deployment.close()
    segments = [path.removeprefix(b"/base/v1/customer_profiles/").removesuffix(b"/inventory") for path in app.paths]
    assert segments == [encoded(each).encode() for each in ("..", "a/b", "%2F", "ä?#")]
    assert segments == [b"%2E%2E", b"a%2Fb", b"%252F", b"%C3%A4%3F%23"]


@pytest.mark.parametrize("status", [404, 401, 501])
def test_a_talon_one_without_a_journal_has_seen_nothing(status: int) -> None:
    app = Canned(status, b"<html>")
    with serving(app) as url:
        deployment = TalonOne(url, "key")
        assert deployment.updates_seen("u") == deployment.updates_seen("v") == ()
        deployment.close()
    assert app.paths == [b"/_emulator/journal"]


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"entries": [{"method": "PUT"}]}'])
def test_a_journal_that_makes_no_sense(body: bytes) -> None:
    with serving(Canned(200, body)) as url:
        deployment = TalonOne(url, "key")
        with pytest.raises(CannotJudge, match="200"):
            deployment.updates_seen("u")
        deployment.close()


@pytest.mark.parametrize("user_id", ["u", "a/b", "%2F", "é 😀&?#", "\x00", "x" * 1000])
def test_the_journal_shows_the_updates_of_one_profile_digit_for_digit(user_id: str, talon_one_url: str) -> None:
    deployment = TalonOne(talon_one_url, API_KEY)
    number, mistake = Decimal("1.10"), "5"
    deployment.update(user_id, {"age": number})
    deployment.update(user_id + "x", {"age": 2})
    deployment.update(user_id, {"age": mistake})
    deployment.profile(user_id)
    second, first = deployment.updates_seen(user_id)[:2]
    deployment.close()
    assert (first.status, str(first.request["attributes"]["age"])) == (200, "1.10")
    assert (second.status, second.request) == (400, {"attributes": {"age": mistake}})
    assert first.answer["customerProfile"]["integrationId"] == user_id


@pytest.mark.parametrize("rest", [b"X-Drip: ", b"content-length: 9999\r\n\r\n"], ids=["head", "body"])
def test_an_answer_that_comes_in_drops_is_given_up(rest: bytes) -> None:
    ended = threading.Event()

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\n" + rest)
            while not ended.wait(0.05):
                connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        dripping = Connection(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=0.3)
        with pytest.raises(CannotJudge, match="TimeoutError"):
            dripping.request("GET", "/", {})
        ended.set()
        thread.join()
        dripping.close()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/ä", "http://user:secret@127.0.0.1:1"])
def test_urls_that_cannot_be_used_say_why(url: str) -> None:
    with pytest.raises(ValueError, match=r"percent-encoded|leave user and password out") as raised:
        Connection(url)
    assert "secret" not in str(raised.value)


def test_levers_behind_a_token_are_not_taken_for_none() -> None:
    refusal = b'{"error": {"code": "unauthorized", "message": "no", "hint": "give the token"}}'
    for body, there in ((refusal, None), (b'{"message": "no"}', False)):
        with serving(Canned(401, body)) as url, contextlib.closing(Levers(url)) as levers:
            seen: bool | None = None
            with contextlib.suppress(ValueError):
                seen = levers.there
            assert seen is there


def test_an_answer_that_is_cut_off_is_no_answer() -> None:
    def cut(listener: socket.socket) -> None:
        for _ in range(2):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b'HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"cut')

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=cut, args=(listener,))
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        for _ in range(2):
            with contextlib.closing(Connection(url)) as connection, pytest.raises(CannotJudge, match="IncompleteRead"):
                connection.request("GET", "/", {})
        thread.join()
