"""ATT-1 at Talon.One: fitting values, and in most updates a name that is not defined, at times with null."""

from dataclasses import replace
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from talon_contracts.checks.check import of_updates
from talon_contracts.exact_json import Json
from talon_contracts.strategies import Names
from talon_contracts.strategies.updates import Update, updates


@st.composite
def _with_strangers(draw: DrawFn, names: Names) -> Update:
    update = draw(updates(names, values="fitting"))
    paths = st.sampled_from([*names.strangers, *(path for path, _ in names.near)])
    stranger: SearchStrategy[Json] = st.sampled_from(("x", 1, True, None))
    unknown = draw(st.lists(st.tuples(paths.map("_".join), stranger), max_size=2))
    return replace(update, second={**update.second, **dict(unknown)})


CHECK: Final = of_updates(
    "ATT-1",
    _with_strangers,
    {
        "unknown name": lambda view: "ATT-1" in view.refused,
        "unknown name beside values": lambda view: "ATT-1" in view.refused and len(view.update.second) > 1,
        "accepted": lambda view: not view.refused,
    },
)
