"""The checks: for each rule a strategy of cases, the features these must show, and a judge."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from hypothesis.strategies import SearchStrategy

from talon_contracts import features, views
from talon_contracts.judges import Mismatch, judge_audience_key, judge_bridge, judge_talon_one
from talon_contracts.strategies import FOCI, Names, audience_definitions, cases
from talon_contracts.strategies.updates import Update, updates, with_strangers, with_wrong_keys
from talon_contracts.targets import Bench


@dataclass(frozen=True, slots=True)
class Check:
    """One rule put to the test against one kind of target.

    `rule` None stands for all rules of a bridge at once: the mismatch names the broken one. A case is whatever the
    strategy draws; `view` (see `talon_contracts.views`) is what the features look at, and each feature must have
    shown at least once, or the check has proved nothing.
    """

    name: str
    rule: str | None
    target: Literal["bridge", "talon_one", "audience_key"]
    strategy: Callable[[Names], SearchStrategy[Any]]
    judge: Callable[[Bench, Any], Mismatch | None]
    view: Callable[[Any, Any, Any], Any]
    features: features.Features


def _of_bridge(rule: str) -> Check:
    return Check(rule, rule, "bridge", FOCI[rule], judge_bridge(rule), views.view_case, features.OF_CASES[rule])


def _of_audience_keys(rule: str) -> Check:
    judge = judge_audience_key(rule)
    return Check(
        rule,
        rule,
        "audience_key",
        lambda names: audience_definitions(),
        judge,
        views.view_name,
        features.OF_NAMES[rule],
    )


def _of_talon_one(rule: str, strategy: Callable[[Names], SearchStrategy[Update]]) -> Check:
    return Check(
        f"{rule} at Talon.One",
        rule,
        "talon_one",
        strategy,
        judge_talon_one(rule),
        views.view_update,
        features.OF_UPDATES[rule],
    )


_ALL: Final = (
    *(_of_bridge(rule) for rule in FOCI),
    Check("all together", None, "bridge", cases, judge_bridge(None), views.view_case, features.OF_HISTORIES),
    _of_audience_keys("AUD-1"),
    _of_audience_keys("AUD-3"),
    _of_talon_one("ATT-1", with_strangers),
    _of_talon_one("ATT-2", lambda names: updates(names, values="any")),
    _of_talon_one("ATT-4", lambda names: updates(names, values="fitting")),
    _of_talon_one("KEY-1", with_wrong_keys),
)

CHECKS: Final[Mapping[str, Check]] = MappingProxyType({check.name: check for check in _ALL})
"""Every check by its name, which is the rule's id where a bridge or its audience keys are judged."""
