"""A request's body: read whole, unpacked, and never larger than allowed."""

import asyncio
import gzip
import tracemalloc
from collections.abc import MutableMapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from talon_bridge.body import MAX_MEMBERS, ClientGoneError, read_body
from talon_bridge.codec import MalformedError

LIMIT = 1000


def read(parts: list[bytes], encoding: str | None = None, limit: int = LIMIT, gone: bool = False) -> bytes:
    """The body of a request whose client sends these parts, and then ends or goes away."""
    messages: list[MutableMapping[str, Any]] = [
        {"type": "http.request", "body": part, "more_body": gone or number < len(parts) - 1}
        for number, part in enumerate(parts)
    ]
    waiting = iter([*messages, {"type": "http.disconnect"}])

    async def receive() -> MutableMapping[str, Any]:
        return next(waiting)

    headers = [] if encoding is None else [(b"content-encoding", encoding.encode())]
    return asyncio.run(read_body(receive, headers, limit))


parts = st.lists(st.binary(max_size=400), min_size=1, max_size=5)


@given(parts)
@example([b"x" * LIMIT])
@example([b"x" * LIMIT, b"y"])
@example([b"x" * (LIMIT + 1)])
def test_a_body_is_its_parts_up_to_the_limit(sent: list[bytes]) -> None:
    whole = b"".join(sent)
    if len(whole) > LIMIT:
        with pytest.raises(MalformedError, match="more than 1000 bytes"):
            read(sent)
    else:
        assert read(sent) == whole


@given(st.lists(st.binary(max_size=900), min_size=1, max_size=3), st.integers(1, 50))
@example([b"a" * 500, b"b" * 500], 7)
@example([b"a" * 500, b"b" * 501], 7)
@example([b""], 1)
def test_a_gzip_is_the_sum_of_its_members(members: list[bytes], size: int) -> None:
    clear = b"".join(members)
    packed = b"".join(gzip.compress(member) for member in members)
    sent = [packed[start : start + size] for start in range(0, len(packed), size)]
    if len(clear) > LIMIT or len(packed) > LIMIT:
        with pytest.raises(MalformedError, match="more than 1000 bytes"):
            read(sent, "gzip")
    else:
        assert read(sent, "gzip") == clear


@given(st.binary(max_size=300))
def test_any_bytes_are_unpacked_or_refused(raw: bytes) -> None:
    try:
        unpacked = read([raw], "gzip")
    except MalformedError as error:
        assert error.malformed.code in ("invalid_gzip", "body_too_large")  # noqa: PT017
    else:
        assert len(unpacked) <= LIMIT


def test_a_bomb_costs_no_more_than_an_honest_body() -> None:
    limit = 500_000
    bomb = gzip.compress(b"\0" * 100_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(MalformedError, match="more than 500000 bytes"):
            read([bomb], "gzip", limit)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10 * limit


@pytest.mark.parametrize("sent", [[b""], [b"abc"], [b"a", b"b"]])
def test_a_client_that_goes_away_is_no_body(sent: list[bytes]) -> None:
    with pytest.raises(ClientGoneError):
        read(sent, gone=True)


@pytest.mark.parametrize("encoding", ["identity", "", " IDENTITY "])
def test_a_body_in_clear(encoding: str) -> None:
    assert read([b"x"], encoding) == b"x"


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, br"])
def test_an_encoding_that_is_not_understood_is_named(encoding: str) -> None:
    with pytest.raises(MalformedError, match=f"Content-Encoding {encoding} is not understood"):
        read([b"x"], encoding)


def test_many_members_are_refused_before_they_cost() -> None:
    assert read([gzip.compress(b"x") * MAX_MEMBERS], "gzip", 100_000) == b"x" * MAX_MEMBERS
    with pytest.raises(MalformedError, match=f"more than {MAX_MEMBERS} members"):
        read([gzip.compress(b"") * 20_000], "gzip", 500_000)
