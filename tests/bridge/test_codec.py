"""JSON in and out: digits, depth, and everything that is refused."""

import contextlib
import re
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from talon_bridge import codec
from talon_bridge.codec import MAX_DIGITS, MalformedError

integers = st.integers() | st.integers(-(10**40), 10**40) | st.sampled_from([2**53 + 1, 2**64, 10**30, -(2**63) - 1])
fractions = st.from_regex(r"-?(0|[1-9][0-9]{0,25})\.[0-9]{1,25}(e[+-]?[0-9]{1,2})?", fullmatch=True)
# "-0.0e1" is written as -0, which JSON's integers read as 0.
numbers = integers | fractions.map(Decimal).filter(lambda number: str(number) != "-0")
texts = st.text(st.characters(exclude_categories=["Cs"]))
scalars = st.none() | st.booleans() | numbers | texts
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=20)


@given(values)
@example([2**53 + 1, 10**30, Decimal("0.1"), Decimal("1.10"), True, 1, Decimal("1E+5"), Decimal("-0.0")])
def test_what_is_read_is_written_back(value: Any) -> None:
    assert exact(codec.value(codec.encode(value))) == exact(value)


@given(integers)
def test_an_integer_keeps_its_digits(number: int) -> None:
    assert codec.encode(codec.value(str(number).encode())) == str(number).encode()


@given(fractions)
@example("0.1")
@example("1.10")
@example("9007199254740993.0")
@example("1e-400")
def test_a_fraction_keeps_its_digits(text: str) -> None:
    kept = codec.encode(codec.value(text.encode())).decode()
    assert Decimal(kept).as_tuple() == Decimal(text).as_tuple()


def exact(value: Any) -> Any:
    """A value that equals another only if its JSON does: 1, 1.0 and true are three."""
    if isinstance(value, list):
        return [exact(item) for item in value]
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value).as_tuple()
    return (type(value).__name__, value)


REFUSED = {
    b"": ("invalid_json", "it is empty"),
    b" \n": ("invalid_json", "it is empty"),
    b"{": ("invalid_json", "ends too early"),
    b'{"a":1}x': ("invalid_json", "trailing characters"),
    b"{'a':1}": ("invalid_json", "byte 1"),
    b"[1,]": ("invalid_json", "byte 3"),
    b"[01]": ("invalid_json", "invalid number"),
    b"NaN": ("invalid_json", "invalid character"),
    b"[Infinity]": ("invalid_json", "invalid character"),
    b"[-Infinity]": ("invalid_json", "invalid"),
    b"\xef\xbb\xbf{}": ("invalid_json", "byte order mark"),
    '{"a":1}'.encode("utf-16"): ("invalid_utf8", "byte 0"),
    b'{"a":"\xff"}': ("invalid_utf8", "byte 6"),
    b'{"a":"\xc0\xaf"}': ("invalid_utf8", "byte 6"),
    b'{"a":"\xed\xa0\x80"}': ("invalid_utf8", "byte 6"),
    b'{"\xff":1}': ("invalid_utf8", "byte 2"),
    rb'"\ud800"': ("invalid_json", "surrogate"),
    rb'"\udc00"': ("invalid_json", "surrogate"),
    rb'"\ud800\u0041"': ("invalid_json", "surrogate"),
    b"1e400": ("invalid_type", "1e400 is outside the range of a double"),
    b"-1e400": ("invalid_type", "-1e400 is outside the range of a double"),
    b"1e-99999999999999999999": ("invalid_type", "exponent"),
    b"0e99999999999999999999": ("invalid_type", "exponent"),
    b"9" * 5000: ("invalid_type", "out of range"),
    b"0." + b"1" * 5000: ("invalid_type", f"5002 characters; at most {MAX_DIGITS}"),
    b"[" * 1000 + b"]" * 1000: ("too_deep", "deeper than 64"),
    b"[" * 100_000 + b"]" * 100_000: ("too_deep", "deeper than 64"),
    b'{"a":' * 100_000 + b"1" + b"}" * 100_000: ("too_deep", "deeper than 64"),
}


@pytest.mark.parametrize("raw", REFUSED, ids=lambda raw: repr(raw)[:40])
def test_refused_with_what_and_where(raw: bytes) -> None:
    with pytest.raises(MalformedError) as caught:
        codec.value(raw, "/batch/3")
    code, words = REFUSED[raw]
    assert caught.value.malformed.code == code
    assert words in caught.value.malformed.message
    assert caught.value.malformed.pointer == "/batch/3"


@given(st.binary())
@example(b'"\\')
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with contextlib.suppress(MalformedError):
        codec.value(raw)


@pytest.mark.parametrize(("levels", "beyond"), [(0, False), (64, False), (65, True), (1000, True), (100_000, True)])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_is_counted_before_anything_is_decoded(
    levels: int, beyond: bool, opening: bytes, closing: bytes
) -> None:
    assert codec.nested_beyond(opening * levels + b"1" + closing * levels) is beyond


def deepest(raw: bytes) -> int:
    """How deep a text nests, byte by byte."""
    level = found = 0
    in_string = escaped = False
    for byte in raw.decode("latin-1"):
        if in_string:
            if escaped:
                escaped = False
            elif byte == "\\":
                escaped = True
            elif byte == '"':
                in_string = False
        elif byte == '"':
            in_string = True
        elif byte in "{[":
            level += 1
            found = max(found, level)
        elif byte in "}]":
            level -= 1
    return found


@given(st.text('{}[]"\\a\n', max_size=60).map(str.encode), st.integers(0, 6))
@example(b'[["\\', 1)
@example(b"[" * 65 + b'"' + b'\\"' * 15000, 64)  # once searched anew from every quote: seconds of work
def test_nesting_is_what_a_slow_walk_finds(raw: bytes, limit: int) -> None:
    assert codec.nested_beyond(raw, limit) == (deepest(raw) > limit)


@given(values, st.integers(0, 6))
def test_nesting_of_real_json_is_what_a_slow_walk_finds(value: Any, limit: int) -> None:
    raw = codec.encode(value)
    assert codec.nested_beyond(raw, limit) == (deepest(raw) > limit)


@pytest.mark.parametrize(
    ("raw", "pointer", "words"),
    [
        (b'{"a":[{"b":[1,"x"]}]}', "/a/...", "expected number, found string"),
        (b'{"a":7}', "/a", "expected array, found number"),
        (b'{"a":1.5}', "/a", "expected array, found number"),
        (b'{"a":true}', "/a", "expected array, found boolean"),
        (b'{"a":[],"d":{"x":[0,1e400]}}', "/d", "/d: 1e400 is outside the range"),
        (b"[]", "", "the body: expected object, found array"),
    ],
)
def test_a_wrong_type_is_told_in_the_words_of_json(raw: bytes, pointer: str, words: str) -> None:
    for read in (codec.read, codec.read_whole):
        with pytest.raises(MalformedError) as caught:
            read(SHAPE, raw)
        assert re.fullmatch(re.escape(pointer).replace(r"\.\.\.", r"0/b/\d+"), caught.value.malformed.pointer)
        assert words in caught.value.malformed.message


class Inner(msgspec.Struct):
    b: list[int]


class Shape(msgspec.Struct):
    a: list[Inner]
    c: str = ""
    d: dict[str, Any] = {}


SHAPE = codec.decoder(Shape)


@pytest.mark.parametrize("raw", [raw for raw, (code, _) in REFUSED.items() if code == "invalid_utf8" or b"1e" in raw])
def test_what_a_shape_does_not_name_is_looked_at_too(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        codec.read_whole(SHAPE, b'{"a":[],"unknown":' + raw + b"}")


@given(st.lists(st.dictionaries(texts, values, max_size=3) | values, max_size=3), st.sampled_from(["", " ", "\n\t "]))
@example([{"]": '}"\\', "{": ["[", {}]}, {}], " ")
@example([{}], "")
def test_the_first_object_of_an_array_is_sliced_out(items: list[Any], space: str) -> None:
    written = [codec.encode(item) for item in items]
    gap = space.encode()
    raw = gap + b"[" + gap + (gap + b"," + gap).join(written) + gap + b"]" + gap
    wanted = written[0] if items and isinstance(items[0], dict) else None
    assert codec.first_object(raw, len(raw)) == wanted
    assert wanted is None or wanted == bytes(msgspec.json.decode(raw, type=list[msgspec.Raw])[0])


@pytest.mark.parametrize("raw", [b"", b"{}", b"[", b"[{", b'[{"a":"}', b"[[{}]]", b"[1,{}]", b"x[{}]", b"[" * 100_000])
def test_no_first_object(raw: bytes) -> None:
    assert codec.first_object(raw, len(raw)) is None


def test_the_first_object_is_not_looked_for_without_end() -> None:
    assert codec.first_object(b'[{"a":1}]', 8) == b'{"a":1}'
    assert codec.first_object(b'[{"a":1}]', 7) is None
    assert codec.first_object(b"[" + b'{"a":' * 64 + b"1" + b"}" * 64 + b"]", 1000) is not None
    assert codec.first_object(b"[" + b'{"a":' * 65 + b"1" + b"}" * 65 + b"]", 1000) is None
