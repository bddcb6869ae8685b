"""Bodies: digits exact, nesting bounded, everything malformed refused with a place."""

import json
from decimal import Decimal
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emulator_support import pure
from talon_emulator import body
from talon_emulator.attributes import NewAttribute
from talon_emulator.body import ANY, ENCODER, MAX_DEPTH
from talon_emulator.errors import Refusal, pointer
from talon_emulator.integration import Content, ProfileUpdate

numbers = st.one_of(
    st.integers(),
    st.integers(10**15, 10**40),
    st.decimals(allow_nan=False, allow_infinity=False, min_value="-1e300", max_value="1e300"),
)
ESCAPES = st.sampled_from(
    [r"\ud83d", r"\ude00", r"\uD83D\uDE00", r"\u0041", r"\\", r"\"", r"\n", "u", "d83d", "a", "["]
)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


LONG = b"9" * 5000
TOO_LONG = "the number is longer than 4300 characters"
TOO_LARGE = "the number is outside the range of a double"


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
        (b"{", 400, "the body is truncated"),
        (b'{"a":1}x', 400, "trailing characters (byte 8)"),
        (b"{'a':1}", 400, "byte 1"),
        (b"\xef\xbb\xbf{}", 400, "byte 0"),
        ("{}".encode("utf-16"), 400, "UTF-8"),
        (b'{"a":"\xff"}', 400, "not UTF-8 (byte 6)"),
        (b'{"a":"\xc0\xaf"}', 400, "not UTF-8 (byte 6)"),
        (b'{"a":"\\ud800 and more"}', 400, "lone surrogate (byte 5)"),
        (b'{"a":"\\ud800"}', 400, "lone surrogate (byte 5)"),
        (b'{"a":"\\x"}', 400, "escape"),
        (b'{"a":NaN}', 400, "byte 5"),
        (b'{"a":-Infinity}', 400, "byte"),
        (b'{"a":1e400}', 400, "outside the range of a double"),
        (b'{"a":-1e309}', 400, "outside the range of a double"),
        (b'{"a":1.8e308}', 400, "outside the range of a double"),
        (b'{"a":' + b"9" * 5000 + b"}", 400, "longer than 4300 characters"),
        (b'{"a":0.' + b"9" * 5000 + b"}", 400, "longer than 4300 characters"),
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
        (b'{"attributes":[],', "/attributes", "expected an object or null, got a list"),
        (b'{"attributes":[]}', "/attributes", "expected an object or null, got a list"),
        (b'{"audiencesChanges":{"adds":["1"]}}', "/audiencesChanges/adds/0", "expected an integer, got a string"),
        (b'{"evaluableCampaignIds":[1.0]}', "/evaluableCampaignIds/0", "expected an integer, got a number"),
        (b'{"attributes":{"a":%s}}' % LONG, "/attributes/a", TOO_LONG),
        (b'{"x":%s,"attributes":{"~/":[1,{"b":%s}]}}' % (LONG, LONG), "/attributes/~0~1/1/b", TOO_LONG),
        (b'{"attributes":{"a":1e5,"b":1e400}}', "/attributes/b", TOO_LARGE),
        (b'{"attributes":{"a":"1e400","b":1.8e308}}', "/attributes/b", TOO_LARGE),
        (b'{"audiencesChanges":{"adds":[%d,1e400]}}' % 10**400, "/audiencesChanges/adds/1", TOO_LARGE),
        (b'{"audiencesChanges":{"adds":[%s]}}' % LONG, "/audiencesChanges/adds/0", TOO_LONG),
    ],
)
def test_says_which_member_is_wrong(data: bytes, pointer: str, details: str) -> None:
    refusal = body.decode(data, body.decoder(ProfileUpdate))
    assert isinstance(refusal, Refusal)
    [problem] = refusal.errors
    assert (problem.source, problem.details) == ({"pointer": pointer}, details)


@pytest.mark.parametrize("ignored", [b"1", b"1e400", LONG], ids=["small", "large", "long"])
def test_names_every_missing_member(ignored: bytes) -> None:
    refusal = body.decode(b'{"name":"a","title":"a","ignored":%s}' % ignored, body.decoder(NewAttribute))
    assert isinstance(refusal, Refusal)
    names = ["entity", "type", "description", "suggestions", "editable"]
    assert [problem.source["pointer"] for problem in refusal.errors] == [f"/{name}" for name in names]
    assert [problem.details for problem in refusal.errors] == [f"{name} is required" for name in names]


def test_lists_the_known_values_of_a_choice() -> None:
    refusal = body.decode(b'{"responseContent":["loyalty","x"]}', body.decoder(ProfileUpdate))
    assert isinstance(refusal, Refusal)
    [problem] = refusal.errors
    assert problem.source == {"pointer": "/responseContent/1"}
    assert problem.details.startswith("responseContent must be one of the following: ")
    assert all(f'"{known}"' in problem.details for known in get_args(Content))


def planted(value: Any, path: list[str | int], what: Any) -> Any:
    """Return the value with something else at the end of the path; the path is made where there is none."""
    if not path:
        return what
    step, *rest = path
    if isinstance(step, str):
        inner = dict(value) if isinstance(value, dict) else {}
        return {**inner, step: planted(inner.get(step), rest, what)}
    items = list(value) if isinstance(value, list) else []
    items += [None] * (step + 1 - len(items))
    return [*items[:step], planted(items[step], rest, what), *items[step + 1 :]]


@pure
@given(
    json_values,
    st.lists(st.text(max_size=3) | st.integers(0, 3), max_size=6),
    st.sampled_from([(LONG, TOO_LONG), (b"1e400", TOO_LARGE), (b"-1.8e308", TOO_LARGE)]),
)
@example([], ["", "/", "~"], (b"1e400", TOO_LARGE))
@example({"a": ['"', "[", "1e400"]}, ["a", 3, "\\"], (b"1e400", TOO_LARGE))
def test_a_bad_number_is_found_anywhere(value: Any, path: list[str | int], bad: tuple[bytes, str]) -> None:
    literal, details = bad
    data = ENCODER.encode(planted(value, path, msgspec.Raw(literal)))
    refusal = body.decode(data, ANY)
    assert isinstance(refusal, Refusal)
    [problem] = refusal.errors
    assert (problem.source, problem.details) == (pointer(*path), details)


@pure
@given(json_values, st.lists(st.text(max_size=3) | st.integers(0, 3), min_size=64, max_size=70))
def test_what_nests_too_deep_is_found_anywhere(value: Any, path: list[str | int]) -> None:
    refusal = body.decode(ENCODER.encode(planted(value, path, [])), ANY)
    assert isinstance(refusal, Refusal)
    assert refusal.errors[0].source == pointer(*path[:64])


@pure
@given(json_values, st.lists(st.text(max_size=3) | st.integers(0, 3), max_size=6), st.lists(ESCAPES, min_size=1))
def test_a_lone_surrogate_is_found_anywhere(value: Any, path: list[str | int], parts: list[str]) -> None:
    string = '"' + "".join(parts) + '"'
    data = ENCODER.encode(planted(value, path, msgspec.Raw(string.encode())))
    try:
        json.loads(string).encode()
    except UnicodeEncodeError:
        refusal = body.decode(data, ANY)
        assert isinstance(refusal, Refusal)
        assert refusal.errors[0].source == pointer(*path)
        assert "lone surrogate" in refusal.errors[0].details
    else:
        assert not isinstance(body.decode(data, ANY), Refusal)


@pytest.mark.parametrize("name", [rb"\ud800", rb"a\udfffb"])
def test_a_lone_surrogate_in_a_name(name: bytes) -> None:
    refusal = body.decode(b'{"a":{"%s":1}}' % name, ANY)
    assert isinstance(refusal, Refusal)
    assert refusal.errors[0].source == {"pointer": f"/a/{name.decode()}"}


def test_of_a_member_given_twice_the_last_counts() -> None:
    assert body.decode(b'{"a":1,"a":2}', ANY) == {"a": 2}
