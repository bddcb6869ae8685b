"""AUD-6: values of a computed trait, each of its own type, and null for a user who left it."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.checks.check import of_bridge
from talon_contracts.strategies import Case, Names
from talon_contracts.strategies.computations import computed, without_booleans
from talon_contracts.strategies.traits import alone_or_batched, only
from talon_contracts.strategies.values import plain


@st.composite
def _computed_traits(draw: DrawFn, names: Names) -> Case:
    name = draw(st.sampled_from(without_booleans(names)))
    value = st.one_of(plain(names.types[name]), st.none())
    update = st.builds(computed, st.just(name), only(name, value), st.just("trait"))
    return Case(tuple(draw(st.lists(update, min_size=1, max_size=3))), envelope=draw(alone_or_batched()))


CHECK: Final = of_bridge(
    "AUD-6",
    _computed_traits,
    {
        "value": lambda view: any(value is not None for value in view.values),
        "null": lambda view: None in view.values,
    },
)
