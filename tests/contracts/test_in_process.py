"""Targets of this process, called without a socket: the same answers as over HTTP, and ends that are clean."""

import gc
from collections.abc import Iterator
from typing import Any

import pytest

from contracts_support import API_KEY, DEFINITIONS, SETTINGS, WRITE_KEY, serving, talon_one
from talon_bridge.app import create_app as create_bridge
from talon_bridge.settings import Destination
from talon_bridge.settings import Settings as BridgeSettings
from talon_contracts.checks import CHECKS
from talon_contracts.targets import Bench, Bridge, CannotJudge, InProcess, TalonOne, channel
from talon_contracts.trial import run
from talon_contracts.verdicts import Kept
from talon_emulator.app import create_app
from talon_emulator.settings import Settings


@pytest.fixture
def emulator() -> Iterator[Any]:
    app = create_app(Settings(limits="off"))
    yield app
    InProcess.of(app).close()


def test_answers_are_those_over_http(emulator: Any) -> None:
    key = {"Authorization": f"ApiKey-v1 {API_KEY}", "Content-Type": "application/json"}
    requests = [
        ("PUT", "/v2/customer_profiles/a%2Fb", key, b'{"attributes": {"age": 12345678901234567890}}'),
        ("GET", "/v1/customer_profiles/a%2Fb/inventory?profile=true", key, None),
        ("GET", "/v1/customer_profiles/a/b/inventory?profile=true", key, None),
        ("PUT", "/v2/customer_profiles/u", {}, b"{}"),
        ("PUT", "/v2/customer_profiles/u", key, b"{"),
    ]
    with serving(create_app(Settings(limits="off"))) as url:
        over_http, here = channel(url), channel(emulator)
        for request in requests:
            one, other = over_http.request(*request), here.request(*request)
            assert one.status == other.status
            assert len(one.body) == len(other.body)
        over_http.close()


def test_all_who_ask_share_one_running_app(emulator: Any) -> None:
    one, other = TalonOne(emulator, API_KEY), TalonOne(emulator, API_KEY)
    one.update("u", {"age": 1})
    assert other.profile("u") == {"age": 1}


def test_our_bridge_in_this_process_delivers() -> None:
    with talon_one() as url:
        destination = Destination(API_KEY, url, tuple(sorted(SETTINGS.custom_attributes)))
        app = create_bridge(BridgeSettings(destination=destination, max_requests_per_second=0))
        bench = Bench(TalonOne(url, API_KEY), SETTINGS, DEFINITIONS, "here-", Bridge(app, WRITE_KEY))
        for name in ("MAP-1", "ID-1", "DEL-3"):
            verdict = run(CHECKS[name], bench, examples=50)
            assert isinstance(verdict, Kept), verdict
        bench.close()
    gc.collect()  # what was not closed is reported now, and is an error


def test_an_app_that_raises_or_says_nothing() -> None:
    async def raises(scope: Any, receive: Any, send: Any) -> None:
        raise ZeroDivisionError("oh")

    async def silent(scope: Any, receive: Any, send: Any) -> None:
        await receive()

    for app, words in ((raises, "the app raised ZeroDivisionError: oh"), (silent, "ended without an answer")):
        here = channel(app)
        with pytest.raises(CannotJudge, match=words):
            here.request("GET", "/", {})
        here.close()


def test_an_app_that_does_not_start() -> None:
    async def refuses(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no disk"})

    here = channel(refuses)
    with pytest.raises(CannotJudge, match="the app does not start: no disk"):
        here.request("GET", "/", {})
    here.close()
