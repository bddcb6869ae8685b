"""Segment's Webhooks destinations over HTTP: signatures over raw bytes, single events and arrays."""

import gzip
import hashlib
import hmac
import itertools
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bridge_support import API_KEY, Bridge, Target, basic, destination, identify, quick, running
from talon_bridge.doors.webhook import MAX_BYTES, MAX_EVENTS, is_signed
from talon_bridge.outbox.sqlite import SqliteOutbox

SECRET = "a shared secret, schön"
numbers = itertools.count(1)


def fresh() -> str:
    return f"w-{next(numbers)}"


@pytest.fixture(scope="module")
def bridge(shared_target: Target) -> Iterator[Bridge]:
    """A bridge whose webhook is open."""
    with running(quick(destination(shared_target.url), webhook_secret=SECRET)) as found:
        yield found


def signature(text: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), text, hashlib.sha1).hexdigest()


def send(
    bridge: Bridge, body: bytes, signed: str | None, method: str = "POST", path: str = "/webhook", **headers: str
) -> httpx.Response:
    """A body with that signature."""
    with_signature = {} if signed is None else {"x-signature": signed}
    return bridge.client.request(method, path, content=body, headers={**with_signature, **headers})


def text(value: Any) -> bytes:
    """JSON as JavaScript writes it: no spaces, nothing escaped that need not be."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def stored(bridge: Bridge, message_id: str) -> dict[str, Any] | None:
    answer = bridge.client.get(f"/_bridge/events/{message_id}")
    event: dict[str, Any] | None = answer.json() if answer.status_code == 200 else None
    return event


def refused(answer: httpx.Response, status: int, says: str) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json"), answer.text
    assert says in answer.json()["message"]
    assert SECRET not in answer.json()["message"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("path", ["/webhook", "/webhook/"])
def test_a_signed_event_is_delivered(bridge: Bridge, shared_target: Target, method: str, path: str) -> None:
    user = fresh()
    body = text(identify(user, {"n": 1}))
    answer = send(bridge, body, signature(body), method, path, **{"user-agent": "Segment (Actions)"})
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert bridge.idle()
    assert [seen.attributes for seen in shared_target.of(user)] == [{"n": 1}]


def test_a_known_signature() -> None:
    """RFC 2202, test case 2: so that both sides of these tests cannot be wrong alike."""
    digest = b"effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
    assert is_signed(digest, b"Jefe", [b"what do ya want for nothing?"])
    assert is_signed(digest.upper(), b"Jefe", [b"other", b"what do ya want for nothing?"])
    assert not is_signed(digest, b"Jefe", [b"what do ya want for something?"])
    assert not is_signed(digest[:-1], b"Jefe", [b"what do ya want for nothing?"])
    assert not is_signed(digest, b"Jefe", [])


# What a program that decodes and encodes again would not write as JavaScript does.
AWKWARD = [
    b'{"type":"identify","userId":"%s","traits":{"n":1e-7}}',
    b'{"type":"identify","userId":"%s","traits":{"n":1.0}}',
    b'{"type":"identify","userId":"%s","traits":{"n":100000000000000000000}}',
    '{"type":"identify","userId":"%s","traits":{"email":"\u2028 🙂 \\u0041 \\/"}}'.encode(),
    b'{ "type" : "identify", "userId": "%s",\n "traits": {"n": 1, "n": 2} }',
    b'{"type":"identify","userId":"%s","traits":{"tags":["]","}","{\\"","\\\\"]}}',
]


@pytest.mark.parametrize("written", AWKWARD)
def test_the_signature_is_over_the_bytes_as_they_came(bridge: Bridge, written: bytes) -> None:
    first, second = fresh(), fresh()
    body = written % first.encode()
    assert send(bridge, body, signature(body)).status_code == 200
    element, other = (written % second.encode()), text(identify(second, {"n": 9}))
    assert send(bridge, b"[%b,%b]" % (element, other), signature(element)).status_code == 200
    assert [len(bridge.events(f"?userId={user}")) for user in (first, second)] == [1, 2]


def test_a_batch_is_signed_by_its_first_element_or_as_a_whole(bridge: Bridge) -> None:
    for whole in (False, True):
        ids = [fresh() for _ in range(3)]
        items = [text(identify("u", {"n": number}, messageId=name)) for number, name in enumerate(ids)]
        body = b" [\n%b ]" % b" , ".join(items)
        assert send(bridge, body, signature(body if whole else items[0])).status_code == 200
        assert all(stored(bridge, name) is not None for name in ids)


def test_no_other_part_of_a_batch_signs_it(bridge: Bridge) -> None:
    ids = [fresh(), fresh()]
    items = [text(identify("u", {"n": 1}, messageId=name)) for name in ids]
    body = b"[%b,%b]" % (items[0], items[1])
    for part in (items[1], b"%b,%b" % (items[0], items[1]), b"", b"[]", b"{}"):
        refused(send(bridge, body, signature(part)), 401, "X-Signature does not fit")
    assert [stored(bridge, name) for name in ids] == [None, None]


def test_the_largest_batch(bridge: Bridge) -> None:
    user = fresh()
    items = [text({"type": "track", "userId": user}) for _ in range(MAX_EVENTS)]
    body = b"[%b]" % b",".join(items)
    assert send(bridge, body, signature(items[0])).status_code == 200
    body = b"[%b]" % b",".join([*items, items[0]])
    refused(send(bridge, body, signature(body)), 400, "4001 events; the limit is 4000")


def test_a_batch_is_taken_whole_or_not_at_all(bridge: Bridge) -> None:
    good = fresh()
    first = text(identify("u", {"n": 1}, messageId=good))
    answer = send(bridge, b'[%b,{"userId":"u"}]' % first, signature(first))
    refused(answer, 400, "/1/type is missing")
    assert answer.json()["pointer"] == "/1/type"
    assert stored(bridge, good) is None


def test_an_empty_batch_can_be_signed_as_a_whole_only(bridge: Bridge) -> None:
    assert send(bridge, b"[]", signature(b"[]")).status_code == 200
    refused(send(bridge, b"[]", signature(b"")), 401, "does not fit")


@pytest.mark.parametrize("kind", ["track", "delete", "anything"])
def test_other_types_are_taken_and_skipped(bridge: Bridge, kind: str) -> None:
    message_id = fresh()
    body = text({"type": kind, "messageId": message_id, "userId": "u", "context": [], "integrations": []})
    assert send(bridge, body, signature(body)).status_code == 200
    assert bridge.idle()
    event = stored(bridge, message_id)
    assert event is not None
    assert (event["state"], event["reason"]["rule"]) == ("skipped", "ID-3")


@pytest.mark.parametrize("over", ["compressed", "clear"])
def test_a_compressed_body_is_signed_as_it_came_or_in_clear(bridge: Bridge, over: str) -> None:
    message_id = fresh()
    clear = text(identify(messageId=message_id))
    packed = gzip.compress(clear)
    signed = signature(packed if over == "compressed" else clear)
    assert send(bridge, packed, signed, **{"content-encoding": "gzip"}).status_code == 200
    assert stored(bridge, message_id) is not None


@pytest.mark.parametrize(
    "signed",
    [None, "", "x", signature(b"other"), signature(b"", ""), "0" * 40, "sha1=" + "0" * 40, "Ü", "é" * 40],
    ids=lambda value: repr(value)[:20],
)
def test_an_unsigned_event_is_refused_and_not_stored(bridge: Bridge, signed: str | None) -> None:
    message_id = fresh()
    body = text(identify(messageId=message_id))
    headers = {} if signed is None else {b"x-signature": signed.encode("latin-1")}
    answer = bridge.client.post("/webhook", content=body, headers=headers)
    refused(answer, 401, "X-Signature")
    assert signature(body) not in answer.text
    assert stored(bridge, message_id) is None


def test_another_secret_does_not_open_it(bridge: Bridge) -> None:
    body = text(identify())
    refused(send(bridge, body, signature(body, SECRET + " ")), 401, "does not fit")
    assert send(bridge, body, signature(body).upper()).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 400, "it is empty"),
        (b"[", 400, "malformed"),
        (b"[1]", 400, "expected object"),
        (b'"identify"', 400, "expected object"),
        (b'{"userId":"u"}', 400, "type is missing"),
        (b'[{"type":"identify","userId":7}]', 400, "/0/userId"),
        (b"[" * 100_000, 400, "nested deeper"),
        (b'{"type":"identify","x":"' + b"x" * 50_000 + b'"}', 413, "40960 for one event"),
        (b" " * (MAX_BYTES + 1), 413, "more than 8388608 bytes"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_malformed_body_is_refused_once_its_signature_is_good(
    bridge: Bridge, body: bytes, status: int, says: str
) -> None:
    refused(send(bridge, body, signature(body)), status, says)
    if status == 400:
        refused(send(bridge, body, "0" * 40), 401, "does not fit")


@pytest.mark.parametrize("secret", [None, SECRET])
def test_without_a_secret_the_door_is_closed(secret: str | None) -> None:
    body = text(identify())
    with running(quick(destination(), webhook_secret=secret)) as found:
        answers = [send(found, body, signed) for signed in (None, signature(body), signature(body, ""))]
        if secret is None:
            for answer in answers:
                refused(answer, 403, "set bridge.webhook_secret")
            assert sum(found.counts().values()) == 0
        else:
            assert [answer.status_code for answer in answers] == [401, 200, 401]


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_another_method_is_not_allowed(bridge: Bridge, method: str) -> None:
    answer = send(bridge, b"", None, method)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST, PUT, PATCH, OPTIONS")


def test_what_is_allowed_can_be_asked(bridge: Bridge) -> None:
    answer = send(bridge, b"", None, "OPTIONS")
    assert (answer.status_code, answer.headers["allow"]) == (204, "POST, PUT, PATCH, OPTIONS")


@given(st.binary(max_size=200), st.booleans())
@example(b'[{"type":"track"}]', True)
@hypothesis_settings(deadline=None, max_examples=60)
def test_any_bytes_are_answered(shared: Bridge, body: bytes, signed: bool) -> None:
    status = send(shared, body, signature(body) if signed else "0" * 40).status_code
    assert status in ((200, 400) if signed else (401,))


@pytest.fixture(scope="module", name="shared")
def shared_bridge(bridge: Bridge) -> Bridge:
    """The module's bridge, under a name that Hypothesis may reuse between examples."""
    return bridge


class Full(SqliteOutbox):
    """An outbox on a disk with no room for an event."""

    async def open(self) -> None:
        await super().open()
        await self._database.read(lambda db: db.execute("PRAGMA max_page_count = 1"))


def test_a_full_disk_is_a_503_with_the_time_to_come_again() -> None:
    body = text(identify("u", {"email": "x" * 20_000}))
    with running(quick(destination(), webhook_secret=SECRET), Full(None)) as full:
        answer = send(full, body, signature(body))
        refused(answer, 503, "the outbox cannot be written")
        assert answer.headers["retry-after"] == "5"
        assert sum(full.counts().values()) == 0


def test_one_event_through_every_door_is_stored_once(bridge: Bridge) -> None:
    message_id, user = fresh(), fresh()
    event = identify(user, {"n": 1}, messageId=message_id)
    body = text(event)
    assert bridge.post("/v1/identify", event).status_code == 200
    assert send(bridge, body, signature(body)).status_code == 200
    assert bridge.client.post("/destination", content=body, headers=basic(API_KEY)).status_code == 200
    (told,) = bridge.events(f"?userId={user}")
    assert told["duplicates"]["count"] == 2
