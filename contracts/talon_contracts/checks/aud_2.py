"""AUD-2: computation keys as Engage made them, and keys that would be these if someone repaired them."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.checks.check import of_bridge, often
from talon_contracts.strategies import Case, Names
from talon_contracts.strategies.computations import computed
from talon_contracts.strategies.names import near_misses
from talon_contracts.strategies.traits import Pair, alone_or_batched, plain_pairs
from talon_contracts.strategies.values import plain


@st.composite
def _arriving_keys(draw: DrawFn, names: Names) -> Case:
    name = draw(st.sampled_from(names.unlisted))
    spoilt = [path[0] for path in near_misses(name) if len(path) == 1 and path[0] not in names.types]
    key = draw(st.one_of(st.just(name), st.sampled_from(spoilt)))
    pairs: list[Pair] = [((key,), draw(plain(names.types[name]))), *draw(plain_pairs(names, min_size=0, max_size=1))]
    return Case((computed(key, pairs),), envelope=draw(alone_or_batched()))


CHECK: Final = of_bridge(
    "AUD-2",
    _arriving_keys,
    {
        "key with digits": often(lambda view: any(any(map(str.isdigit, leaf.name)) for leaf in view.sent)),
        "key with capitals": lambda view: any(leaf.name != leaf.name.lower() for leaf in view.sent),
        "key that must stay wrong": lambda view: "ATT-1" in view.refused,
    },
)
