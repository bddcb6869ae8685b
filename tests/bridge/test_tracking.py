"""Segment's tracking API over HTTP: what is taken, what is refused, and that nothing accepted is lost."""

import base64
import gzip
import itertools
import json
import socket
import zlib
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bridge_support import PATIENCE, Bridge, basic, destination, identify, quick, running
from talon_bridge.events import MAX_BATCH_BYTES, MAX_EVENT_BYTES
from talon_bridge.outbox.sqlite import SqliteOutbox

numbers = itertools.count(1)


def fresh() -> str:
    return f"m-{next(numbers)}"


def taken(answer: httpx.Response) -> bool:
    """Whether the answer is the one that says stored; it is always one of two shapes."""
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["access-control-allow-origin"] == "*"
    if answer.status_code == 200:
        assert answer.content == b'{"success":true}'
        return True
    told = answer.json()
    assert told["success"] is False
    assert told["code"]
    assert told["message"] == told["error"] != ""
    return False


@pytest.fixture(autouse=True)
def lives_and_keeps_what_it_took(bridge: Bridge) -> Any:
    """Around every test: an event accepted before it is intact after it, and the next one is taken."""
    before = fresh()
    bridge.identify("witness", {"n": 1}, messageId=before)
    yield
    bridge.identify("witness", {"n": 2}, messageId=fresh())
    assert bridge.idle()
    assert bridge.client.get(f"/_bridge/events/{before}").json()["state"] == "delivered"


def stored(bridge: Bridge, message_id: str) -> dict[str, Any] | None:
    answer = bridge.client.get(f"/_bridge/events/{message_id}")
    found: dict[str, Any] | None = answer.json() if answer.status_code == 200 else None
    return found


PATHS = {
    "identify": "identify",
    "i": "identify",
    "track": "track",
    "t": "track",
    "page": "page",
    "p": "page",
    "screen": "screen",
    "s": "screen",
    "group": "group",
    "g": "group",
    "alias": "alias",
    "a": "alias",
}


@pytest.mark.parametrize("slash", ["", "/", "//"])
@pytest.mark.parametrize("path", PATHS)
def test_every_path_of_a_single_call(bridge: Bridge, path: str, slash: str) -> None:
    message_id = fresh()
    assert taken(bridge.post(f"/v1/{path}{slash}", {"userId": "u", "messageId": message_id}))
    found = stored(bridge, message_id)
    assert found is not None
    assert found["type"] == PATHS[path]


@pytest.mark.parametrize("path", ["batch", "import", "b", "batch/", "import/", "b/"])
def test_every_path_of_a_batch(bridge: Bridge, path: str) -> None:
    ids = [fresh(), fresh()]
    items = [identify("u", {"n": 1}, messageId=ids[0]), {"type": "track", "messageId": ids[1]}]
    assert taken(bridge.post(f"/v1/{path}", {"batch": items, "sentAt": None}))
    assert [stored(bridge, message_id) is not None for message_id in ids] == [True, True]


def test_an_empty_batch_is_taken(bridge: Bridge) -> None:
    assert taken(bridge.post("/v1/batch", {"batch": []}))


@pytest.mark.parametrize(
    ("headers", "in_body"),
    [
        (basic(), None),
        (basic(colon=""), None),
        (basic(colon=":a password"), None),
        ({"authorization": basic()["authorization"].replace("Basic", "basic")}, None),
        ({}, "localtalon-write-key"),
        ({"authorization": "Bearer a.token"}, "localtalon-write-key"),
        ({"authorization": "Basic ???"}, "localtalon-write-key"),
    ],
)
@pytest.mark.parametrize("path", ["identify", "batch"])
def test_each_way_to_send_the_write_key(
    bridge: Bridge, path: str, headers: dict[str, str], in_body: str | None
) -> None:
    body: dict[str, Any] = identify() if path == "identify" else {"batch": [identify()]}
    body |= {} if in_body is None else {"writeKey": in_body}
    assert taken(bridge.client.post(f"/v1/{path}", json=body, headers=headers))


@pytest.mark.parametrize(
    ("headers", "in_body"),
    [
        (basic("another"), None),
        (basic("another"), "localtalon-write-key"),  # the header is what counts
        (basic(""), None),
        ({}, None),
        ({}, ""),
        ({}, "LOCALTALON-WRITE-KEY"),
        ({"authorization": "Bearer localtalon-write-key"}, None),
        ({"authorization": "Basic " + base64.b64encode(b"\xff:").decode()}, None),
    ],
)
def test_a_wrong_write_key_is_refused_and_nothing_stored(
    bridge: Bridge, headers: dict[str, str], in_body: str | None
) -> None:
    message_id = fresh()
    body = {**identify(messageId=message_id), **({} if in_body is None else {"writeKey": in_body})}
    answer = bridge.client.post("/v1/identify", json=body, headers=headers)
    assert not taken(answer)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_write_key")
    assert "WWW-Authenticate" in answer.headers
    assert "localtalon-write-key" not in answer.text
    assert stored(bridge, message_id) is None


def test_explicit_nulls_and_text_plain(bridge: Bridge) -> None:
    message_id = fresh()
    body = {"userId": None, "anonymousId": "a", "messageId": message_id, "traits": None, "context": None}
    assert taken(bridge.post("/v1/i", body, **{"content-type": "text/plain"}))
    found = stored(bridge, message_id)
    assert found is not None
    assert (found["userId"], found["event"]["anonymousId"]) == (None, "a")


def test_the_preflight_of_a_browser(bridge: Bridge) -> None:
    asks = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    answer = bridge.client.options("/v1/i", headers=asks)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert {"authorization", "content-type"} <= set(answer.headers["access-control-allow-headers"].split(", "))


def test_the_metrics_of_analytics_js_are_taken_and_dropped(bridge: Bridge) -> None:
    before = sum(bridge.counts().values())
    assert taken(bridge.post("/v1/m", {"series": [{"type": "Counter"}]}))
    assert sum(bridge.counts().values()) == before


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD"])
def test_another_method_is_not_allowed(bridge: Bridge, method: str) -> None:
    answer = bridge.client.request(method, "/v1/identify")
    assert method == "HEAD" or not taken(answer)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST, OPTIONS"


@pytest.mark.parametrize("path", ["/v1/", "/v1/nope", "/v1/identify/more", "/v1//identify", "/v1/Identify", "/v1/x"])
def test_another_path_is_not_found(bridge: Bridge, path: str) -> None:
    answer = bridge.post(path, identify())
    assert not taken(answer)
    assert answer.status_code == 404
    assert "/v1/identify" in answer.json()["message"]


# Compression and size


def test_gzip_is_understood(bridge: Bridge) -> None:
    for encoding in ("gzip", "x-gzip", "GZIP"):
        message_id = fresh()
        body = gzip.compress(json.dumps({"batch": [identify(messageId=message_id)]}).encode())
        assert taken(bridge.post("/v1/batch", body, **{"content-encoding": encoding}))
        assert stored(bridge, message_id) is not None


def test_a_gzip_of_two_members_is_one_body(bridge: Bridge) -> None:
    message_id = fresh()
    raw = json.dumps(identify(messageId=message_id)).encode()
    body = gzip.compress(raw[:20]) + gzip.compress(b"") + gzip.compress(raw[20:])
    assert taken(bridge.post("/v1/identify", body, **{"content-encoding": "gzip"}))
    assert stored(bridge, message_id) is not None


WHOLE = gzip.compress(json.dumps(identify()).encode())


@pytest.mark.parametrize(
    ("encoding", "body", "status", "code"),
    [
        ("gzip", WHOLE[:-1], 400, "invalid_gzip"),
        ("gzip", WHOLE[:10], 400, "invalid_gzip"),
        ("gzip", WHOLE[:-8] + b"\0" * 8, 400, "invalid_gzip"),
        ("gzip", WHOLE + b"more", 400, "invalid_gzip"),
        ("gzip", b"{}", 400, "invalid_gzip"),
        ("gzip", b"", 400, "invalid_json"),
        ("gzip", gzip.compress(WHOLE), 400, "invalid_utf8"),
        ("gzip", zlib.compress(b"{}"), 400, "invalid_gzip"),
        ("br", b"{}", 400, "unsupported_encoding"),
        ("gzip, gzip", WHOLE, 400, "unsupported_encoding"),
        ("gzip", gzip.compress(b" " * (MAX_BATCH_BYTES + 1)), 413, "body_too_large"),
        ("gzip", gzip.compress(gzip.compress(b"\0" * 50_000_000)), 400, "invalid_utf8"),
        ("gzip", gzip.compress(b"\0" * 50_000_000), 413, "body_too_large"),
        ("gzip", gzip.compress(b"\0" * 300_000) * 2, 413, "body_too_large"),
        ("gzip", gzip.compress(b"") * 20_000, 400, "invalid_gzip"),
        ("identity", b" " * (MAX_BATCH_BYTES + 1), 413, "body_too_large"),
    ],
)
def test_a_body_that_cannot_be_unpacked(bridge: Bridge, encoding: str, body: bytes, status: int, code: str) -> None:
    answer = bridge.post("/v1/batch", body, **{"content-encoding": encoding})
    assert not taken(answer)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_body_without_a_length_is_cut_off_at_the_limit(bridge: Bridge) -> None:
    """A body without end: the answer comes though the body never does."""
    with socket.create_connection(("127.0.0.1", bridge.port), timeout=PATIENCE) as connection:
        connection.sendall(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(MAX_BATCH_BYTES // 0x10000 + 1):
            connection.sendall(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_goes_away_in_the_middle(bridge: Bridge) -> None:
    with socket.create_connection(("127.0.0.1", bridge.port), timeout=PATIENCE) as connection:
        connection.sendall(b'POST /v1/identify HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{"userId":')


def deep(levels: int) -> bytes:
    return b'{"userId":"u","traits":' + b'{"a":' * levels + b"1" + b"}" * levels + b"}"


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        (b"", 400, "invalid_json", None),
        (b"{", 400, "invalid_json", None),
        (b"\xef\xbb\xbf{}", 400, "invalid_json", None),
        ('{"userId":"u"}'.encode("utf-16"), 400, "invalid_utf8", None),
        (b'{"userId":"u"}{}', 400, "invalid_json", None),
        (b'{"userId":"\xff"}', 400, "invalid_utf8", None),
        (b'{"userId":"u","x":"\xc0\xaf"}', 400, "invalid_utf8", None),
        (rb'{"userId":"\ud800"}', 400, "invalid_json", None),
        (b'{"userId":"u","traits":{"a":NaN}}', 400, "invalid_json", None),
        (b'{"userId":"u","traits":{"a":1e400}}', 400, "invalid_type", "/traits"),
        (b'{"userId":"u","traits":{"a":1e-99999999999999999999}}', 400, "invalid_type", "/traits"),
        (b'{"userId":"u","x":[1e400]}', 400, "invalid_type", None),
        (b'{"userId":"u","traits":{"a":' + b"9" * 5000 + b"}}", 400, "invalid_type", "/traits"),
        (b'{"userId":7}', 400, "invalid_type", "/userId"),
        (b'{"type":"track"}', 400, "wrong_type", "/type"),
        (deep(64), 400, "too_deep", None),
        (deep(1000), 400, "too_deep", None),
        (deep(5000), 400, "too_deep", None),
        (deep(80_000), 413, "event_too_large", None),
        (b'{"userId":"' + b"x" * MAX_EVENT_BYTES + b'"}', 413, "event_too_large", None),
        (b'{"messageId":"' + b"x" * 101 + b'"}', 400, "message_id_too_long", "/messageId"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_bad_input_is_refused_with_what_and_where(
    bridge: Bridge, body: bytes, status: int, code: str, pointer: str | None
) -> None:
    before = sum(bridge.counts().values())
    answer = bridge.post("/v1/identify", body)
    assert not taken(answer)
    told = answer.json()
    assert (answer.status_code, told["code"]) == (status, code)
    assert told.get("pointer") == pointer
    assert sum(bridge.counts().values()) == before


def test_a_batch_is_taken_whole_or_not_at_all(bridge: Bridge) -> None:
    good, bad = fresh(), fresh()
    items = [identify("u", {"n": 1}, messageId=good), identify(42, messageId=bad)]  # type: ignore[arg-type]
    answer = bridge.post("/v1/batch", {"batch": items})
    assert not taken(answer)
    assert answer.json()["pointer"] == "/batch/1/userId"
    assert stored(bridge, good) is None
    assert taken(bridge.post("/v1/batch", {"batch": items[:1]}))
    assert stored(bridge, good) is not None


@given(st.binary(max_size=200) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(str).map(str.encode))
@example(b'{"userId":"u","context":[1]}')
@hypothesis_settings(deadline=None, max_examples=60)
def test_any_bytes_are_answered(shared: Bridge, body: bytes) -> None:
    for path in ("identify", "batch"):
        assert shared.post(f"/v1/{path}", body).status_code in (200, 400)


@pytest.fixture(scope="module", name="shared")
def shared_bridge(bridge: Bridge) -> Bridge:
    """The module's bridge, under a name that Hypothesis may reuse between examples."""
    return bridge


def test_a_call_sent_twice_is_stored_once(bridge: Bridge) -> None:
    message_id = fresh()
    assert bridge.idle()
    before = sum(bridge.counts().values())
    for _ in range(3):
        assert taken(bridge.post("/v1/identify", identify("u", {"n": 1}, messageId=message_id)))
    assert sum(bridge.counts().values()) == before + 1


# HTTP itself


@pytest.mark.parametrize(
    "head",
    [
        b"POST /v1/identify HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/identify HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"POST /v1/identify HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{}",
        b"POST /v1/identify HTTP/1.1\r\nHost: x\r\nA: b\r\n folded\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /v1/identify HTTP/1.1\nHost: x\nContent-Length: 2\n\n{}",
        b"POST /v1/identify HTTP/1.1\r\nHost: x\r\nContent-Length : 2\r\n\r\n{}",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["CL and TE", "two CL", "negative CL", "folded", "bare LF", "space before colon", "TLS"],
)
def test_a_request_that_two_parsers_could_read_differently(bridge: Bridge, head: bytes) -> None:
    with socket.create_connection(("127.0.0.1", bridge.port), timeout=PATIENCE) as connection:
        connection.sendall(head)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_requests_on_one_connection_are_answered_in_order(bridge: Bridge) -> None:
    body = b'{"userId":"u"}'
    head = b"POST /v1/%b HTTP/1.1\r\nHost: x\r\nAuthorization: %b\r\nContent-Length: %d\r\n%b\r\n"
    auth = basic()["authorization"].encode()
    requests = [
        head % (b"nope", auth, len(body), b"") + body,
        head % (b"identify", auth, len(body), b"Connection: close\r\n") + body,
    ]
    with socket.create_connection(("127.0.0.1", bridge.port), timeout=PATIENCE) as connection:
        connection.sendall(b"".join(requests))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.find(b"HTTP/1.1 404 ") == 0
    assert answer.find(b"HTTP/1.1 200 ") > 0


# A full disk


class Small(SqliteOutbox):
    """An outbox on a disk with little room."""

    async def open(self) -> None:
        await super().open()
        await self._database.read(lambda db: db.execute("PRAGMA max_page_count = 60"))


def test_a_full_disk_is_a_503_and_no_event_is_lost() -> None:
    with running(quick(destination()), Small(None)) as small:
        answers = [small.post("/v1/track", {"messageId": fresh(), "x": "y" * 20_000}) for _ in range(15)]
        assert [taken(answer) for answer in answers] == sorted((taken(answer) for answer in answers), reverse=True)
        full = answers[-1]
        assert (full.status_code, full.json()["code"]) == (503, "unavailable")
        assert full.headers["retry-after"] == "5"
        assert sum(small.counts().values()) == sum(answer.status_code == 200 for answer in answers) > 0
