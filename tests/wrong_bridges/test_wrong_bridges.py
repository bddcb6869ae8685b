"""Each wrong bridge is caught by the check of the rule that it breaks, with a case that can be sent again."""

from collections.abc import Mapping

import pytest

from talon_contracts.checks import CHECKS
from talon_contracts.rules import RULES
from talon_contracts.targets import Bench
from talon_contracts.trial import run
from talon_contracts.verdicts import Broken
from wrong_bridges.right_bridge import RightBridge
from wrong_bridges.wrong_bridges_catalogue import ALL, WrongBridge

SEED = 20240502


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_wrong_bridge_is_caught_by_its_rule(
    kind: type[WrongBridge], benches: Mapping[type[RightBridge], Bench]
) -> None:
    verdict = run(CHECKS[kind.rule], benches[kind], seed=SEED)
    assert isinstance(verdict, Broken), verdict
    assert verdict.rule == kind.rule
    assert verdict.steady
    assert verdict.expected != verdict.actual


def test_every_rule_that_a_bridge_can_break_has_a_wrong_bridge() -> None:
    of_bridges = {check.rule for check in CHECKS.values() if check.target in ("bridge", "audience_key")}
    assert {kind.rule for kind in ALL} == of_bridges - {None}
    assert {rule for kind in ALL for rule in kind.also} <= RULES.keys()
