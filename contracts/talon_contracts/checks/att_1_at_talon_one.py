"""ATT-1 at Talon.One: fitting values, and in most updates an undefined name, often one like a defined one."""

from dataclasses import replace
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.checks.check import of_updates, often
from talon_contracts.exact_json import Json
from talon_contracts.strategies import Names
from talon_contracts.strategies.updates import Update, updates
from talon_contracts.strategies.values import plain
from talon_contracts.views import UpdateView

_ANY: Final[tuple[Json, ...]] = ("x", 1, True, None)


@st.composite
def _with_strangers(draw: DrawFn, names: Names) -> Update:
    update = draw(updates(names, values="fitting"))
    unknown = draw(st.lists(_unknown(names), max_size=2))
    return replace(update, second={**update.second, **dict(unknown)})


@st.composite
def _unknown(draw: DrawFn, names: Names) -> tuple[str, Json]:
    """A name that is not defined; one like a defined one comes with a value that this would take."""
    kind = draw(st.sampled_from(("stranger", "near", "in another case")))
    if kind == "stranger":
        return "_".join(draw(st.sampled_from(names.strangers))), draw(st.sampled_from(_ANY))
    near = [("_".join(path), name) for path, name in names.near]
    recased = [(misspelt, name) for misspelt, name in near if misspelt.lower() == name.lower()]
    misspelt, name = draw(st.sampled_from(near if kind == "near" else recased))
    return misspelt, draw(plain(names.types[name]))


def _is_recased(view: UpdateView) -> bool:
    lower = {name.lower() for name in view.definitions}
    return any(name not in view.definitions and name.lower() in lower for name in view.update.second)


CHECK: Final = of_updates(
    "ATT-1",
    _with_strangers,
    {
        "unknown name": lambda view: "ATT-1" in view.refused,
        "a defined name in another case": often(_is_recased),
        "unknown name beside values": lambda view: "ATT-1" in view.refused and len(view.update.second) > 1,
        "accepted": lambda view: not view.refused,
    },
)
