"""MAP-7: one name reached by several paths, with values that differ, seem the same, or are the same."""

from collections.abc import Sequence
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from talon_contracts.checks.check import of_bridge, often
from talon_contracts.exact_json import Json
from talon_contracts.oracle import Sent
from talon_contracts.strategies import Case, Names
from talon_contracts.strategies.traits import flat_name, plain_pairs, single
from talon_contracts.strategies.values import ALIKE, plain, scalars
from talon_contracts.views import CaseView


@st.composite
def _collisions(draw: DrawFn, names: Names) -> Case:
    kind = draw(st.sampled_from(("same", "different", "different", "alike")))
    count = draw(st.sampled_from((2, 3)))
    candidates = [name for name in names.plain if len(names.ways[name]) >= count]
    name = draw(st.sampled_from(candidates or [name for name in names.plain if names.nested_ways(name)]))
    paths = draw(st.permutations(names.ways[name]))[:count]
    fit = plain(names.types[name])
    one = draw(fit)
    other: SearchStrategy[Json] = st.one_of(fit, scalars(), st.sampled_from(([], [one])))
    if kind == "same":
        values: Sequence[Json] = [one] * len(paths)
    elif kind == "different":
        values = [*(draw(other) for _ in paths[1:]), one]
    else:
        values = draw(st.sampled_from(ALIKE))
    pairs = list(zip(paths, values, strict=False))
    beside = [pair for pair in draw(plain_pairs(names, max_size=2)) if flat_name(pair) != name]
    return single(draw, [*pairs, *beside])


def _is_sent_twice(view: CaseView) -> bool:
    requests = [request for request in view.requests if isinstance(request, Sent)]
    return any(len(request.attributes) < len(request.leaves) for request in requests)


def _is_reached_thrice(view: CaseView) -> bool:
    names = [each.leaf.name for each in view.withheld]
    return any(names.count(name) > 2 for name in names)


CHECK: Final = of_bridge(
    "MAP-7",
    _collisions,
    {
        "collision": often(lambda view: view.withheld_by("MAP-7")),
        "collision beside a sent leaf": lambda view: view.withheld_by("MAP-7") and bool(view.sent),
        "the same value twice": _is_sent_twice,
        "three ways to one name": _is_reached_thrice,
    },
)
