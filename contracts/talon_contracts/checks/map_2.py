"""MAP-2: names that miss a listed one by case, spacing or punctuation, with a value that it would take."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.checks.check import of_bridge, often
from talon_contracts.strategies import Case, Names
from talon_contracts.strategies.traits import plain_pairs, single
from talon_contracts.strategies.values import plain


@st.composite
def _misspelt(draw: DrawFn, names: Names) -> Case:
    path, name = draw(st.sampled_from([near for near in names.near if near[1] in names.plain]))
    value = draw(plain(names.types[name]))
    return single(draw, [(path, value), *draw(plain_pairs(names, min_size=0, max_size=2))])


CHECK: Final = of_bridge(
    "MAP-2",
    _misspelt,
    {
        "another case": often(lambda view: any(each.leaf.name != each.leaf.name.lower() for each in view.withheld)),
        "space at an end": lambda view: any(each.leaf.name != each.leaf.name.strip() for each in view.withheld),
        "other punctuation": lambda view: any(set(".- ") & set(each.leaf.name) for each in view.withheld),
    },
)
