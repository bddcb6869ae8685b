"""Each wrong bridge is caught by no rule but the one that it breaks: a check speaks of its own rule only."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from talon_contracts.checks import CHECKS, Check
from talon_contracts.targets import Bench
from talon_contracts.trial import run
from talon_contracts.verdicts import Kept
from wrong_bridges.right_bridge import RightBridge
from wrong_bridges.wrong_bridges_catalogue import ALL, WrongBridge

OF_BRIDGES = [
    check for check in CHECKS.values() if check.target in ("bridge", "audience_key") and check.rule is not None
]
SEED = 20240502
CASES = 8


@pytest.fixture(scope="module")
def cases(benches: Mapping[type[RightBridge], Bench]) -> Mapping[str, list[object]]:
    """A few cases of each check, by its rule, drawn once for all bridges: drawing costs as much as judging."""
    return {str(check.rule): drawn(check, benches[RightBridge]) for check in OF_BRIDGES}


def drawn(check: Check, bench: Bench) -> list[object]:
    found: list[object] = []
    collecting = replace(check, judge=lambda bench, case: found.append(case), features={})
    assert isinstance(run(collecting, bench, examples=CASES, seed=SEED, shrink=False), Kept)
    return found


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_wrong_bridge_is_caught_by_no_other_rule(
    kind: type[WrongBridge], benches: Mapping[type[RightBridge], Bench], cases: Mapping[str, list[object]]
) -> None:
    elsewhere = [check for check in OF_BRIDGES if check.rule not in {kind.rule, *kind.also}]
    caught = {
        check.rule
        for check in elsewhere
        if any(check.judge(benches[kind], case) is not None for case in cases[str(check.rule)])
    }
    assert caught == set()
