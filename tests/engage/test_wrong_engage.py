"""Each wrong Engage is caught by the check of the rule that it breaks; the right one passes all of them."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import httpx
import pytest

from contracts_support import API_KEY, WRITE_KEY, bench, serving, talon_one
from engage.kills import Run, groups
from engage.right_engage import RightEngage, ShowingEngage
from engage.wrong_engages_catalogue import ALL, SendsEveryoneEachTime, WrongEngage
from talon_contracts.checks import CHECKS, Check
from talon_contracts.rules import RULES
from talon_contracts.targets import Bench, Bridge, Engage
from talon_contracts.trial import run
from talon_contracts.verdicts import Broken, Kept, Unjudged

SEED = 20240502
OF_ENGAGE = [check for check in CHECKS.values() if check.target == "engage"]
CAUGHT_BY_CHECKS = [kind for kind in ALL if kind.check in CHECKS]
CAUGHT_BY_KILLS = [kind for kind in ALL if kind.check == "kills"]
USERS = [f"u{number}" for number in range(30)]


@pytest.fixture(scope="module")
def talon() -> Iterator[str]:
    with talon_one() as url:
        yield url


@contextmanager
def engage_bench(talon: str, engage: RightEngage) -> Iterator[Bench]:
    """A bench with an Engage on it."""
    with serving(engage) as url, bench(talon, url) as made:
        yield made


@pytest.mark.parametrize("kind", [RightEngage, ShowingEngage])
@pytest.mark.parametrize("check", OF_ENGAGE, ids=lambda check: check.name)
def test_the_right_one_is_kept_by_every_check(check: Check, kind: type[RightEngage], talon: str) -> None:
    with engage_bench(talon, kind(talon, API_KEY)) as made:
        verdict = run(check, made, seed=SEED)
    assert isinstance(verdict, Kept), verdict


@pytest.mark.parametrize("kind", CAUGHT_BY_CHECKS, ids=lambda kind: kind.__name__)
def test_a_wrong_one_is_caught_by_its_rule(kind: type[WrongEngage], talon: str) -> None:
    with engage_bench(talon, kind(talon, API_KEY)) as made:
        verdict = run(replace(CHECKS[kind.check], most=None), made, seed=SEED, shrink=False)
    assert isinstance(verdict, Broken), verdict
    assert verdict.rule == kind.rule
    assert verdict.steady


@pytest.mark.parametrize("kind", [RightEngage, SendsEveryoneEachTime])
def test_an_app_of_this_process_is_judged_without_a_socket(kind: type[RightEngage], talon: str) -> None:
    app = kind(talon, API_KEY)
    with bench(talon) as made:
        whole = replace(made, bridge=Bridge(app, WRITE_KEY), engage=Engage(app))
        verdict = run(CHECKS["AUD-5 syncs"], whole, seed=SEED, shrink=False)
        assert isinstance(verdict, Kept if kind is RightEngage else Broken), verdict
        whole.close()


def test_every_one_names_a_check_and_a_rule() -> None:
    assert set(ALL) == {*CAUGHT_BY_CHECKS, *CAUGHT_BY_KILLS}
    assert {kind.rule for kind in ALL} <= RULES.keys()


class Tiny:
    """A tiny Engage that dies amid sending."""

    def __init__(self, engage: RightEngage, url: str) -> None:
        self.engage, self.url = engage, url
        self._endangered = False

    def endanger(self, dice: random.Random, chunks: int) -> None:
        """It dies after so many identifies."""
        self.engage.dying_after = dice.randint(0, 12)
        self._endangered = True

    def happened(self, last: bool) -> None:
        """Nothing comes of that."""

    def revive(self) -> bool:
        """Start it again, if it died."""
        died = self._endangered and self.engage.dying_after is None
        self._endangered, self.engage.dying_after = False, None
        if died:
            self.engage.start()
        return died


def killed(kind: type[RightEngage], talon: str) -> Run:
    """A few rounds, and what was wrong with them; on a Talon.One that has forgotten earlier ones."""
    httpx.post(f"{talon}/_emulator/reset", trust_env=False).raise_for_status()
    engage = kind(talon, API_KEY)
    with serving(engage) as url:
        of = groups("order_completed_last_30days", "lifetime_value")
        with Run(Tiny(engage, url), of, USERS, SEED, kills=6) as made:
            made.define()
            for number in range(10):
                made.round(number)
            export = httpx.get(f"{talon}/_emulator/export", trust_env=False).json()
            made.look({each["integration_id"]: each["attributes"] for each in export["profiles"]})
    return made


def test_the_right_one_survives_kills(talon: str) -> None:
    made = killed(ShowingEngage, talon)
    assert made.complaints == []
    assert made.deaths == 6


@pytest.mark.parametrize("kind", CAUGHT_BY_KILLS, ids=lambda kind: kind.__name__)
def test_a_wrong_one_does_not_survive_kills(kind: type[WrongEngage], talon: str) -> None:
    complaints = killed(kind, talon).complaints
    assert {complaint.partition(":")[0] for complaint in complaints} >= {kind.rule}


def test_a_bridge_without_engage_is_not_tried(talon: str) -> None:
    with bench(talon, talon) as made:
        for check in OF_ENGAGE:
            for without in (made, replace(made, engage=None)):
                verdict = run(check, without)
                assert isinstance(verdict, Unjudged), verdict
                assert "/_bridge/engage" in verdict.reason
