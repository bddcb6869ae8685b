"""ATT-4 at Talon.One in bulk: updates of several profiles in one request, over values that some of them have."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.checks.check import of_talon_one
from talon_contracts.judges.of_profiles import judge_profiles
from talon_contracts.strategies import Names
from talon_contracts.strategies.talon_ones import Several
from talon_contracts.strategies.updates import updates

_ENDS: Final = ("a", "A", "b", "é", "a/b", " x")


@st.composite
def _bulks(draw: DrawFn, names: Names) -> Several:
    ends = draw(st.lists(st.sampled_from(_ENDS), unique=True, min_size=1, max_size=3))
    each = [(end, draw(updates(names, values="fitting"))) for end in ends]
    there = draw(st.integers(0, len(each)))
    first = tuple((end, update.first) for end, update in each[:there])
    return Several(first, tuple((end, update.second) for end, update in each))


CHECK: Final = of_talon_one(
    "ATT-4 bulk",
    _bulks,
    judge_profiles,
    {
        "several profiles": lambda case: len(case.at_once) > 1,
        "null": lambda case: any(None in sent.values() for _, sent in case.at_once),
        "a profile that is there": lambda case: bool(case.singly),
        "a profile that is new": lambda case: len(case.at_once) > len(case.singly),
    },
    most=40,
)
