"""ATT-2: one value of a wrong type among right ones, after an update that was in order."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.checks.check import of_bridge, often
from talon_contracts.strategies import Case, Names
from talon_contracts.strategies.traits import alone_or_batched, call, flat_name, plain_pairs
from talon_contracts.strategies.values import unfitting


@st.composite
def _mistyped(draw: DrawFn, names: Names) -> Case:
    kind = draw(st.sampled_from(sorted({names.types[name] for name in names.listed})))
    name = draw(st.sampled_from(names.of_type(kind)))
    wrong = draw(unfitting(kind))
    beside = [pair for pair in draw(plain_pairs(names, max_size=2)) if flat_name(pair) != name]
    before = draw(st.lists(plain_pairs(names).map(call), max_size=1))
    after = draw(st.lists(plain_pairs(names).map(call), max_size=1))
    return Case((*before, call([((name,), wrong), *beside]), *after), envelope=draw(alone_or_batched()))


CHECK: Final = of_bridge(
    "ATT-2",
    _mistyped,
    {
        "refused": often(lambda view: "ATT-2" in view.refused),
        "the text of a number": lambda view: any(value in ("5", "0", "-3") for value in view.values),
        "the text of a boolean": lambda view: any(value in ("true", "false") for value in view.values),
        "refused after an accepted one": lambda view: "ATT-2" in view.refused and len(view.requests) > 1,
    },
)
