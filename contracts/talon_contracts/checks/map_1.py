"""MAP-1: listed names reached through objects, beside flat ones."""

import functools
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from talon_contracts.checks.check import of_bridge, often
from talon_contracts.strategies import Case, Names
from talon_contracts.strategies.traits import Pair, flat_name, plain_pairs, single
from talon_contracts.strategies.values import plain


@st.composite
def _nested(draw: DrawFn, names: Names) -> Case:
    pairs = draw(_nested_pairs(names))
    taken = {flat_name(pair) for pair in pairs}
    flat = [pair for pair in draw(plain_pairs(names, min_size=0)) if flat_name(pair) not in taken]
    return single(draw, [*pairs, *flat])


@functools.lru_cache(maxsize=32)
def _nested_pairs(names: Names) -> SearchStrategy[list[Pair]]:
    deep = [name for name in names.plain if names.nested_ways(name)]
    one = st.one_of(*(st.tuples(st.sampled_from(names.nested_ways(name)), plain(names.types[name])) for name in deep))
    return st.lists(one, min_size=1, max_size=3, unique_by=flat_name)


CHECK: Final = of_bridge(
    "MAP-1",
    _nested,
    {
        "two levels": often(lambda view: any(len(leaf.path) == 2 for leaf in view.sent)),
        "three levels": lambda view: any(len(leaf.path) > 2 for leaf in view.sent),
        "flat beside nested": lambda view: len({len(leaf.path) for leaf in view.sent}) > 1,
    },
)
