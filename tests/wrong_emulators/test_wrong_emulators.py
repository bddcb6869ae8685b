"""Each wrong emulator is caught by the check of the rule that it breaks; ours, called the same way, by none."""

from collections.abc import Iterator

import pytest

from contracts_support import bench
from talon_contracts.checks import CHECKS, Check
from talon_contracts.targets import Bench
from talon_contracts.trial import run
from talon_contracts.verdicts import Broken, Kept
from talon_emulator.app import create_app
from talon_emulator.settings import Settings
from wrong_emulators.wrong_emulators_catalogue import ALL, Passing, WrongEmulator

SEED = 20240502
OF_TALON_ONE = [check for check in CHECKS.values() if check.target == "talon_one"]


@pytest.fixture(scope="module")
def right() -> Iterator[Bench]:
    with bench(Passing(create_app(Settings(limits="off", journal_size=100)))) as made:
        yield made


@pytest.mark.parametrize("check", OF_TALON_ONE, ids=lambda check: check.name)
def test_ours_keeps_the_rule(check: Check, right: Bench) -> None:
    verdict = run(check, right, examples=300)
    assert isinstance(verdict, Kept), verdict


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_wrong_emulator_is_caught_by_its_rule(kind: type[WrongEmulator]) -> None:
    with bench(kind(create_app(Settings(limits="off", journal_size=100)))) as wrong:
        verdict = run(CHECKS[kind.check], wrong, seed=SEED, shrink=False)
    assert isinstance(verdict, Broken), verdict
    assert verdict.rule == kind.check.split()[0]
    assert verdict.steady


def test_every_check_of_a_talon_one_has_a_wrong_emulator() -> None:
    assert {kind.check for kind in ALL} == {check.name for check in OF_TALON_ONE}
