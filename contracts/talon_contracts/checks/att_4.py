"""ATT-4: several updates in a row, each with other names and values."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.checks.check import of_bridge
from talon_contracts.strategies import Case, Names
from talon_contracts.strategies.traits import alone_or_batched, call, plain_pairs


@st.composite
def _patches(draw: DrawFn, names: Names) -> Case:
    drafts = draw(st.lists(plain_pairs(names).map(call), min_size=2, max_size=4))
    return Case(tuple(drafts), envelope=draw(alone_or_batched()))


CHECK: Final = of_bridge(
    "ATT-4",
    _patches,
    {
        "another name": lambda view: len({leaf.name for leaf in view.sent}) > 1,
        "a name again": lambda view: len({leaf.name for leaf in view.sent}) < len(view.sent),
    },
)
