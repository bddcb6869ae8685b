"""A trial: one check run against a bench until it is kept, broken, or cannot be judged."""

import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from hypothesis import Phase, Verbosity, given, settings
from hypothesis import seed as seeded
from hypothesis.errors import Flaky, InvalidArgument, Unsatisfiable

from talon_contracts.checks import Check
from talon_contracts.judges import Mismatch
from talon_contracts.strategies import Names, names_of
from talon_contracts.targets import Bench, CannotJudge

ROUNDS: Final = 5
"""How often cases are drawn at most in search of features."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Every case came out as the oracle says; `features` counts in how many cases each showed."""

    check: str
    cases: int
    features: Mapping[str, int]
    seed: int


@dataclass(frozen=True, slots=True)
class Broken:
    """A case did not: the smallest one found, which can be sent again; not `steady`: it did not happen every time."""

    check: str
    rule: str
    case: object
    expected: object
    actual: object
    seed: int
    steady: bool = True


@dataclass(frozen=True, slots=True)
class Unproven:
    """Every case came out well, but none showed the features listed, so that nothing is proved."""

    check: str
    missing: tuple[str, ...]
    cases: int
    seed: int


@dataclass(frozen=True, slots=True)
class Unjudged:
    """No verdict: a target is missing, down, or never settles, or its set-up has nothing to try; says what was seen."""

    check: str
    reason: str


Verdict: TypeAlias = Kept | Broken | Unproven | Unjudged


class _Found(Exception):
    """Carries a mismatch through Hypothesis, which shrinks what raises."""


def run(check: Check, bench: Bench, *, examples: int = 100, seed: int | None = None, shrink: bool = True) -> Verdict:
    """Run one check with that many cases; the same seed against the same targets draws the same cases.

    While a feature has not shown, as many cases are drawn again, at most `ROUNDS` times: Hypothesis repeats and varies
    what it has drawn, so that in one round a feature can be missing by chance.
    """
    if (check.target == "bridge" and bench.bridge is None) or (
        check.target == "audience_key" and bench.audience_key is None
    ):
        return Unjudged(check.name, f"there is no {check.target.replace('_', ' ')} on the bench")
    seed = secrets.randbits(32) if seed is None else seed
    names = names_of(bench.settings, bench.definitions)
    trial = _Trial(check, bench)
    for number in range(ROUNDS):
        steady = trial.draw(names, examples, seed + number, shrink=shrink)
        if trial.mismatch is not None:
            found = trial.mismatch
            return Broken(check.name, found.rule, found.case, found.expected, found.actual, seed, steady)
        if trial.trouble is not None:
            return Unjudged(check.name, str(trial.trouble))
        if not trial.missing():
            return Kept(check.name, trial.cases, {name: trial.shown[name] for name in check.features}, seed)
    return Unproven(check.name, trial.missing(), trial.cases, seed)


class _Trial:
    """What has been seen so far."""

    def __init__(self, check: Check, bench: Bench) -> None:
        self.check = check
        self.bench = bench
        self.cases = 0
        self.shown: Counter[str] = Counter()
        self.mismatch: Mismatch | None = None
        self.trouble: CannotJudge | None = None

    def missing(self) -> tuple[str, ...]:
        """The features that have not shown."""
        return tuple(name for name in self.check.features if not self.shown[name])

    def draw(self, names: Names, examples: int, seed: int, *, shrink: bool) -> bool:
        """One round of cases, up to the first mismatch; whether that came again each time it was tried."""
        arranged = settings(
            max_examples=examples,
            phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
            database=None,
            deadline=None,
            report_multiple_bugs=False,
            print_blob=False,
            verbosity=Verbosity.quiet,
        )

        @seeded(seed)
        @arranged
        @given(self.check.strategy(names))
        def each(case: Any) -> None:
            self._judge(case)

        try:
            each()
        except _Found:
            return True
        except Flaky:
            return False
        except (InvalidArgument, Unsatisfiable) as error:
            self.trouble = CannotJudge(f"what is set up gives this check nothing to draw: {error}")
        return True

    def _judge(self, case: Any) -> None:
        if self.trouble is not None:  # a target that is gone stays gone; what is left to draw passes at once
            return
        view = self.check.view(case, self.bench.settings, self.bench.definitions)
        self.shown.update(name for name, feature in self.check.features.items() if feature(view))
        self.cases += 1
        try:
            found = self.check.judge(self.bench, case)
        except CannotJudge as error:
            self.trouble = error
            return
        if found is not None:
            self.mismatch = found
            raise _Found
