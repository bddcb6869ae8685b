"""ID-1: user ids with odd characters, at and beyond the longest, in two cases, and the two that are never sent."""

from dataclasses import replace
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.checks.check import of_bridge
from talon_contracts.oracle import LONGEST_INTEGRATION_ID
from talon_contracts.strategies import Case, Names
from talon_contracts.strategies.calls import user_id_ends
from talon_contracts.strategies.traits import alone_or_batched, call, plain_pairs

_LENGTHS: Final = (LONGEST_INTEGRATION_ID, LONGEST_INTEGRATION_ID, LONGEST_INTEGRATION_ID + 1, 1500)


@st.composite
def _odd_ids(draw: DrawFn, names: Names) -> Case:
    kind = draw(st.sampled_from(("odd", "odd", "odd", "long", "long", "long", "dots", "namesake")))
    case = Case((), envelope=draw(alone_or_batched()))
    if kind == "dots":
        case = replace(case, whole=draw(st.sampled_from((".", ".."))))
    else:
        case = replace(case, before=draw(user_id_ends()), after=draw(user_id_ends()))
    if kind == "long":
        case = replace(case, length=draw(st.sampled_from(_LENGTHS)))
    drafts = draw(st.lists(plain_pairs(names).map(call), min_size=1, max_size=2))
    if kind == "namesake":
        case = replace(case, after=f"{case.after}x")
        drafts.insert(draw(st.integers(0, len(drafts))), replace(draw(plain_pairs(names).map(call)), of_namesake=True))
    return replace(case, drafts=tuple(drafts))


CHECK: Final = of_bridge(
    "ID-1",
    _odd_ids,
    {
        "id with a slash": lambda view: "/" in view.case.user_id(""),
        "id with a percent sign": lambda view: "%" in view.case.user_id(""),
        "id with a space at an end": lambda view: view.case.user_id("t") != view.case.user_id("t").strip(),
        "id beyond ASCII": lambda view: not view.case.user_id("").isascii(),
        "id of 1000 characters": lambda view: len(view.case.user_id("")) == 1000,
        "id that is too long": lambda view: len(view.case.user_id("")) > 1000,
        "id that differs in case from another": lambda view: any(draft.of_namesake for draft in view.case.drafts),
        "id that is a dot segment": lambda view: view.case.whole is not None,
    },
)
