"""Who may ask the bridge and steer it: pages of other origins may not, and with a control token only who shows it."""

import base64
from collections.abc import Iterator

import pytest

from bridge_support import Bridge, Target, destination, quick, running
from talon_bridge.control.guard import is_foreign, steers
from talon_bridge.control.routes import OPEN, TABLE
from talon_bridge.settings import Settings, SettingsError

TOKEN = "söme token"
PATHS = [(method, path.replace("{message_id:any_text}", "m")) for method, path, _ in TABLE]
GUARDED = [(method, path) for method, path in PATHS if path not in OPEN]
CHANGES = [path for method, path in PATHS if method == "POST"]


@pytest.fixture(scope="module")
def guarded(shared_target: Target) -> Iterator[Bridge]:
    with running(quick(destination(shared_target.url), control_token=TOKEN)) as bridge:
        yield bridge


@pytest.mark.parametrize(("method", "path"), GUARDED)
@pytest.mark.parametrize(
    "given", [None, "Bearer wrong", "Bearer", "Basic !", "Basic " + base64.b64encode(b"u:no").decode(), TOKEN]
)
def test_without_the_token_nothing_is_told(guarded: Bridge, method: str, path: str, given: str | None) -> None:
    headers = [] if given is None else [(b"authorization", given.encode())]
    answer = guarded.client.request(method, path, headers=headers)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Basic")
    assert answer.json()["error"]["code"] == "no_control_token"
    assert TOKEN not in answer.text


@pytest.mark.parametrize(
    "given",
    [b"Bearer " + TOKEN.encode(), b"bearer " + TOKEN.encode(), b"Basic " + base64.b64encode(f"me:{TOKEN}".encode())],
    ids=["bearer", "in lower case", "basic"],
)
def test_with_it_all_goes(guarded: Bridge, given: bytes) -> None:
    for method, path in PATHS:
        answer = guarded.client.request(method, path, headers=[(b"authorization", given)])
        assert answer.status_code not in (401, 403, 421), path


def test_whether_it_lives_anybody_may_ask(guarded: Bridge) -> None:
    assert guarded.client.get("/_bridge/health").json() == {"status": "ok"}
    assert guarded.client.get("/_bridge/ready").json() == {"status": "ready"}
    told = guarded.client.get("/_bridge/ready", headers=[(b"authorization", b"Bearer " + TOKEN.encode())]).json()
    assert told["counts"]["waiting"] == 0


def test_segment_is_not_asked_for_it(guarded: Bridge) -> None:
    guarded.identify("u", {"n": 1})


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
    ids=str,
)
def test_a_page_of_another_origin_changes_nothing(bridge: Bridge, path: str, headers: dict[str, str]) -> None:
    answer = bridge.client.post(path, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "foreign_page")


@pytest.mark.parametrize("path", CHANGES)
def test_a_foreign_name_changes_nothing(bridge: Bridge, path: str) -> None:
    assert bridge.client.post(path, headers={"host": "evil.example"}).status_code == 421


def test_a_page_of_its_own_may(bridge: Bridge) -> None:
    headers = {"origin": f"http://127.0.0.1:{bridge.port}", "sec-fetch-site": "same-origin"}
    answer = bridge.client.post("/_bridge/dead-letters/replay", headers=headers, json={"all": True})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("headers", "foreign"),
    [
        ({}, False),
        ({b"sec-fetch-site": b"same-origin"}, False),
        ({b"sec-fetch-site": b"none"}, False),
        ({b"sec-fetch-site": b"same-site"}, True),
        ({b"sec-fetch-site": b""}, True),
        ({b"origin": b"http://localhost:8901"}, False),
        ({b"origin": b"http://LOCALHOST:8901"}, False),
        ({b"origin": b"http://localhost:8900"}, True),
        ({b"origin": b"null"}, True),
        ({b"origin": b""}, True),
    ],
)
def test_foreign_pages(headers: dict[bytes, bytes], foreign: bool) -> None:
    assert is_foreign({b"host": b"localhost:8901", **headers}.items()) == foreign


def test_an_empty_token_is_no_token() -> None:
    with pytest.raises(SettingsError, match="control_token is empty"):
        Settings(destination(), control_token="")
    assert not steers([(b"authorization", b"Bearer ")], "x")
    assert steers([], None)


def test_the_token_is_not_in_what_is_printed() -> None:
    assert "opensesame" not in repr(Settings(destination(), control_token="opensesame"))
