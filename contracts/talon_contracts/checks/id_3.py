"""ID-3: calls of other types, known and unknown, that carry traits wherever they can, beside identifies."""

from collections.abc import Callable
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.checks.check import of_bridge
from talon_contracts.exact_json import Object
from talon_contracts.strategies import Case, Draft, Names
from talon_contracts.strategies.traits import call, nest, plain_pairs
from talon_contracts.views import CaseView

_OTHER_TYPES: Final = ("track", "page", "screen", "group", "alias")
# Not of the tracking API: Segment's message to delete a user, and what nobody sends yet.
_UNKNOWN_TYPES: Final = ("delete", "delete", "Identify", "Identify", "identify ", "x")


@st.composite
def _other_types(draw: DrawFn, names: Names) -> Case:
    kind = draw(st.sampled_from(_OTHER_TYPES * 2 + _UNKNOWN_TYPES))
    carried = draw(plain_pairs(names).map(nest))
    body: Object = {"type": kind, "traits": carried, "properties": carried, "context": {"traits": carried}}
    body |= {"event": "Order Completed", "name": "Home", "groupId": "g1", "previousId": "p1"}
    if kind == "delete":
        body |= {"context": [], "integrations": []}  # as Segment sends it (documented)
    more = draw(st.lists(plain_pairs(names).map(call), max_size=2))
    drafts = draw(st.permutations([Draft(body), *more]))
    return Case(tuple(drafts), envelope={})


def _has_type(kind: str) -> Callable[[CaseView], bool]:
    return lambda view: any(event["type"] == kind for event in view.events)


CHECK: Final = of_bridge(
    "ID-3", _other_types, {f"a call of type {kind}": _has_type(kind) for kind in (*_OTHER_TYPES, "delete", "Identify")}
)
