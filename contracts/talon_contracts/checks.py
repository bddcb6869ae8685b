"""The checks: for each rule a strategy of cases, the features these must show, and a judge."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

from hypothesis.strategies import SearchStrategy

from talon_contracts import features, views
from talon_contracts.judges import (
    Mismatch,
    judge_audience_key,
    judge_bridge,
    judge_burst,
    judge_definitions,
    judge_ended_key,
    judge_look_up,
    judge_stream,
    judge_talon_one,
)
from talon_contracts.strategies import FOCI, Names, audience_definitions, cases, streams, talon_ones
from talon_contracts.strategies.updates import updates, with_strangers, with_wrong_keys
from talon_contracts.targets import Bench

Strategy: TypeAlias = Callable[[Names], SearchStrategy[Any]]
Judge: TypeAlias = Callable[[str], Callable[[Bench, Any], Mismatch | None]]
Need = Literal["bridge", "audience_key", "management", "levers"]
"""What a bench may lack."""


@dataclass(frozen=True, slots=True)
class Check:
    """One rule put to the test against one kind of target.

    `rule` None stands for all rules of a bridge at once: the mismatch names the broken one. A case is whatever the
    strategy draws; `view` (see `talon_contracts.views`) is what the features look at, and each feature must have
    shown at least once, or the check has proved nothing. `needs` is what the bench must have; `most` bounds the cases
    of a check whose cases take long.
    """

    name: str
    rule: str | None
    target: Literal["bridge", "talon_one", "audience_key"]
    strategy: Callable[[Names], SearchStrategy[Any]]
    judge: Callable[[Bench, Any], Mismatch | None]
    view: Callable[[Any, Any, Any], Any]
    features: features.Features
    needs: tuple[Need, ...] = ()
    most: int | None = None


def _of_bridge(rule: str) -> Check:
    view = views.view_case
    return Check(rule, rule, "bridge", FOCI[rule], judge_bridge(rule), view, features.OF_CASES[rule], ("bridge",))


def _of_streams(rule: str, strategy: Strategy, *needs: Need, most: int | None = None) -> Check:
    needed: tuple[Need, ...] = ("bridge", *needs)
    shown = features.OF_STREAMS[rule]
    return Check(rule, rule, "bridge", strategy, judge_stream(rule), views.view_stream, shown, needed, most)


def _of_audience_keys(rule: str) -> Check:
    judge, view, shown = judge_audience_key(rule), views.view_name, features.OF_NAMES[rule]
    return Check(rule, rule, "audience_key", lambda _: audience_definitions(), judge, view, shown, ("audience_key",))


def _of_updates(rule: str, strategy: Strategy) -> Check:
    judge, view, shown = judge_talon_one(rule), views.view_update, features.OF_UPDATES[rule]
    return Check(f"{rule} at Talon.One", rule, "talon_one", strategy, judge, view, shown)


def _of_talon_one(name: str, judge: Judge, strategy: Strategy, need: Need, most: int | None = None) -> Check:
    rule, shown = name.split()[0], features.OF_TALON_ONE[name]
    return Check(f"{name} at Talon.One", rule, "talon_one", strategy, judge(rule), views.as_it_is, shown, (need,), most)


_ALL: Final = (
    *(_of_bridge(rule) for rule in FOCI),
    _of_streams("AUD-5", streams.syncs),
    _of_streams("LIM-1", streams.limited, "levers", most=40),
    _of_streams("DEL-1", streams.troubled, "levers", most=40),
    _of_streams("DEL-2", streams.ordered, "levers"),
    _of_streams("DEL-3", streams.repeated),
    Check(
        "all together", None, "bridge", cases, judge_bridge(None), views.view_case, features.OF_HISTORIES, ("bridge",)
    ),
    _of_audience_keys("AUD-1"),
    _of_audience_keys("AUD-3"),
    _of_updates("ATT-1", with_strangers),
    _of_updates("ATT-2", lambda names: updates(names, values="any")),
    _of_updates("ATT-4", lambda names: updates(names, values="fitting")),
    _of_updates("KEY-1", with_wrong_keys),
    _of_talon_one("ATT-3", judge_definitions, talon_ones.definitions, "management"),
    _of_talon_one("KEY-1 ended keys", judge_ended_key, talon_ones.ended_keys, "levers", 40),
    _of_talon_one("LIM-1", judge_burst, talon_ones.bursts, "levers", 12),
    _of_talon_one("VIEW-1", judge_look_up, talon_ones.look_ups, "management", 40),
)

CHECKS: Final[Mapping[str, Check]] = MappingProxyType({check.name: check for check in _ALL})
"""Every check by its name, which is the rule's id where a bridge or its audience keys are judged."""
