"""Each wrong bridge is caught by the check of the rule that it breaks, and the right one passes all of them."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from contracts_support import API_KEY, SETTINGS, bench, serving
from talon_contracts.checks import CHECKS, Check
from talon_contracts.rules import RULES
from talon_contracts.targets import Bench
from talon_contracts.trial import Broken, Kept, run
from wrong_bridges.right_bridge import RightBridge
from wrong_bridges.wrong_bridges_catalogue import ALL, WrongBridge

OF_BRIDGES = [check for check in CHECKS.values() if check.target != "talon_one"]
SEED = 20240502


@contextmanager
def bench_with(kind: type[RightBridge], talon_one_url: str) -> Iterator[Bench]:
    bridge = kind(talon_one_url, API_KEY, SETTINGS.custom_attributes)
    with serving(bridge) as url, bench(talon_one_url, url, audience_key=bridge.audience_key) as made:
        yield made


@pytest.fixture(scope="module")
def right(talon_one_url: str) -> Iterator[Bench]:
    with bench_with(RightBridge, talon_one_url) as made:
        yield made


@pytest.mark.parametrize("check", OF_BRIDGES, ids=lambda check: check.name)
def test_right_bridge_passes(check: Check, right: Bench) -> None:
    verdict = run(check, right, examples=150)
    assert isinstance(verdict, Kept), verdict
    assert all(verdict.features.values())


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_wrong_bridge_is_caught_by_its_rule(kind: type[WrongBridge], talon_one_url: str) -> None:
    with bench_with(kind, talon_one_url) as made:
        verdict = run(CHECKS[kind.rule], made, seed=SEED)
        assert isinstance(verdict, Broken), verdict
        assert verdict.rule == kind.rule
        assert verdict.steady
        assert verdict.expected != verdict.actual


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_wrong_bridge_is_caught_by_no_other_rule(kind: type[WrongBridge], talon_one_url: str) -> None:
    caught = set()
    with bench_with(kind, talon_one_url) as made:
        for check in OF_BRIDGES:
            if check.rule is not None and isinstance(run(check, made, examples=8, seed=SEED, shrink=False), Broken):
                caught.add(check.rule)
    assert caught <= {kind.rule} | kind.also


def test_every_rule_that_a_bridge_can_break_has_a_wrong_bridge() -> None:
    assert {kind.rule for kind in ALL} == {check.rule for check in OF_BRIDGES} - {None}
    assert {rule for kind in ALL for rule in kind.also} <= RULES.keys()
