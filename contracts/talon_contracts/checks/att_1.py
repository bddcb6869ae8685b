"""ATT-1: a computed trait that Talon.One does not know, which spoils the whole request and nothing else."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.checks.check import of_bridge, often
from talon_contracts.strategies import Case, Names
from talon_contracts.strategies.computations import computed
from talon_contracts.strategies.traits import Pair, alone_or_batched, call, plain_pairs

_UNDEFINED: Final = ("30_day_buyers", "big_spenders", "j_o_first_purchase__opened_email_dje83h", "Größe", "no such key")


@st.composite
def _undefined(draw: DrawFn, names: Names) -> Case:
    key = draw(st.sampled_from([key for key in _UNDEFINED if key not in names.types]))
    pairs: list[Pair] = [((key,), draw(st.sampled_from((True, "x", 1)))), *draw(plain_pairs(names, max_size=2))]
    updates = st.lists(plain_pairs(names).map(call), max_size=1)
    return Case((*draw(updates), computed(key, pairs), *draw(updates)), envelope=draw(alone_or_batched()))


CHECK: Final = of_bridge(
    "ATT-1",
    _undefined,
    {
        "refused": often(lambda view: "ATT-1" in view.refused),
        "refused after an accepted one": lambda view: "ATT-1" in view.refused and len(view.requests) > 1,
    },
)
