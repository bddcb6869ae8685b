"""The machine passes the right bridge, and catches wrong ones with a short script."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from contracts_support import API_KEY, DEFINITIONS, SETTINGS
from talon_contracts import machine
from talon_contracts.targets import Bench, Bridge, TalonOne
from talon_contracts.verdicts import Broken, Kept, Unjudged, Unproven
from wrong_bridges import wrong_bridges_catalogue as wrong
from wrong_bridges.right_bridge import RightBridge

SEED = 20240502
NOWHERE = "http://127.0.0.1:9"


def test_passes_the_right_bridge(benches: Mapping[type[RightBridge], Bench]) -> None:
    verdict = machine.run(benches[RightBridge], seed=SEED)
    assert isinstance(verdict, Kept), verdict
    assert set(verdict.features) == set(machine.FEATURES) - {"restart"}  # nobody can restart it here
    assert all(verdict.features.values())


@pytest.mark.parametrize(
    "kind",
    [
        wrong.GivesUpAtOnce,
        wrong.DeliversBackwards,
        wrong.PutsFailuresBehind,
        wrong.LetsTheRepetitionWin,
        wrong.ForgetsMessageIds,
        wrong.DropsTheRestAfterARefusal,
        wrong.JoinsWithDots,
    ],
    ids=lambda kind: kind.__name__,
)
def test_catches_a_wrong_bridge(kind: type[wrong.WrongBridge], benches: Mapping[type[RightBridge], Bench]) -> None:
    verdicts = (machine.run(benches[kind], seed=SEED + number) for number in range(4))
    verdict = next((verdict for verdict in verdicts if isinstance(verdict, Broken)), None)
    assert verdict is not None, "not caught in four runs"
    assert verdict.steady
    assert isinstance(verdict.case, list)
    assert len(verdict.case) <= 5


def test_the_seed_finds_it_again(benches: Mapping[type[RightBridge], Bench]) -> None:
    first, again = (machine.run(benches[wrong.GivesUpAtOnce], seed=SEED) for _ in range(2))
    assert isinstance(first, Broken)
    assert again == replace(first, case=any_value(), expected=any_value(), actual=any_value(), about=any_value())


class Anything:
    """Equals everything: what has a tag of its own each time."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


def any_value() -> str:
    anything: str = Anything()  # type: ignore[assignment]
    return anything


def test_a_target_that_is_gone_is_asked_once() -> None:
    gone = Bench(TalonOne(NOWHERE, API_KEY), SETTINGS, DEFINITIONS, "gone-", Bridge(NOWHERE, "key"))
    verdict = machine.run(gone, seed=SEED)
    assert isinstance(verdict, Unjudged)
    assert "Refused" in verdict.reason
    assert isinstance(machine.run(replace(gone, bridge=None)), Unjudged)


def test_too_little_proves_nothing(benches: Mapping[type[RightBridge], Bench]) -> None:
    verdict = machine.run(benches[RightBridge], examples=1, seed=SEED)
    assert isinstance(verdict, Unproven)
    assert verdict.missing
