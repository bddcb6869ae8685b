"""MAP-1: listed names reached through objects, beside flat ones, and deep ones under a computed trait."""

import functools
from dataclasses import replace
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from talon_contracts.checks.check import of_bridge, often
from talon_contracts.exact_json import Object
from talon_contracts.strategies import Case, Names
from talon_contracts.strategies.names import Path
from talon_contracts.strategies.traits import Pair, alone_or_batched, call, flat_name, plain_pairs, single
from talon_contracts.strategies.values import plain

_DEEP: Final[tuple[Path, ...]] = tuple(("very", *("deep",) * depth) for depth in (4, 11))
"""Paths to leaves that no Talon.One knows, so that a bridge that leaves one out is seen to: the rest is accepted."""


@st.composite
def _nested(draw: DrawFn, names: Names) -> Case:
    pairs = draw(_nested_pairs(names))
    taken = {flat_name(pair) for pair in pairs}
    flat = [pair for pair in draw(plain_pairs(names, min_size=0)) if flat_name(pair) not in taken]
    deep = draw(st.sampled_from((*(None,) * 6, *_DEEP, *_long_ways(names))))
    if deep is None:
        return single(draw, [*pairs, *flat])
    value = draw(plain(names.types["_".join(deep)])) if "_".join(deep) in names.types else "deep"
    draft = call([(deep, value), *flat])
    mark: Object = {"personas": {"computation_key": deep[0], "computation_class": "trait"}}
    return Case((replace(draft, body={**draft.body, "context": mark}),), envelope=draw(alone_or_batched()))


def _long_ways(names: Names) -> list[Path]:
    """The longest ways to unlisted names, which pass where the trait that they begin with is the computed one."""
    return [ways[-1] for name in names.unlisted if len((ways := names.ways[name])[-1]) > 2]


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
        "five levels": lambda view: any(len(leaf.path) == 5 for leaf in view.sent),
        "twelve levels": lambda view: any(len(leaf.path) == 12 for leaf in view.sent),
        "flat beside nested": lambda view: len({len(leaf.path) for leaf in view.sent}) > 1,
    },
)
