"""Our own pair, judged by the contracts over real HTTP: every check, and the oracle against Segment's own library."""

import math
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from segment.analytics.client import Client

from contracts_support import DEFINITIONS, SETTINGS, Recorder, bench, recording
from localtalon import Sandbox
from localtalon.verification import key_or_refusal
from talon_contracts import machine, schemas
from talon_contracts.checks import CHECKS, Check
from talon_contracts.exact_json import same_value
from talon_contracts.judges import malformed
from talon_contracts.oracle import expected_profiles
from talon_contracts.strategies import names_of
from talon_contracts.strategies.traits import traits
from talon_contracts.targets import Bench
from talon_contracts.trial import run
from talon_contracts.verdicts import Kept

QUICK = '[emulator]\nlimits = "off"\n[bridge]\nmax_requests_per_second = 0\nfirst_wait = 0.02\nrequest_timeout = 1\n'


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A pair that retries at once."""
    config = tmp_path_factory.mktemp("quick") / "localtalon.toml"
    config.write_text(QUICK)
    with Sandbox(config) as running:
        yield running


@pytest.fixture(scope="module")
def pair(sandbox: Sandbox) -> Iterator[Bench]:
    with bench(sandbox.emulator_url, sandbox.bridge_url, audience_key=key_or_refusal) as made:
        yield made


@pytest.fixture(scope="module")
def rejecting_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A pair whose destination is set to reject client-side sources."""
    config = tmp_path_factory.mktemp("rejecting") / "localtalon.toml"
    config.write_text(f'{QUICK}[destination]\nclient_side_sources = "reject"\n')
    with Sandbox(config) as running:
        settings = replace(SETTINGS, client_side_sources="reject")
        with bench(running.emulator_url, running.bridge_url, settings=settings) as made:
            yield made


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS.keys())
def test_our_pair_keeps_the_rule(check: Check, pair: Bench) -> None:
    verdict = run(check, pair, examples=60)
    assert isinstance(verdict, Kept), verdict


@pytest.mark.parametrize("name", ["SRC-1", "ID-3", "MAP-4", "AUD-4", "all together"])
def test_our_pair_keeps_the_rule_where_client_side_sources_are_rejected(name: str, rejecting_pair: Bench) -> None:
    verdict = run(CHECKS[name], rejecting_pair, examples=60)
    assert isinstance(verdict, Kept), verdict


def test_our_pair_keeps_all_of_them_whatever_happens(pair: Bench) -> None:
    verdict = machine.run(pair, examples=20)
    assert isinstance(verdict, Kept), verdict


def test_of_two_members_with_one_key_the_last_counts(pair: Bench, sandbox: Sandbox) -> None:
    user = pair.tag()
    body = f'{{"userId": "{user}", "traits": {{"age": 1, "address": {{"city": "B"}}, "age": 2, "address": {{}}}}}}'
    answer = httpx.post(
        f"{sandbox.bridge_url}/v1/identify", content=body, auth=(sandbox.write_key, ""), trust_env=False
    )
    assert answer.status_code == 200
    assert pair.bridge is not None
    pair.bridge.settle()
    assert pair.talon_one.profile(user) == {"age": 2}


def for_python(value: Any) -> Any:
    """A drawn value as somebody would give it to the Python library: floats, where the contracts speak of Decimals."""
    if isinstance(value, dict):
        return {key: for_python(each) for key, each in value.items()}
    if isinstance(value, list):
        return [for_python(each) for each in value]
    if isinstance(value, Decimal):
        return float(value) if math.isfinite(float(value)) else 0.1
    return value


def on_the_wire(value: Any) -> Any:
    """What the library makes of it: a float is written with the fewest digits that read back the same."""
    if isinstance(value, dict):
        return {key: on_the_wire(each) for key, each in value.items()}
    if isinstance(value, list):
        return [on_the_wire(each) for each in value]
    return Decimal(repr(value)) if isinstance(value, float) else value


@pytest.fixture(scope="module")
def recorder(sandbox: Sandbox) -> Iterator[tuple[str, Recorder]]:
    with recording(sandbox.bridge_url) as made:
        yield made


def test_what_the_library_sends_is_valid_and_arrives_as_the_oracle_says(
    pair: Bench, sandbox: Sandbox, recorder: tuple[str, Recorder]
) -> None:
    url, recorded = recorder
    client = Client(sandbox.write_key, host=url, sync_mode=True)
    names = names_of(SETTINGS, DEFINITIONS)
    assert pair.bridge is not None
    settle = pair.bridge.settle

    @settings(max_examples=100, deadline=None)
    @given(st.lists(traits(names).map(for_python), min_size=1, max_size=3))
    def each(history: list[dict[str, Any]]) -> None:
        user = pair.tag()
        recorded.messages.clear()
        for given_traits in history:
            client.identify(user, given_traits)
        settle()
        assert len(recorded.messages) == len(history)
        for path, batch in recorded.messages:
            assert (path, schemas.problems("segment-batch", batch)) == ("/v1/batch", ())
        for exchange in pair.talon_one.updates_seen(user):
            assert malformed(exchange) == ()
        events = [{"type": "identify", "userId": user, "traits": on_the_wire(each)} for each in history]
        expected = expected_profiles(events, SETTINGS, DEFINITIONS).get(user)
        held = pair.talon_one.profile(user)
        assert (held is None and expected is None) or same_value(held, expected)

    each()
