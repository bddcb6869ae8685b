"""The HTTP call to Talon.One: what goes on the wire, and what is made of each kind of answer."""

import asyncio
import gzip
import socket
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bridge_support import API_KEY, Reply, Target, always, destination, environment
from talon_bridge import codec
from talon_bridge.delivery import MAX_ANSWER_BYTES, TalonOne
from talon_bridge.mapping import Request
from talon_bridge.outcome import Answer, NoAnswer


def put(
    url: str, user_id: str = "u", attributes: Any = None, timeout: float = 10, **settings: Any
) -> Answer | NoAnswer:
    async def main() -> Answer | NoAnswer:
        async with TalonOne(destination(url, **settings), timeout) as talon:
            return await talon.update_profile(Request(user_id, {"n": 1} if attributes is None else attributes))

    return asyncio.run(main())


def test_the_request_as_it_is_sent(target: Target) -> None:
    assert put(target.url, "u 1", {"email": "e", "age": None}) == Answer(200, {}, b"{}")
    (seen,) = target.seen
    assert (seen.method, seen.target) == ("PUT", "/v2/customer_profiles/u%201?runRuleEngine=false")
    assert seen.body == b'{"attributes":{"email":"e","age":null}}'
    assert seen.headers["authorization"] == f"ApiKey-v1 {API_KEY}"
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["accept-encoding"] == "identity"
    assert "cookie" not in seen.headers


def test_the_rule_engine_runs_when_asked_for_below_a_path(target: Target) -> None:
    put(target.url + "/talon/", run_rule_engine=True)
    assert target.seen[0].target == "/talon/v2/customer_profiles/u?runRuleEngine=true"


user_ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(user_ids)
@example("a/b")
@example("%2F")
@example("a%2Fb")
@example("?x=1")
@example("#frag")
@example("a;b+c d\\e")
@example("😀")
@example("u\u0308")
@example("x" * 1000)
@example("\0")
@example("a\r\nX-Evil: 1\r\n\r\n")
@example("...")
@example("../../v1/attributes")
@hypothesis_settings(deadline=None, max_examples=40)
def test_any_user_id_arrives_as_one_raw_segment(shared: Target, user_id: str) -> None:
    if user_id in (".", ".."):
        return
    put(shared.url, user_id)
    seen = shared.seen[-1]
    assert seen.user == user_id
    assert seen.target.count("/") == 3
    assert seen.target.count("?") == 1
    assert seen.target.isascii()
    assert "x-evil" not in seen.headers


@pytest.fixture(scope="module", name="shared")
def shared_by_examples(shared_target: Target) -> Target:
    """The module's target, under a name that Hypothesis may reuse between examples."""
    return shared_target


@pytest.mark.parametrize("text", ["9007199254740993", "18446744073709551616", "1" + "0" * 30, "0.1", "1.10", "-0.0"])
def test_numbers_are_sent_digit_for_digit(target: Target, text: str) -> None:
    put(target.url, "u", codec.value(b'{"n":' + text.encode() + b"}"))
    assert target.seen[0].body == b'{"attributes":{"n":' + text.encode() + b"}}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(target: Target, status: int) -> None:
    target.script = always(Reply(status, (("Location", f"{target.url}/elsewhere"),)))
    got = put(target.url)
    assert isinstance(got, Answer)
    assert got.status == status
    assert len(target.seen) == 1


def test_proxies_of_the_environment_are_not_used(target: Target) -> None:
    """Nobody listens at the proxy that the environment names."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with environment(http_proxy=nobody, HTTP_PROXY=nobody, all_proxy=nobody, no_proxy=""):
        assert put(target.url) == Answer(200, {}, b"{}")


def test_only_what_matters_of_the_headers_is_kept(target: Target) -> None:
    target.script = always(Reply(503, (("Retry-After", "7"), ("Set-Cookie", "a=b"), ("X-Other", "x"))))
    assert put(target.url) == Answer(503, {"retry-after": "7"}, b"{}")


def test_no_more_of_an_answer_is_read_than_needed(target: Target) -> None:
    target.script = always(Reply(400, body=b"x" * 100_000, endless=True))
    assert put(target.url) == Answer(400, {}, b"x" * MAX_ANSWER_BYTES)


def test_a_compressed_answer_is_not_unpacked(target: Target) -> None:
    bomb = gzip.compress(b"\0" * 20_000_000)
    target.script = always(Reply(400, (("Content-Encoding", "gzip"),), bomb))
    assert put(target.url) == Answer(400, {}, bomb[:MAX_ANSWER_BYTES])


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    got = put(url)
    assert isinstance(got, NoAnswer)
    assert got.may_have_landed is False
    assert url in got.reason
    assert API_KEY not in got.reason


@pytest.mark.parametrize("cut", ["before", "half"])
def test_a_dropped_connection_may_have_landed(target: Target, cut: str) -> None:
    target.script = always(Reply(cut=cut))
    got = put(target.url)
    assert isinstance(got, NoAnswer)
    assert got.may_have_landed
    assert got.reason.startswith("the connection failed: ")
    assert len(target.seen) == 1


def test_a_connection_that_is_used_again_and_dropped_sends_once(target: Target) -> None:
    """Left to itself, the HTTP client sends a PUT again at once: the first may land after what follows."""

    async def main() -> list[Answer | NoAnswer]:
        async with TalonOne(destination(target.url), 10) as talon:
            return [await talon.update_profile(Request(user, {"n": 1})) for user in ("first", "second")]

    target.script = lambda seen: Reply(cut="before" if seen.user == "second" else "")
    first, second = asyncio.run(main())
    assert isinstance(first, Answer)
    assert isinstance(second, NoAnswer)
    assert second.may_have_landed
    assert [seen.user for seen in target.seen] == ["first", "second"]


def test_an_answer_that_does_not_come_in_time_may_have_landed(target: Target) -> None:
    target.script = always(Reply(gate=target.gate()))
    assert put(target.url, timeout=0.1) == NoAnswer("no complete answer within 0.1 s", may_have_landed=True)


def test_what_is_no_http_may_have_landed(target: Target) -> None:
    target.script = always(Reply(headers=(("Content-Length", "x"),)))
    got = put(target.url)
    assert isinstance(got, NoAnswer)
    assert got.may_have_landed
