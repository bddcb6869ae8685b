"""MAP-3: names that are not Custom Attributes, defined in Talon.One or not, beside listed ones."""

import functools
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from talon_contracts.checks.check import of_bridge, often
from talon_contracts.strategies import Case, Names
from talon_contracts.strategies.traits import Pair, plain_pair, plain_pairs, single
from talon_contracts.strategies.values import scalars


@st.composite
def _unlisted(draw: DrawFn, names: Names) -> Case:
    pairs = draw(_unlisted_pairs(names))
    return single(draw, [*pairs, *draw(plain_pairs(names, min_size=0))])


@functools.lru_cache(maxsize=32)
def _unlisted_pairs(names: Names) -> SearchStrategy[list[Pair]]:
    strange: SearchStrategy[Pair] = st.tuples(st.sampled_from(names.strangers), scalars())
    if names.unlisted:
        strange = st.one_of(strange, plain_pair(names, names.unlisted))
    return st.lists(strange, min_size=1, max_size=3)


CHECK: Final = of_bridge(
    "MAP-3",
    _unlisted,
    {
        "unlisted": often(lambda view: view.withheld_by("MAP-3")),
        "listed beside unlisted": lambda view: view.withheld_by("MAP-3") and bool(view.sent),
        "nothing left to send": lambda view: view.stopped_by("MAP-6"),
    },
)
