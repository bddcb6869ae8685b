"""MAP-6: values set, then some nulled, some absent, some replaced by an empty object."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.checks.check import of_bridge, often
from talon_contracts.exact_json import Object
from talon_contracts.strategies import Case, Names
from talon_contracts.strategies.traits import Pair, alone_or_batched, call, plain_pairs
from talon_contracts.views import CaseView


@st.composite
def _nulls(draw: DrawFn, names: Names) -> Case:
    first = draw(plain_pairs(names, min_size=2, max_size=5))
    second: list[Pair] = []
    for path, _ in first:
        fate = draw(st.sampled_from(("null", "absent", "empty object")))
        if fate != "absent":
            second.append((path, None if fate == "null" else {}))
    more = draw(plain_pairs(names, min_size=0, max_size=1))
    return Case((call(first), call([*second, *more])), envelope=draw(alone_or_batched()))


def _traits(view: CaseView) -> list[Object]:
    return [traits for event in view.events if isinstance(traits := event.get("traits"), dict)]


CHECK: Final = of_bridge(
    "MAP-6",
    _nulls,
    {
        "null": often(lambda view: None in view.values),
        "absent after it was set": lambda view: any(
            traits.keys() < _traits(view)[0].keys() for traits in _traits(view)
        ),
        "empty object": lambda view: any({} in traits.values() for traits in _traits(view)),
        "nothing to send": lambda view: view.stopped_by("MAP-6"),
    },
)
