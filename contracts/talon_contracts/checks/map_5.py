"""MAP-5: lists of scalars, and lists with an object or a list inside, beside a plain leaf."""

import functools
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from talon_contracts.checks.check import of_bridge, often
from talon_contracts.strategies import Case, Names
from talon_contracts.strategies.traits import Pair, plain_pairs, single
from talon_contracts.strategies.values import lists_with_structure, plain
from talon_contracts.views import CaseView


@st.composite
def _lists(draw: DrawFn, names: Names) -> Case:
    pairs = draw(_list_pairs(names))
    return single(draw, [*pairs, *draw(plain_pairs(names, max_size=2))])


@functools.lru_cache(maxsize=32)
def _list_pairs(names: Names) -> SearchStrategy[list[Pair]]:
    lists = [name for name in names.listed if names.types[name].startswith("(list ")]
    good = [st.tuples(st.just((name,)), st.one_of(st.just([]), plain(names.types[name]))) for name in lists]
    bad = st.tuples(st.sampled_from([(name,) for name in names.listed]), lists_with_structure())
    return st.lists(st.one_of(*good, bad), min_size=1, max_size=3)


def _holds(view: CaseView, kind: type) -> bool:
    held = [each.leaf.value for each in view.withheld if each.rule == "MAP-5"]
    return any(isinstance(item, kind) for value in held if isinstance(value, list) for item in value)


CHECK: Final = of_bridge(
    "MAP-5",
    _lists,
    {
        "list of scalars": lambda view: any(isinstance(value, list) and value for value in view.values),
        "empty list": lambda view: any(value == [] for value in view.values),
        "object in a list": often(lambda view: _holds(view, dict)),
        "list in a list": lambda view: _holds(view, list),
    },
)
