"""The identifies of Engage: the captured form, and our schemas, both doors and the mapping take every one."""

import json
import re
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge_support import destination, quick, running, scripted_target
from talon_bridge import codec, events
from talon_bridge.engage.computations import Computation
from talon_bridge.engage.identify import Identifies, computation_id, space_id
from talon_bridge.engage.ksuid import base62, ksuid
from talon_bridge.engage.syncs import Change
from talon_bridge.events import Event
from talon_bridge.mapping import plan
from talon_contracts import schemas

TOKEN = "5b2f0c3a9d"
SPACE = space_id(TOKEN)
AUDIENCE = Computation("buyers", "audience", "Order Completed Last 30days", "order_completed_last_30days")
TRAIT = Computation("ltv", "computed_trait", "Lifetime value", "lifetime_value", "number")
AT = 1714765370.0661797

TEXT = st.text(st.characters(codec="utf-8"))
NUMBERS = st.integers() | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**300), max_value=10**300)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXT
VALUES = SCALARS | st.lists(SCALARS)
MOMENTS = st.floats(0, 221_845_391_999.0)
CHANGES = st.builds(
    Change,
    st.integers(1, 2**63 - 1),
    st.integers(0, 2**31),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=1000).filter(lambda id: id not in (".", "..")),
    VALUES.map(codec.encode),
    MOMENTS,
)


def identify(computation: Computation, change: Change) -> bytes:
    return Identifies(computation, SPACE, TOKEN).text(change)


def never() -> str:
    raise AssertionError("an identify of Engage has a messageId")


def test_it_has_the_captured_form() -> None:
    text = identify(AUDIENCE, Change(7, 1, "u", b"true", AT))
    told = json.loads(text)
    id, space = told["context"]["personas"]["computation_id"], told["context"]["personas"]["space_id"]
    assert re.fullmatch(r"aud_[0-9A-Za-z]{27}", id)
    assert re.fullmatch(r"spa_[0-9A-Za-z]{22}", space)
    assert re.fullmatch(r"personas_[0-9A-Za-z]{27}", told["messageId"])
    assert told == {
        "context": {
            "integrations": {"personas": False},
            "library": {"name": "unknown", "version": "unknown"},
            "personas": {
                "computation_class": "audience",
                "computation_id": id,
                "computation_key": "order_completed_last_30days",
                "namespace": space,
                "space_id": space,
            },
        },
        "integrations": {"All": False, "Talon.One": True, "Warehouses": {"all": False}},
        "messageId": told["messageId"],
        "originalTimestamp": "2024-05-03T19:42:50.066179752Z",
        "receivedAt": "2024-05-03T19:42:50.066Z",
        "sentAt": None,
        "timestamp": "2024-05-03T19:42:50.066Z",
        "traits": {"order_completed_last_30days": True},
        "type": "identify",
        "userId": "u",
    }
    assert list(told) == sorted(told)
    assert codec.encode(told) == text  # no blank, nothing twice


def test_a_trait_is_one_too() -> None:
    told = json.loads(identify(TRAIT, Change(8, 1, "u", b"1.10", AT)), parse_float=Decimal)
    assert told["traits"] == {"lifetime_value": Decimal("1.10")}
    personas = told["context"]["personas"]
    assert personas["computation_class"] == "trait"
    assert personas["computation_id"] == computation_id(TRAIT, SPACE)
    assert re.fullmatch(r"tra_[0-9A-Za-z]{27}", personas["computation_id"])


@given(CHANGES, TEXT.filter(bool), st.sampled_from([AUDIENCE, TRAIT]))
def test_both_doors_and_the_mapping_take_it(change: Change, key: str, like: Computation) -> None:
    computation = msgspec.structs.replace(like, key=key)
    text = identify(computation, change)
    accepted = events.forwarded(text, "", AT, never)
    told = codec.value(text)
    batched = events.batch(b'{"batch":[' + text + b"]}", AT, never).events[0]
    assert (accepted.message_id, accepted.user_id, accepted.type) == (told["messageId"], change.user_id, "identify")
    assert (batched.message_id, batched.user_id, batched.type) == (told["messageId"], change.user_id, "identify")
    assert accepted.timestamp == batched.timestamp == told["timestamp"] == told["receivedAt"]
    mapped = plan(events.read(accepted.body, "identify"), destination(custom_attributes=("email",)))
    value = codec.value(change.value)
    assert mapped.request is not None, mapped.reason
    assert mapped.request.integration_id == change.user_id
    assert codec.encode(mapped.request.attributes) == codec.encode({key: value})
    assert not mapped.dead


@given(CHANGES)
def test_it_is_valid_under_our_schemas(change: Change) -> None:
    assert list(schemas.validator("engage-trait-identify").iter_errors(codec.value(identify(TRAIT, change)))) == []
    member = msgspec.structs.replace(change, value=b"true" if change.number % 2 else b"false")
    told = codec.value(identify(AUDIENCE, member))
    assert list(schemas.validator("engage-audience-identify").iter_errors(told)) == []
    assert not schemas.validator("engage-trait-identify").is_valid(told)


@given(st.lists(CHANGES, min_size=1, max_size=5), st.data())
def test_the_same_change_has_the_same_text_whatever_came_before(changes: list[Change], data: Any) -> None:
    identifies = Identifies(TRAIT, SPACE, TOKEN)
    for change in [*changes, *data.draw(st.permutations(changes))]:
        assert identifies.text(change) == identify(TRAIT, change)


@given(st.lists(st.integers(1, 2**63 - 1), unique=True, min_size=2, max_size=20), MOMENTS)
def test_no_two_changes_share_a_message_id(numbers: list[int], at: float) -> None:
    identifies = Identifies(TRAIT, SPACE, TOKEN)
    ids = [message_id(identifies.text(Change(number, 1, "u", b"1", at))) for number in numbers]
    assert len(set(ids)) == len(numbers)
    change = Change(numbers[0], 1, "u", b"1", at)
    elsewhere = [Identifies(TRAIT, SPACE, "another").text(change), identify(AUDIENCE, change)]
    assert len({ids[0], *map(message_id, elsewhere)}) == 3


@given(CHANGES, CHANGES)
def test_the_message_id_is_the_change_and_not_what_it_says(one: Change, other: Change) -> None:
    same = msgspec.structs.replace(other, number=one.number, at=one.at)
    assert message_id(identify(TRAIT, one)) == message_id(identify(TRAIT, same))


def message_id(text: bytes) -> str:
    event = msgspec.json.decode(text, type=Event)
    assert event.message_id is not None
    return event.message_id


def test_the_destination_stays_switched_on_and_every_other_off() -> None:
    event = events.read(identify(AUDIENCE, Change(1, 1, "u", b"true", AT)), "identify")
    assert isinstance(event.integrations, dict)
    assert event.integrations["All"] is False
    assert plan(event, destination()).request is not None  # ID-4


def test_a_bridge_takes_them_in_a_batch_and_sends_them() -> None:
    identifies = Identifies(TRAIT, SPACE, TOKEN)
    changes = [Change(1, 1, "a b", b"1.10", AT), Change(2, 1, "ü/", b"null", AT), Change(1, 1, "a b", b"1.10", AT)]
    with scripted_target() as target, running(quick(destination(target.url, custom_attributes=()))) as bridge:
        body = b'{"batch":[' + b",".join(identifies.text(change) for change in changes) + b"]}"
        assert bridge.post("/v1/batch", body).status_code == 200
        assert bridge.idle()
        sent = sorted((seen.user, seen.attributes) for seen in target.seen)
    assert sent == [("a b", {"lifetime_value": Decimal("1.10")}), ("ü/", {"lifetime_value": None})]


@pytest.mark.parametrize("value", ["true", "false"])
def test_the_longest_id_fits_both_doors(value: str) -> None:
    text = identify(AUDIENCE, Change(2**63 - 1, 1, "\x01" * 1000, value.encode(), AT))
    assert len(text) < events.MAX_EVENT_BYTES
    assert events.forwarded(text, "", AT, never).user_id == "\x01" * 1000


def test_ids_are_the_same_each_time_and_differ_between_stores_and_computations() -> None:
    assert space_id(TOKEN) == SPACE != space_id(TOKEN + "0")
    found = {computation_id(one, space) for one in (AUDIENCE, TRAIT) for space in (SPACE, space_id("x"))}
    assert len(found) == 4
    renamed = msgspec.structs.replace(AUDIENCE, name="Buyers")
    assert computation_id(renamed, SPACE) == computation_id(AUDIENCE, SPACE)


def test_no_release_calls_what_waits_by_another_id() -> None:
    """What was queued by one release and is sent once more by the next must be known as the same (DEL-3)."""
    assert SPACE == "spa_6dvgveIL5pqaeWxc6mRnu5"
    assert computation_id(AUDIENCE, SPACE) == "aud_8FwvJmsqaoCCcrmKtiOUaOwOUUg"
    assert message_id(identify(AUDIENCE, Change(7, 1, "u", b"true", AT))) == "personas_2fyFNWQWOvjFDNDCdkAAb0XnaLG"


@pytest.mark.parametrize(
    ("at", "second", "nanos"),
    [
        (0.0, "1970-01-01T00:00:00", "000000000"),
        (1.5, "1970-01-01T00:00:01", "500000000"),
        (1.9999999999, "1970-01-01T00:00:01", "999999999"),
        (1.0009765625, "1970-01-01T00:00:01", "000976562"),
        (221_845_391_999.5, "8999-12-31T23:59:59", "500000000"),
    ],
)
def test_times_are_cut_off_and_never_ahead(at: float, second: str, nanos: str) -> None:
    told = json.loads(identify(AUDIENCE, Change(1, 1, "u", b"true", at)))
    assert told["originalTimestamp"] == f"{second}.{nanos}Z"
    assert told["timestamp"] == told["receivedAt"] == f"{second}.{nanos[:3]}Z"


def test_a_ksuid_is_what_segment_makes_of_it() -> None:
    # The examples of segmentio/ksuid's own description.
    payload = bytes.fromhex("B5A1CD34B5F99D1154FB6853345C9735")
    assert ksuid(1_400_000_000 + 107_608_047, payload) == b"0ujtsYcgvSTl8PAuAdqWYSMnLOv"
    assert ksuid(1_400_000_000, bytes(16)) == b"0" * 27
    assert ksuid(1_400_000_000 + 2**32 - 1, b"\xff" * 16) == b"aWgEPTl1tmebfsQzFP4bxwgy80V"
    assert ksuid(1_400_000_000 + 2**32 + 5.9, bytes(16)) == ksuid(1_400_000_005, bytes(16))
    assert ksuid(1_400_000_000 - 1, bytes(16)) == ksuid(1_400_000_000 + 2**32 - 1, bytes(16))


@given(st.integers(0, 62**27 - 1), st.integers(0, 62**27 - 1))
def test_ksuids_sort_as_their_numbers(one: int, other: int) -> None:
    assert (base62(one, 27) < base62(other, 27)) == (one < other)
    assert len(base62(one, 27)) == 27
    assert (
        int(
            sum(
                b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".index(digit) * 62**place
                for place, digit in enumerate(reversed(base62(one, 27)))
            )
        )
        == one
    )
