"""A check: one rule put to the test against one kind of target, and how each kind of check is made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar

from hypothesis.strategies import SearchStrategy

from talon_contracts import views
from talon_contracts.judges import Mismatch, judge_audience_key, judge_bridge, judge_stream, judge_talon_one
from talon_contracts.rules import RULES, Level
from talon_contracts.strategies import Case, Names, audience_definitions
from talon_contracts.strategies.streams import Stream
from talon_contracts.strategies.updates import Update
from talon_contracts.targets import Bench

T = TypeVar("T")
Strategy: TypeAlias = Callable[[Names], SearchStrategy[T]]
Judge: TypeAlias = Callable[[Bench, T], Mismatch | None]
SELDOM: Final = 0.02
OFTEN: Final = 0.1


@dataclass(frozen=True, slots=True)
class Feature(Generic[T]):
    """Something that cases must show: whether the view of one does, and in which share of them it must be seen."""

    shows: Callable[[T], bool]
    share: float = SELDOM


def often(shows: Callable[[T], bool]) -> Feature[T]:
    """What a rule is about, which many of its cases must show."""
    return Feature(shows, OFTEN)


Features: TypeAlias = Mapping[str, Callable[[T], bool] | Feature[T]]
"""What the cases of a check must show, by name: a function alone is a feature that may be seldom."""
Need = Literal["bridge", "audience_key", "management", "levers", "engage"]
"""What a bench may lack."""


@dataclass(frozen=True, slots=True)
class Check:
    """One rule put to the test against one kind of target.

    `rule` None stands for all rules of a bridge at once: the mismatch names the broken one. A case is whatever the
    strategy draws; `view` (see `talon_contracts.views`) is what the features look at, and each feature must have
    shown in its share of the cases, and in one at least, or the check has proved nothing. `needs` is what the bench
    must have; `most` bounds the cases of a check whose cases take long.
    """

    name: str
    rule: str | None
    target: Literal["bridge", "talon_one", "audience_key", "engage"]
    strategy: Strategy[Any]
    judge: Judge[Any]
    view: Callable[[Any, Any, Any], Any]
    features: Mapping[str, Feature[Any]]
    needs: tuple[Need, ...] = ()
    most: int | None = None

    @property
    def statement(self) -> str:
        """What must hold."""
        return (
            RULES[self.rule].statement if self.rule else "All rules of a bridge at once, in calls with every feature."
        )

    @property
    def source(self) -> str:
        """Where that is said; empty where it is said in many places."""
        return RULES[self.rule].source if self.rule else ""

    @property
    def levels(self) -> tuple[Level, ...]:
        """Who says so; all of them where it is about all rules."""
        return RULES[self.rule].levels if self.rule else tuple(Level)


def _stated(features: Features[Any]) -> Mapping[str, Feature[Any]]:
    each = {name: shown if isinstance(shown, Feature) else Feature(shown) for name, shown in features.items()}
    return MappingProxyType(each)


def of_bridge(rule: str | None, strategy: Strategy[Case], features: Features[views.CaseView]) -> Check:
    """A check of what a bridge makes of calls about one user; of all rules where none is given."""
    judge, shown = judge_bridge(rule), _stated(features)
    return Check(rule or "all together", rule, "bridge", strategy, judge, views.view_case, shown, ("bridge",))


def of_streams(
    rule: str, strategy: Strategy[Stream], features: Features[views.StreamView], *needs: Need, most: int | None = None
) -> Check:
    """A check of what a bridge makes of a stream of calls about several users, with faults and pauses in it."""
    judge, shown = judge_stream(rule), _stated(features)
    return Check(rule, rule, "bridge", strategy, judge, views.view_stream, shown, ("bridge", *needs), most)


def of_audience_keys(rule: str, features: Features[views.NameView]) -> Check:
    """A check of the key that an audience is given."""
    judge, shown = judge_audience_key(rule), _stated(features)
    return Check(
        rule, rule, "audience_key", lambda _: audience_definitions(), judge, views.view_name, shown, ("audience_key",)
    )


def of_updates(rule: str, strategy: Strategy[Update], features: Features[views.UpdateView]) -> Check:
    """A check of what a Talon.One makes of updates that are sent straight to it."""
    judge, shown = judge_talon_one(rule), _stated(features)
    return Check(f"{rule} at Talon.One", rule, "talon_one", strategy, judge, views.view_update, shown)


def of_engage(
    name: str, strategy: Strategy[T], judge: Judge[T], features: Features[T], *, most: int | None = None
) -> Check:
    """A check of the audiences and computed traits of a bridge; its name begins with its rule."""
    rule, shown = name.split()[0], _stated(features)
    return Check(name, rule, "engage", strategy, judge, views.as_it_is, shown, ("bridge", "engage"), most)


def of_talon_one(
    name: str,
    strategy: Strategy[T],
    judge: Callable[[str], Judge[T]],
    features: Features[T],
    *needs: Need,
    most: int | None = None,
) -> Check:
    """A check of anything else at a Talon.One; its name begins with its rule."""
    rule, shown = name.split()[0], _stated(features)
    return Check(f"{name} at Talon.One", rule, "talon_one", strategy, judge(rule), views.as_it_is, shown, needs, most)
