"""Bodies: digits exact, nesting bounded, everything malformed refused with a place."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator_support import pure
from talon_emulator import body
from talon_emulator.body import ANY, ENCODER, MAX_DEPTH
from talon_emulator.errors import Refusal
from talon_emulator.integration import ProfileUpdate

numbers = st.one_of(
    st.integers(),
    st.integers(10**15, 10**40),
    st.decimals(allow_nan=False, allow_infinity=False, min_value="-1e300", max_value="1e300"),
)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


def depth_of(value: Any) -> int:
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 0


@pure
@given(json_values)
def test_what_is_decoded_encodes_to_the_same_value(value: Any) -> None:
    decoded = body.decode(ENCODER.encode(value), ANY)
    assert decoded == value
    assert body.decode(ENCODER.encode(decoded), ANY) == value


@pure
@given(st.integers(0, 10**60), st.text("0123456789", min_size=1, max_size=40))
def test_digits_survive(whole: int, fraction: str) -> None:
    literal = f"{whole}.{fraction}".encode()
    assert ENCODER.encode(body.decode(literal, ANY)) == literal


@pure
@given(json_values, st.integers(0, 80))
def test_depth_is_counted_without_decoding(value: Any, levels: int) -> None:
    for _ in range(levels):
        value = [value]
    assert body.too_deep(ENCODER.encode(value)) == (depth_of(value) > MAX_DEPTH)


@pure
@given(st.lists(st.sampled_from(['"', "\\", "[", "]", "{", "}", "a"]), max_size=200))
def test_brackets_in_strings_do_not_count(parts: list[str]) -> None:
    text = "[" * 70 + "".join(parts)
    assert not body.too_deep(json.dumps([text, {"k": text}]).encode())


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        (b"", 400, "the body is empty"),
        (b"{", 400, "truncated"),
        (b'{"a":1}x', 400, "trailing characters (byte 8)"),
        (b"{'a':1}", 400, "byte 1"),
        (b"\xef\xbb\xbf{}", 400, "byte 0"),
        ("{}".encode("utf-16"), 400, "UTF-8"),
        (b'{"a":"\xff"}', 400, "not UTF-8 (byte 6)"),
        (b'{"a":"\xc0\xaf"}', 400, "not UTF-8 (byte 6)"),
        (b'{"a":"\\ud800 and more"}', 400, "surrogate"),
        (b'{"a":NaN}', 400, "byte 5"),
        (b'{"a":-Infinity}', 400, "byte"),
        (b'{"a":1e400}', 400, "outside the range of a double"),
        (b'{"a":-1e309}', 400, "outside the range of a double"),
        (b'{"a":1.8e308}', 400, "outside the range of a double"),
        (b'{"a":' + b"9" * 5000 + b"}", 400, "out of range"),
        (b'{"a":0.' + b"9" * 5000 + b"}", 400, "digits"),
        (b"[" * 65 + b"]" * 65, 400, "deeper than 64"),
        (b"[" * 100_000, 400, "deeper than 64"),
        (b'{"a":' * 100_000, 400, "deeper than 64"),
        (b'"' + b'\\"' * 500_000 + b"[" * 65, 400, "truncated"),
    ],
)
def test_refuses(data: bytes, status: int, words: str) -> None:
    refusal = body.decode(data, ANY)
    assert isinstance(refusal, Refusal)
    assert refusal.status == status
    assert words in refusal.errors[0].details


@pytest.mark.parametrize("data", [b"1.7976931348623157e308", b"1e-400", b"9007199254740993", b"1" + b"0" * 400])
def test_takes_every_number_a_client_can_mean(data: bytes) -> None:
    value = body.decode(data, ANY)
    assert not isinstance(value, Refusal)
    assert Decimal(value) == Decimal(data.decode())


@pytest.mark.parametrize(
    ("data", "pointer", "details"),
    [
        (b"[]", "", "expected an object, got a list"),
        (b"null", "", "expected an object, got null"),
        (b'{"attributes":[]}', "/attributes", "expected an object or null, got a list"),
        (b'{"audiencesChanges":{"adds":["1"]}}', "/audiencesChanges/adds/0", "expected an integer, got a string"),
        (b'{"evaluableCampaignIds":[1.0]}', "/evaluableCampaignIds/0", "expected an integer, got a number"),
    ],
)
def test_says_which_member_is_wrong(data: bytes, pointer: str, details: str) -> None:
    refusal = body.decode(data, body.decoder(ProfileUpdate))
    assert isinstance(refusal, Refusal)
    [problem] = refusal.errors
    assert (problem.source, problem.details) == ({"pointer": pointer}, details)


def test_of_a_member_given_twice_the_last_counts() -> None:
    assert body.decode(b'{"a":1,"a":2}', ANY) == {"a": 2}
