"""LIM-1 at Talon.One: fewer requests, as many, and more than there may be."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from talon_contracts.checks.check import of_talon_one
from talon_contracts.judges import judge_burst
from talon_contracts.strategies import Names
from talon_contracts.strategies.talon_ones import Burst


def _bursts(names: Names) -> SearchStrategy[Burst]:
    a_second = st.builds(Burst, st.sampled_from((1, 59, 60, 61, 65)), st.just("second"))
    at_once = st.builds(Burst, st.integers(1, 6), st.just("profile"))
    return st.one_of(a_second, at_once)


CHECK: Final = of_talon_one(
    "LIM-1",
    _bursts,
    judge_burst,
    {
        "as many as may be": lambda case: (case.kind, case.requests) in (("second", 60), ("profile", 3)),
        "too many in a second": lambda case: case.kind == "second" and case.requests > 60,
        "too many at once": lambda case: case.kind == "profile" and case.requests > 3,
    },
    "levers",
    most=12,
)
