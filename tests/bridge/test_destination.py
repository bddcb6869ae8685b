"""Segment's partner contract over HTTP: `/destination` as Segment calls it."""

import base64
import gzip
import itertools
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bridge_support import API_KEY, Bridge, Target, basic, destination, identify, quick, running
from talon_bridge.events import MAX_BATCH_BYTES, MAX_FORWARDED_BYTES
from talon_bridge.outbox.sqlite import SqliteOutbox

numbers = itertools.count(1)


def fresh() -> str:
    return f"d-{next(numbers)}"


def encoded(settings: Any) -> dict[str, str]:
    """The header with these settings, as Segment makes it."""
    return {"x-segment-settings": base64.b64encode(json.dumps(settings).encode()).decode()}


def send(
    bridge: Bridge, event: Any, settings: Any = None, path: str = "/destination", **headers: str
) -> httpx.Response:
    """An event as Segment sends it; `event` is sent as it is when it is bytes."""
    content = event if isinstance(event, bytes) else json.dumps(event).encode()
    with_settings = {} if settings is None else encoded(settings)
    return bridge.client.post(path, content=content, headers={**basic(API_KEY), **with_settings, **headers})


def refused(answer: httpx.Response, status: int, says: str) -> None:
    """The answer is that refusal, in the contract's shape."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["message"]
    assert says in answer.json()["message"]
    assert API_KEY not in answer.text


def found(bridge: Bridge, message_id: str) -> dict[str, Any] | None:
    answer = bridge.client.get(f"/_bridge/events/{message_id}")
    event: dict[str, Any] | None = answer.json() if answer.status_code == 200 else None
    return event


def test_an_identify_is_delivered(bridge: Bridge, shared_target: Target) -> None:
    message_id = fresh()
    event = {
        "anonymousId": "1234",
        "channel": "server",
        "context": {"ip": "8.8.8.8"},
        "messageId": message_id,
        "projectId": "p",
        "receivedAt": "2015-02-23T22:28:55.387Z",
        "sentAt": "2015-02-23T22:28:55.111Z",
        "timestamp": "2015-02-23T22:28:50.000Z",
        "traits": {"email": "a@b.c", "address": {"city": "Berlin"}, "unlisted": 1},
        "type": "identify",
        "userId": message_id,
        "version": "1.1",
    }
    answer = send(bridge, event, {"applicationDomain": shared_target.url, "customAttributes": ["email"]})
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert bridge.idle()
    (seen,) = shared_target.of(message_id)
    assert seen.attributes == {"email": "a@b.c"}
    told = found(bridge, message_id)
    assert told is not None
    assert told["timestamp"] == "2015-02-23T22:28:50.000Z"
    assert told["event"] == event


@pytest.mark.parametrize(
    ("settings", "attributes"),
    [
        (None, {"email": "a@b.c", "n": 1}),
        ({}, {"email": "a@b.c", "n": 1}),
        ({"custom_attributes": "unlisted, email"}, {"email": "a@b.c", "unlisted": 2}),
        ({"Custom Attributes": []}, None),
    ],
)
def test_the_settings_of_an_event_are_its_own(
    bridge: Bridge, shared_target: Target, settings: Any, attributes: dict[str, Any] | None
) -> None:
    user = fresh()
    event = identify(user, {"email": "a@b.c", "n": 1, "unlisted": 2})
    assert send(bridge, event, settings).status_code == 200
    assert bridge.idle()
    assert [seen.attributes for seen in shared_target.of(user)] == ([] if attributes is None else [attributes])


@pytest.mark.parametrize("path", ["/destination", "/destination/"])
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/vnd.segment+json"])
def test_paths_and_content_types(bridge: Bridge, path: str, content_type: str) -> None:
    message_id = fresh()
    assert send(bridge, identify(messageId=message_id), path=path, **{"content-type": content_type}).status_code == 200
    assert found(bridge, message_id) is not None


def test_a_compressed_event(bridge: Bridge) -> None:
    message_id = fresh()
    body = gzip.compress(json.dumps(identify(messageId=message_id)).encode())
    assert send(bridge, body, **{"content-encoding": "gzip"}).status_code == 200
    assert found(bridge, message_id) is not None


def test_an_event_without_an_id_gets_one(bridge: Bridge) -> None:
    user = fresh()
    assert send(bridge, identify(user, {"n": 1})).status_code == 200
    (event,) = bridge.events(f"?userId={user}")
    assert event["messageId"].startswith("localtalon-")


def test_a_repeated_event_is_stored_once(bridge: Bridge) -> None:
    event = identify(fresh(), {"n": 1}, messageId=fresh())
    assert [send(bridge, event).status_code for _ in range(3)] == [200, 200, 200]
    assert len(bridge.events(f"?userId={event['userId']}")) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": ""},
        basic("another"),
        basic(""),
        basic(API_KEY[:-1]),
        basic(API_KEY + "0"),
        basic(API_KEY, colon=":password"),
        {"authorization": f"Bearer {API_KEY}"},
        {"authorization": f"ApiKey-v1 {API_KEY}"},
        {"authorization": "Basic ???"},
        {"authorization": "Basic " + base64.b64encode("schlüssel:".encode()).decode()},
        basic(),  # the write key of the other door
    ],
)
def test_a_wrong_key_is_refused_and_nothing_stored(bridge: Bridge, headers: dict[str, str]) -> None:
    message_id = fresh()
    answer = bridge.client.post("/destination", json=identify(messageId=message_id), headers=headers)
    refused(answer, 401, "API key")
    assert "basic" in answer.headers["www-authenticate"].lower()
    assert found(bridge, message_id) is None


@pytest.mark.parametrize("kind", ["track", "page", "screen", "group", "alias", "delete", "Identify", "anything"])
def test_another_type_is_not_supported_and_not_stored(bridge: Bridge, kind: str) -> None:
    message_id = fresh()
    event: dict[str, Any] = {"type": kind, "messageId": message_id, "userId": "u"}
    if kind == "delete":
        event |= {"channel": "server", "context": [], "integrations": []}  # arrays, as Segment sends them (documented)
    refused(send(bridge, event), 501, f"this is a {kind}")
    assert found(bridge, message_id) is None


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 400, "it is empty"),
        (b"[]", 400, "expected object"),
        (b'[{"type":"identify"}]', 400, "expected object"),
        (b'{"userId":"u"}', 400, "type is missing"),
        (b'{"type":null}', 400, "type is missing"),
        (b'{"type":7}', 400, "/type"),
        (b'{"type":"identify","userId":7}', 400, "/userId"),
        (b'{"type":"identify","traits":{"a":NaN}}', 400, "malformed"),
        (b'{"type":"identify","messageId":"' + b"x" * 101 + b'"}', 400, "messageId"),
        (b'{"type":"identify","x":' + b"[" * 65 + b"]" * 65 + b"}", 400, "nested deeper"),
        (b'{"type":"identify","x":"' + b"x" * MAX_FORWARDED_BYTES + b'"}', 413, "40960 for one event"),
        (b" " * (MAX_BATCH_BYTES + 1), 413, "more than"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_malformed_event_is_refused_with_what_and_where(bridge: Bridge, body: bytes, status: int, says: str) -> None:
    refused(send(bridge, body), status, says)


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("???", "X-Segment-Settings: it is not base64"),
        (base64.b64encode(b"[1]").decode(), "expected object"),
        (encoded({"customAttributes": 1})["x-segment-settings"], "customAttributes must be"),
        (encoded({"applicationDomain": "http://169.254.169.254"})["x-segment-settings"], "applicationDomain is not"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(bridge: Bridge, header: str, says: str) -> None:
    message_id = fresh()
    refused(send(bridge, identify(messageId=message_id), **{"x-segment-settings": header}), 400, says)
    assert found(bridge, message_id) is None


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/destination", "/destination/"])
def test_another_method_is_not_allowed(bridge: Bridge, method: str, path: str) -> None:
    answer = bridge.client.request(method, path, headers=basic(API_KEY))
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST, OPTIONS")
    if method != "HEAD":
        refused(answer, 405, f"takes POST, not {method}")


def test_what_is_allowed_can_be_asked(bridge: Bridge) -> None:
    answer = bridge.client.options("/destination", headers={"origin": "https://shop.example"})
    assert (answer.status_code, answer.headers["allow"], answer.content) == (204, "POST, OPTIONS", b"")
    assert not [name for name in answer.headers if name.startswith("access-control")]


@given(st.binary(max_size=200), st.binary(max_size=100))
@example(b'{"type":"identify"}', b"e30=")
@hypothesis_settings(deadline=None, max_examples=60)
def test_any_bytes_are_answered(shared: Bridge, body: bytes, header: bytes) -> None:
    value = base64.b64encode(header).decode()
    assert send(shared, body, **{"x-segment-settings": value}).status_code in (200, 400, 501)


@pytest.fixture(scope="module", name="shared")
def shared_bridge(bridge: Bridge) -> Bridge:
    """The module's bridge, under a name that Hypothesis may reuse between examples."""
    return bridge


def test_the_settings_of_an_event_outlive_the_bridge(shared_target: Target, tmp_path: Path) -> None:
    user = fresh()
    with running(quick(destination(), data=str(tmp_path))) as unconnected:
        event = identify(user, {"email": "a@b.c", "unlisted": 2})
        assert send(unconnected, event, {"customAttributes": ["unlisted"]}).status_code == 200
    with running(quick(destination(shared_target.url), data=str(tmp_path))) as connected:
        assert connected.idle()
    assert [seen.attributes for seen in shared_target.of(user)] == [{"unlisted": 2}]


def test_a_body_that_nobody_reads_does_not_disturb_the_next_request(bridge: Bridge) -> None:
    refused(send(bridge, b" " * 2_000_000, **basic("another")), 401, "API key")
    assert send(bridge, identify(fresh(), {"n": 1})).status_code == 200


class Full(SqliteOutbox):
    """An outbox on a disk with no room for an event."""

    async def open(self) -> None:
        await super().open()
        await self._database.read(lambda db: db.execute("PRAGMA max_page_count = 1"))


def test_a_full_disk_is_a_503_with_the_time_to_come_again() -> None:
    with running(quick(destination()), Full(None)) as full:
        answer = send(full, identify("u", {"email": "x" * 20_000}))
        refused(answer, 503, "the outbox cannot be written")
        assert answer.headers["retry-after"] == "5"
        assert sum(full.counts().values()) == 0
