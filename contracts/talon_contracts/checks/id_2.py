"""ID-2: identifies without a user, most of them with an anonymousId, at times beside one with a user."""

from dataclasses import replace
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from talon_contracts.checks.check import of_bridge, often
from talon_contracts.strategies import Case, Names
from talon_contracts.strategies.case import Identity
from talon_contracts.strategies.traits import alone_or_batched, call, plain_pairs


@st.composite
def _anonymous(draw: DrawFn, names: Names) -> Case:
    nobody: SearchStrategy[Identity] = st.sampled_from(("absent", "null", "empty"))
    ids: SearchStrategy[Identity] = st.sampled_from(("given", "given", "absent", "null"))
    first = replace(draw(plain_pairs(names).map(call)), user=draw(nobody), anonymous=draw(ids))
    more = draw(st.lists(plain_pairs(names).map(call), max_size=1))
    drafts = draw(st.permutations([first, *more]))
    return Case(tuple(drafts), envelope=draw(alone_or_batched()))


CHECK: Final = of_bridge(
    "ID-2",
    _anonymous,
    {
        "userId absent": lambda view: any(draft.user == "absent" for draft in view.case.drafts),
        "userId null": lambda view: any(draft.user == "null" for draft in view.case.drafts),
        "userId empty": lambda view: any(draft.user == "empty" for draft in view.case.drafts),
        "anonymousId instead": often(
            lambda view: any(draft.user != "given" and draft.anonymous == "given" for draft in view.case.drafts)
        ),
    },
)
