"""Gzip bodies: whole members, and never more than the cap."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator_support import pure
from talon_emulator.inflate import Corrupt, TooLarge, gunzip


@pure
@given(st.lists(st.binary(max_size=200), min_size=1, max_size=3))
def test_members_are_joined(members: list[bytes]) -> None:
    whole = b"".join(members)
    assert gunzip(b"".join(map(gzip.compress, members)), len(whole)) == whole


@pure
@given(st.binary(min_size=1, max_size=200), st.data())
def test_a_cut_stream_is_corrupt(content: bytes, data: st.DataObject) -> None:
    packed = gzip.compress(content)
    cut = data.draw(st.integers(1, len(packed) - 1))
    with pytest.raises(Corrupt):
        gunzip(packed[:cut], 10_000)


def test_a_bomb_stops_at_the_cap() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    with pytest.raises(TooLarge):
        gunzip(bomb, 1_000)
    with pytest.raises(TooLarge):
        gunzip(gzip.compress(bytes(900)) * 2, 1_000)


WHOLE = gzip.compress(b"a", mtime=0)


@pytest.mark.parametrize("data", [b"not gzip", WHOLE + b"junk", WHOLE[:-1] + b"\xff"])
def test_anything_else_is_corrupt(data: bytes) -> None:
    with pytest.raises(Corrupt):
        gunzip(data, 1_000)
