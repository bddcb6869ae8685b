"""MAP-8: numbers with many digits under number attributes, and in lists where an attribute takes lists of numbers."""

import functools
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from talon_contracts.checks.check import of_bridge, often
from talon_contracts.strategies import Case, Names
from talon_contracts.strategies.traits import Pair, alone_or_batched, call
from talon_contracts.strategies.values import fitting, numbers


@st.composite
def _digits(draw: DrawFn, names: Names) -> Case:
    drafts = draw(st.lists(_digit_pairs(names).map(call), min_size=1, max_size=2))
    return Case(tuple(drafts), envelope=draw(alone_or_batched()))


@functools.lru_cache(maxsize=32)
def _digit_pairs(names: Names) -> SearchStrategy[list[Pair]]:
    hard = st.tuples(st.sampled_from([(name,) for name in names.of_type("number")]), numbers())
    lists = [st.tuples(st.just((name,)), fitting("(list number)")) for name in names.of_type("(list number)")]
    return st.lists(st.one_of(hard, *lists), min_size=1, max_size=2)


CHECK: Final = of_bridge(
    "MAP-8",
    _digits,
    {
        "integer beyond 2^53": often(
            lambda view: any(isinstance(value, int) and abs(value) > 2**53 for value in view.values)
        ),
        "more than 17 digits": lambda view: any(len(str(value)) > 19 for value in view.values),
        "fraction": lambda view: any("." in str(value) for value in view.values),
    },
)
