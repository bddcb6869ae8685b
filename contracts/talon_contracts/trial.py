"""A trial: one check run against a bench until it is kept, broken, or cannot be judged."""

import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from hypothesis import given
from hypothesis import seed as seeded
from hypothesis.errors import Flaky, InvalidArgument, Unsatisfiable

from talon_contracts.checks import Check
from talon_contracts.drawing import drawing
from talon_contracts.judges import Mismatch, late
from talon_contracts.strategies import Names, names_of
from talon_contracts.targets import Bench, CannotJudge
from talon_contracts.verdicts import Broken, Kept, Unjudged, Unproven, Verdict

ROUNDS: Final = 5
"""How often cases are drawn at most in search of features."""


class _Found(Exception):
    """Carries a mismatch through Hypothesis, which shrinks what raises."""


def run(
    check: Check,
    bench: Bench,
    *,
    examples: int = 100,
    seed: int | None = None,
    shrink: bool = True,
    tell: Callable[[int, int], None] | None = None,
) -> Verdict:
    """Run one check with that many cases; the same seed against the same targets draws the same cases.

    While a feature has not shown often enough, as many cases are drawn again, at most `ROUNDS` times: Hypothesis
    repeats and varies what it has drawn, so that in one round a feature can be missing by chance. `tell` hears how many
    cases are done, and how many there will be at least.
    """
    missing = lacking(check, bench)
    if missing:
        return Unjudged(check.name, missing)
    seed = secrets.randbits(32) if seed is None else seed
    try:
        names = _names(check, bench)
    except CannotJudge as error:
        return Unjudged(check.name, str(error))
    bench.looked.clear()
    wanted = examples if check.most is None else min(examples, check.most)
    trial = _Trial(check, bench, lambda cases: tell(cases, wanted) if tell else None)
    for number in range(ROUNDS):
        steady = trial.draw(names, wanted, seed + number, shrink=shrink)
        if trial.mismatch is not None:
            # With a target that went away while the case was made smaller, nobody knows whether it would come again.
            return _verdict(check, trial.mismatch, seed, steady or trial.trouble is not None)
        if trial.trouble is not None:
            return Unjudged(check.name, str(trial.trouble))
        if not trial.missing():
            return trial.kept(seed)
    return Unproven(check.name, trial.missing(), trial.cases, seed)


def lacking(check: Check, bench: Bench) -> str:
    """What a bench lacks for a check; empty when it lacks nothing."""
    for need in check.needs:
        found = getattr(bench, need)
        if found is None or (need == "engage" and not found.there):
            return _NEEDED[need]
    return ""


def undrawable(check: Check, bench: Bench) -> str:
    """Why nothing can be drawn for a check from what is set up; empty where something can."""
    trial = _Trial(replace(check, judge=lambda bench, case: None), bench, lambda cases: None)
    try:
        trial.draw(_names(check, bench), 1, 0, shrink=False)
    except CannotJudge as error:
        trial.trouble = error
    return "" if trial.trouble is None else str(trial.trouble)


_NEEDED: Final = {
    "bridge": "there is no bridge",
    "audience_key": "how it makes the keys of audiences cannot be seen over the tracking API",
    "management": "there is no Management API key to ask Talon.One with",
    "engage": "this bridge has no audiences and computed traits of its own under /_bridge/engage",
    "levers": "this Talon.One has no faults, limits and clock to be moved, as emulators have under /_emulator/",
}


def _names(check: Check, bench: Bench) -> Names:
    """What is set up to draw from; audiences that a bridge has already keep their attributes to themselves."""
    taken = bench.engage.keys() if "engage" in check.needs and bench.engage is not None else frozenset()
    return names_of(bench.settings, {name: kind for name, kind in bench.definitions.items() if name not in taken})


def _nothing_to_draw(names: Names) -> str:
    there = ", ".join(f"{name} ({names.types[name]})" for name in names.listed) or "none"
    needed = (
        "as in the demo, there should be Custom Attributes of every type and one with `_` in its name, all defined,"
        " and a boolean and another attribute that are defined and no Custom Attributes"
    )
    return f"what is set up gives this check nothing to draw: {needed}; defined Custom Attributes: {there}"


def _verdict(check: Check, found: Mismatch, seed: int, steady: bool) -> Verdict:
    """Broken; but for a mapping that is wrong now and then there is no verdict: something else goes wrong there."""
    if not steady and check.rule is not None and not check.rule.startswith(("DEL", "LIM")):
        seen = f"the same case came out well when it was sent again; expected {found.expected}, found {found.actual}"
        what = "a target that loses or delays what it accepts breaks DEL-1 or DEL-2"
        return Unjudged(check.name, f"{seen}, for {found.case}: {what}")
    rule = found.rule if steady or check.rule is not None else "DEL-1"  # which all of them rest upon
    return Broken(check.name, rule, found.case, found.expected, found.actual, seed, steady, found.about)


class _Trial:
    """What has been seen so far."""

    def __init__(self, check: Check, bench: Bench, tell: Callable[[int], None]) -> None:
        self.check = check
        self.bench = bench
        self.tell = tell
        self.cases = 0
        self.shown: Counter[str] = Counter()
        self.mismatch: Mismatch | None = None
        self.trouble: CannotJudge | None = None

    def missing(self) -> tuple[str, ...]:
        """The features that have not shown often enough."""
        least = {name: max(1, feature.share * self.cases) for name, feature in self.check.features.items()}
        return tuple(name for name, number in least.items() if self.shown[name] < number)

    def kept(self, seed: int) -> Verdict:
        """The verdict where all is well, if a second look says so, too."""
        try:
            found = late(self.bench, self.check.rule)
        except CannotJudge as error:
            return Unjudged(self.check.name, str(error))
        if found is not None:
            return _verdict(self.check, found, seed, steady=True)
        return Kept(self.check.name, self.cases, {name: self.shown[name] for name in self.check.features}, seed)

    def draw(self, names: Names, examples: int, seed: int, *, shrink: bool) -> bool:
        """One round of cases, up to the first mismatch; whether that came again each time it was tried."""

        @seeded(seed)
        @drawing(examples, shrink=shrink)
        @given(self.check.strategy(names))
        def each(case: Any) -> None:
            self._judge(case)

        try:
            each()
        except _Found:
            return True
        except Flaky:
            return False
        except (InvalidArgument, Unsatisfiable):
            self.trouble = CannotJudge(_nothing_to_draw(names))
        return True

    def _judge(self, case: Any) -> None:
        if self.trouble is not None:  # a target that is gone stays gone; what is left to draw passes at once
            return
        view = self.check.view(case, self.bench.settings, self.bench.definitions)
        self.shown.update(name for name, feature in self.check.features.items() if feature.shows(view))
        self.cases += 1
        self.tell(self.cases)
        try:
            found = self.check.judge(self.bench, case)
        except CannotJudge as error:
            self.trouble = error
            return
        if found is not None:
            self.mismatch = found
            raise _Found
