"""Which Host headers are served, and which pages may write."""

import pytest

from talon_emulator.exchange import Request
from talon_emulator.hosts import is_foreign, is_served


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8900",
        "localhost.",
        "127.0.0.1:1",
        "127.9.9.9",
        "[::1]",
        "[::1]:8900",
        "demo.localhost:8900",
        "mycompany.europe-west1.talon.one",
        "talon.test:80",
    ],
)
def test_served(host: str) -> None:
    assert is_served(host, ("talon.test",))


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "localhost.evil.example",
        "talon.one.evil.example",
        "eviltalon.one",
        "127.0.0.1.evil.example",
        "0.0.0.0",
        "[::]",
        "[::1",
        "localhost:80:80",
        "localhost:http",
        "user@localhost",
        "user@demo.localhost",
        "[::1]x",
    ],
)
def test_not_served(host: str) -> None:
    assert not is_served(host)


@pytest.mark.parametrize(
    ("headers", "foreign"),
    [
        ({}, False),
        ({b"sec-fetch-site": b"same-origin"}, False),
        ({b"sec-fetch-site": b"none"}, False),
        ({b"sec-fetch-site": b"same-site"}, True),
        ({b"sec-fetch-site": b"cross-site"}, True),
        ({b"origin": b"http://localhost:8900"}, False),
        ({b"origin": b"http://localhost:8901"}, True),
        ({b"origin": b"null"}, True),
        ({b"origin": b"https://evil.example"}, True),
    ],
)
def test_foreign_pages(headers: dict[bytes, bytes], foreign: bool) -> None:
    request = Request("POST", b"/_emulator/reset", b"", {b"host": b"localhost:8900", **headers}, b"")
    assert is_foreign(request.headers) == foreign
