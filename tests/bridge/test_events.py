"""Segment calls at the door: shape, limits, batches, and the arithmetic of times."""

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from talon_bridge import events
from talon_bridge.codec import MalformedError
from talon_bridge.events import (
    MAX_BATCH_BYTES,
    MAX_BATCH_EVENTS,
    MAX_EVENT_BYTES,
    Arrival,
    corrected_timestamp,
    rfc3339,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOW = 1_700_000_000.25


def numbered() -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"new-{next(numbers)}"


def single(call: Any, kind: str = "identify") -> Arrival:
    return events.single(call if isinstance(call, bytes) else json.dumps(call).encode(), kind, NOW, numbered())


def batch(*items: Any, **envelope: Any) -> Arrival:
    return events.batch(json.dumps({"batch": items, **envelope}).encode(), NOW, numbered())


def refusal(of: Callable[[], Any]) -> tuple[str, str, str]:
    with pytest.raises(MalformedError) as caught:
        of()
    told = caught.value.malformed
    return told.code, told.pointer, told.message


# Times


def text_of(milliseconds: int, zone: str = "Z") -> str:
    moment = EPOCH + timedelta(milliseconds=milliseconds)
    return moment.strftime(f"%Y-%m-%dT%H:%M:%S.{moment.microsecond // 1000:03}{zone}")


moments = st.integers(0, 4_000_000_000_000)  # milliseconds, to the year 2096


@given(moments, moments, st.integers(-(10**9), 10**9))
@example(1_714_761_770_066, 1_714_761_779_762, 37)
@example(1_290_030_983_501, 3_589_535_697_898, -267_201_320)  # cut off, not rounded, it is a millisecond short
@example(3_317_315_196_336, 1_122_891_681_715, 327_917_825)
@example(0, 2_199_023_255_601, 0)
def test_a_wrong_client_clock_is_corrected_to_the_millisecond(happened: int, received: int, skew: int) -> None:
    """A client whose clock is `skew` ahead, and that sends at once when it is received."""
    sent = received
    stamp = corrected_timestamp(text_of(happened + skew + 10**9), text_of(sent + skew + 10**9), received / 1000)
    assert stamp == text_of(happened)


@given(st.text(max_size=40) | st.datetimes().map(str) | st.datetimes().map(datetime.isoformat), st.text(max_size=40))
@example("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59")
@example("9999-12-31T23:59:59-23:59", "")
@example("2015-2-02T00:30:08.276Z", "")
def test_whatever_the_times_say_there_is_a_timestamp(original: str, sent_at: str) -> None:
    for sent in (sent_at, original, None):
        stamp = corrected_timestamp(original, sent, NOW)
        assert datetime.fromisoformat(stamp).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("original", "sent_at", "expected"),
    [
        (None, None, "2023-11-14T22:13:20.250Z"),
        ("", "2024-01-01T00:00:00Z", "2023-11-14T22:13:20.250Z"),
        ("2015-2-02T00:30:08.276Z", None, "2023-11-14T22:13:20.250Z"),  # Segment's own sample, which is no ISO 8601
        ("2024-05-03T19:42:50.066179717Z", None, "2024-05-03T19:42:50.066Z"),  # Engage sends nanoseconds
        ("2024-01-01T12:00:00+02:00", None, "2024-01-01T10:00:00.000Z"),
        ("2024-01-02T03:04:05", None, "2024-01-02T03:04:05.000Z"),  # Python's library sends times without a zone
        ("2020-01-01T00:00:00Z", "2020-01-01T00:00:10Z", "2023-11-14T22:13:10.250Z"),
        ("2020-01-01T00:00:00Z", "not a time", "2020-01-01T00:00:00.000Z"),
    ],
)
def test_examples_of_times(original: str | None, sent_at: str | None, expected: str) -> None:
    assert corrected_timestamp(original, sent_at, NOW) == expected


@given(moments)
@example(1_700_000_000_999)
def test_a_moment_is_written_to_the_millisecond(milliseconds: int) -> None:
    assert rfc3339(milliseconds / 1000) == text_of(milliseconds)


# One call


def test_a_call_is_kept_as_it_came() -> None:
    raw = b'{"userId":"u","traits":{"n":9007199254740993,"x":1.10},"messageId":"m","email":"extra","_metadata":{}}'
    ((event,), write_key) = (single(raw).events, single(raw).write_key)
    assert (event.body, event.message_id, event.user_id, event.type) == (raw, "m", "u", "identify")
    assert (event.received_at, write_key) == (NOW, None)


def test_what_the_libraries_send_is_taken() -> None:
    call = {
        "userId": "u",
        "anonymousId": None,
        "traits": None,
        "context": {"library": {"name": "analytics-python"}},
        "integrations": {"All": False, "Warehouses": {"all": False}},
        "sentAt": None,
        "timestamp": "2026-01-02T03:04:05.123456+00:00",
        "writeKey": "wk",
    }
    arrival = single(call)
    assert arrival.write_key == "wk"
    assert arrival.events[0].timestamp == "2026-01-02T03:04:05.123Z"


@pytest.mark.parametrize("id_members", [{}, {"messageId": None}, {"messageId": ""}])
def test_a_missing_message_id_is_assigned(id_members: dict[str, Any]) -> None:
    assert single({"userId": "u", **id_members}).events[0].message_id == "new-1"
    both = batch({"type": "track", **id_members}, {"type": "track", **id_members})
    assert [event.message_id for event in both.events] == ["new-1", "new-2"]


def test_an_empty_user_id_is_none() -> None:
    assert [single({"userId": user}).events[0].user_id for user in (None, "", " ")] == [None, None, " "]


@pytest.mark.parametrize(
    ("call", "pointer", "words"),
    [
        ({"userId": 42}, "/userId", "expected string or null, found number"),
        ({"traits": []}, "/traits", "expected object or null, found array"),
        ({"traits": "x"}, "/traits", "found string"),
        ({"context": [1]}, "/context", "length <= 0"),
        ({"integrations": False}, "/integrations", "found boolean"),
        ({"messageId": {}}, "/messageId", "found object"),
        ({"timestamp": 5}, "/timestamp", "found number"),
        ([], "", "the body: expected object, found array"),
        (7, "", "found number"),
        (None, "", "found null"),
    ],
)
def test_a_wrong_type_is_refused_with_its_place(call: Any, pointer: str, words: str) -> None:
    code, where, message = refusal(lambda: single(call))
    assert (code, where) == ("invalid_type", pointer)
    assert words in message
    item = {**call, "type": "identify"} if isinstance(call, dict) else call
    code, where, message = refusal(lambda: batch({"type": "track"}, item))
    assert (code, where) == ("invalid_type", "/batch/1" + pointer)


def test_a_type_that_is_not_the_paths() -> None:
    assert refusal(lambda: single({"type": "track"}))[:2] == ("wrong_type", "/type")
    assert single({"type": "track"}, "track").events[0].type == "track"
    assert events.read(b'{"userId":"u"}', "identify").type == "identify"


def sized(size: int) -> bytes:
    empty = b'{"type":"identify","userId":"u","traits":{"email":""}}'
    return empty.replace(b'""', b'"' + b"x" * (size - len(empty)) + b'"')


def test_an_event_has_at_most_32_kilobytes() -> None:
    assert len(single(sized(MAX_EVENT_BYTES)).events[0].body) == 32 * 1024
    code, _, message = refusal(lambda: single(sized(MAX_EVENT_BYTES + 1)))
    assert code == "event_too_large"
    assert "32769" in message
    raw = b'{"batch":[' + sized(MAX_EVENT_BYTES) + b"," + sized(MAX_EVENT_BYTES + 1) + b"]}"
    assert refusal(lambda: events.batch(raw, NOW, numbered()))[:2] == ("event_too_large", "/batch/1")


def test_a_message_id_has_at_most_100_characters() -> None:
    assert single({"messageId": "m" * 100}).events[0].message_id == "m" * 100
    assert refusal(lambda: single({"messageId": "m" * 101}))[:2] == ("message_id_too_long", "/messageId")
    assert refusal(lambda: batch({"type": "page", "messageId": "m" * 101}))[1] == "/batch/0/messageId"


NESTED = [(63, True), (64, False), (900, False), (985, False), (5000, False)]


@pytest.mark.parametrize(("levels", "taken"), NESTED)
@pytest.mark.parametrize("member", ["traits", "context", "properties"])
def test_an_event_nests_at_most_64_levels(levels: int, taken: bool, member: str) -> None:
    deep = b'{"a":' * levels + b"1" + b"}" * levels
    item = b'{"type":"identify","' + member.encode() + b'":' + deep + b"}"
    whole = b'{"batch":[{"type":"track"},' + item + b"]}"
    if taken:
        assert single(item).events
        assert len(events.batch(whole, NOW, numbered()).events) == 2
    else:
        assert refusal(lambda: single(item))[0] == "too_deep"
        assert refusal(lambda: events.batch(whole, NOW, numbered()))[0] == "too_deep"


# Batches


def test_a_batch_has_at_most_500_kilobytes_and_2500_events() -> None:
    most = events.batch(padded_batch(MAX_BATCH_BYTES), NOW, numbered())
    assert len(most.events) == MAX_BATCH_EVENTS == 2500
    assert MAX_BATCH_BYTES == 500 * 1024
    assert refusal(lambda: events.batch(padded_batch(MAX_BATCH_BYTES + 1), NOW, numbered()))[0] == "batch_too_large"
    many = [{"type": "track"}] * 2501
    assert refusal(lambda: batch(*many))[:2] == ("too_many_events", "/batch")


def padded_batch(size: int) -> bytes:
    raw = json.dumps({"batch": [{"type": "track"}] * MAX_BATCH_EVENTS}).encode()
    return raw + b" " * (size - len(raw))


@pytest.mark.parametrize(
    ("item", "code", "pointer"),
    [
        ({"userId": "u"}, "missing_type", "/batch/1/type"),
        ({"type": None}, "missing_type", "/batch/1/type"),
        ({"type": ""}, "missing_type", "/batch/1/type"),
        ({"type": 5}, "invalid_type", "/batch/1/type"),
        ("x", "invalid_type", "/batch/1"),
    ],
)
@pytest.mark.parametrize("envelope", [{}, {"context": {"ip": "1.2.3.4"}}])
def test_one_bad_item_refuses_the_batch(item: Any, code: str, pointer: str, envelope: dict[str, Any]) -> None:
    assert refusal(lambda: batch({"type": "track"}, item, **envelope))[:2] == (code, pointer)


@pytest.mark.parametrize("kind", ["delete", "Identify", "merge", "x" * 1000])
def test_a_type_that_nobody_knows_is_taken(kind: str) -> None:
    """It is acknowledged and not sent (ID-3); Segment's own `delete` carries arrays for objects."""
    (event,) = batch({"type": kind, "userId": "u", "context": [], "integrations": []}).events
    assert event.type == kind


@pytest.mark.parametrize(
    ("raw", "code", "pointer"),
    [
        (b"{}", "missing_batch", "/batch"),
        (b'{"batch":{}}', "invalid_type", "/batch"),
        (b'{"batch":null}', "invalid_type", "/batch"),
        (b"[]", "invalid_type", ""),
        (b'{"batch":[}', "invalid_json", ""),
        (b'{"batch":[],"context":5}', "invalid_type", "/context"),
        (b'{"batch":[],"sentAt":5}', "invalid_type", "/sentAt"),
        (b'{"batch":[],"x":1e400}', "invalid_type", "/x"),
        (b'{"batch":[],"x":"\xff"}', "invalid_utf8", ""),
    ],
)
def test_a_body_that_is_no_batch(raw: bytes, code: str, pointer: str) -> None:
    assert refusal(lambda: events.batch(raw, NOW, numbered()))[:2] == (code, pointer)


@pytest.mark.parametrize("bad", [b"1e400", b'"\xff"', b"9" * 5000, b"[1e400]"])
@pytest.mark.parametrize("member", ["traits", "properties", "context"])
@pytest.mark.parametrize("envelope", [b"", b',"context":{"ip":"::1"}'])
def test_no_part_of_a_batch_holds_what_is_refused(bad: bytes, member: str, envelope: bytes) -> None:
    """Also the members that nobody reads at delivery: the event is shown whole later."""
    item = b'{"type":"track","' + member.encode() + b'":{"a":' + bad + b"}}"
    code, pointer, _ = refusal(lambda: events.batch(b'{"batch":[' + item + b"]" + envelope + b"}", NOW, numbered()))
    assert code in ("invalid_type", "invalid_utf8")
    if code == "invalid_type":
        assert pointer.startswith("/batch/0")


def test_the_batchs_time_of_sending_is_each_items() -> None:
    (own, shared) = batch(
        {"type": "track", "timestamp": "2020-01-01T00:00:00Z", "sentAt": "2020-01-01T00:00:01Z"},
        {"type": "track", "timestamp": "2020-01-01T00:00:00Z"},
        sentAt="2020-01-01T00:00:10Z",
        writeKey="wk",
    ).events
    assert (own.timestamp, shared.timestamp) == ("2023-11-14T22:13:19.250Z", "2023-11-14T22:13:10.250Z")


shared_members = st.none() | st.dictionaries(st.sampled_from("abc"), st.integers() | st.none(), max_size=3)


@given(shared_members, shared_members, st.sampled_from(["context", "integrations"]), st.booleans())
def test_an_items_members_win_over_the_batchs(
    own: dict[str, Any] | None, shared: dict[str, Any] | None, name: str, absent: bool
) -> None:
    item = {"type": "identify", "userId": "u", **({} if own is None and absent else {name: own})}
    (event,) = batch(item, **{name: shared}).events
    assert (json.loads(event.body).get(name) or {}) == {**(shared or {}), **(own or {})}


def test_an_item_without_shared_members_is_kept_as_it_came() -> None:
    item = b'{ "type":"identify", "userId":"u", "traits":{"n":1.10} }'
    (event,) = events.batch(b'{"batch":[ ' + item + b' ],"context":{},"integrations":null}', NOW, numbered()).events
    assert event.body == item


def test_numbers_survive_the_merge() -> None:
    item = b'{"type":"identify","traits":{"a":9007199254740993,"b":1.10}}'
    (event,) = events.batch(b'{"batch":[' + item + b'],"context":{"n":0.30}}', NOW, numbered()).events
    assert event.body == item[:-1] + b',"context":{"n":0.30}}'


def test_shared_members_count_in_each_event() -> None:
    """2,500 small events that share a context of 450 KB would be a gigabyte to store."""
    heavy = {"a": "x" * (MAX_EVENT_BYTES - 20)}
    assert refusal(lambda: batch({"type": "track"}, context=heavy))[:2] == ("event_too_large", "/batch/0")


@pytest.mark.parametrize(("levels", "taken"), [*NESTED, *((levels, False) for levels in range(930, 1010, 7))])
def test_shared_members_nest_no_deeper_than_others(levels: int, taken: bool) -> None:
    deep = b'{"a":' * levels + b"1" + b"}" * levels
    raw = b'{"batch":[{"type":"track"}],"context":' + deep + b"}"
    if taken:
        assert len(events.batch(raw, NOW, numbered()).events) == 1
    else:
        assert refusal(lambda: events.batch(raw, NOW, numbered()))[0] == "too_deep"


# What Segment forwards


def forwarded(call: Any, pointer: str = "") -> events.Accepted:
    return events.forwarded(call if isinstance(call, bytes) else json.dumps(call).encode(), pointer, NOW, numbered())


def test_a_forwarded_event_keeps_the_time_that_segment_corrected() -> None:
    call = {"type": "identify", "timestamp": "2023-01-01T00:00:00.000Z", "sentAt": "2023-01-01T09:00:00.000Z"}
    assert forwarded(call).timestamp == "2023-01-01T00:00:00.000Z"
    assert forwarded({"type": "identify", "sentAt": "2023-01-01T09:00:00.000Z"}).timestamp == rfc3339(NOW)


def test_a_forwarded_event_says_its_type_and_gets_an_id_where_it_has_none() -> None:
    assert forwarded({"type": "identify", "userId": "u", "messageId": "m"}).message_id == "m"
    assert forwarded({"type": "track"}).message_id == "new-1"
    assert refusal(lambda: forwarded({"userId": "u"}, "/3"))[:2] == ("missing_type", "/3/type")


def test_a_forwarded_event_may_have_grown_on_its_way() -> None:
    empty = len(b'{"type":"identify","x":""}')
    limit = events.MAX_FORWARDED_BYTES
    assert limit > MAX_EVENT_BYTES
    assert forwarded(b'{"type":"identify","x":"%s"}' % (b"x" * (limit - empty))).type == "identify"
    too_large = b'{"type":"identify","x":"%s"}' % (b"x" * (limit - empty + 1))
    assert refusal(lambda: forwarded(too_large))[0] == "event_too_large"


def test_an_array_is_taken_apart_as_it_is_written() -> None:
    assert events.listed(b' [ {"a" : 1e-7},{"b":"\xe2\x80\xa8"} ] ') == [b'{"a" : 1e-7}', b'{"b":"\xe2\x80\xa8"}']
    assert refusal(lambda: events.listed(b"{}"))[0] == "invalid_type"
