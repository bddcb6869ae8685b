"""AUD-4: users who enter and leave an audience, and now and then the string that is not a boolean."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from talon_contracts.checks.check import of_bridge, often
from talon_contracts.exact_json import Json
from talon_contracts.strategies import Case, Names
from talon_contracts.strategies.computations import computed
from talon_contracts.strategies.traits import alone_or_batched, call, only


@st.composite
def _memberships(draw: DrawFn, names: Names) -> Case:
    boolean: SearchStrategy[Json] = st.sampled_from((True, False, True, False, "true"))
    unlisted = [name for name in names.unlisted if names.types[name] == "boolean"]
    moves = [st.builds(computed, st.just(name), only(name, boolean)) for name in unlisted]
    moves += [only(name, boolean).map(call) for name in names.of_type("boolean")]
    drafts = draw(st.lists(st.one_of(*moves), min_size=1, max_size=4))
    return Case(tuple(drafts), envelope=draw(alone_or_batched()))


CHECK: Final = of_bridge(
    "AUD-4",
    _memberships,
    {
        "entering": often(lambda view: any(value is True for value in view.values)),
        "leaving": often(lambda view: any(value is False for value in view.values)),
        "the string true": lambda view: "true" in view.values,
        "entering and leaving": lambda view: (
            {True, False} <= {value for value in view.values if value in (True, False)}
        ),
    },
)
