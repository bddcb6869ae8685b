"""MAP-4: an unlisted trait with and without Engage's mark, and unlisted others that ride on the same call."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.checks.check import of_bridge, often
from talon_contracts.strategies import Case, Names
from talon_contracts.strategies.computations import computed, without_booleans
from talon_contracts.strategies.traits import Pair, alone_or_batched, call, plain_pairs
from talon_contracts.strategies.values import plain
from talon_contracts.views import CaseView

_CLASSES: Final = ("audience", "trait", "journey_step", "", None)


@st.composite
def _excused(draw: DrawFn, names: Names) -> Case:
    marked = draw(st.sampled_from((True, True, True, False)))
    name = draw(st.sampled_from(without_booleans(names)))
    pairs: list[Pair] = [((name,), draw(plain(names.types[name])))]
    others = st.sampled_from([*names.strangers, *((other,) for other in names.unlisted if other != name)])
    pairs += [(path, "stowaway") for path in draw(st.lists(others, max_size=2))]
    pairs += draw(plain_pairs(names, min_size=0, max_size=2))
    if not marked:
        return Case((call(pairs),), envelope=draw(alone_or_batched()))
    return Case((computed(name, pairs, draw(st.sampled_from(_CLASSES))),), envelope=draw(alone_or_batched()))


def _is_marked(view: CaseView) -> bool:
    contexts = [context for event in view.events if isinstance(context := event.get("context"), dict)]
    return any(isinstance(context.get("personas"), dict) for context in contexts)


CHECK: Final = of_bridge(
    "MAP-4",
    _excused,
    {
        "excused": often(lambda view: _is_marked(view) and bool(view.sent)),
        "another not excused": lambda view: _is_marked(view) and view.withheld_by("MAP-3"),
        "the same trait without the mark": lambda view: not _is_marked(view),
    },
)
