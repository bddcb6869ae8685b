"""A bridge that loses digits in lists is caught where an attribute takes lists of numbers; the demo has none."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from contracts_support import API_KEY, DEFINITIONS, SETTINGS, bench, serving, talon_one
from talon_contracts.checks import CHECKS
from talon_contracts.targets import Bench
from talon_contracts.trial import run
from talon_contracts.verdicts import Broken, Kept
from wrong_bridges.right_bridge import RightBridge, through_binary64
from wrong_bridges.street import Street

SCORES = "scores"
LISTED = SETTINGS.custom_attributes | {SCORES}


class RoundsInLists(RightBridge):
    """Takes care of the digits of numbers, and forgets those in lists."""

    def value(self, name: str, value: Any) -> Any:
        return through_binary64(value) if isinstance(value, list) else value


@pytest.fixture(scope="module")
def made() -> Iterator[dict[type[RightBridge], Bench]]:
    with talon_one() as url:
        bridges = {kind: kind(url, API_KEY, LISTED) for kind in (RightBridge, RoundsInLists)}
        with (
            serving(Street({kind.__name__: bridge for kind, bridge in bridges.items()})) as street,
            bench(url, f"{street}/RightBridge") as right,
            bench(url, f"{street}/RoundsInLists") as wrong,
        ):
            assert right.management is not None
            assert right.management.define(SCORES, "(list number)").status == 201
            changed: dict[str, Any] = {
                "settings": replace(SETTINGS, custom_attributes=LISTED),
                "definitions": {**DEFINITIONS, SCORES: "(list number)"},
            }
            yield {RightBridge: replace(right, **changed), RoundsInLists: replace(wrong, **changed)}


def test_numbers_in_lists_keep_their_digits(made: dict[type[RightBridge], Bench]) -> None:
    assert isinstance(run(CHECKS["MAP-8"], made[RightBridge], seed=1), Kept)


def test_bridge_that_rounds_in_lists_is_caught(made: dict[type[RightBridge], Bench]) -> None:
    verdict = run(CHECKS["MAP-8"], made[RoundsInLists], seed=1)
    assert isinstance(verdict, Broken)
    assert verdict.rule == "MAP-8"
