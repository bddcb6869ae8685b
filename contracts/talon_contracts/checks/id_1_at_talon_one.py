"""ID-1 at Talon.One: profiles whose integration IDs differ by their case alone, or by a space, in any order."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.checks.check import of_talon_one, often
from talon_contracts.judges.of_profiles import judge_profiles
from talon_contracts.strategies import Names
from talon_contracts.strategies.talon_ones import Several
from talon_contracts.strategies.updates import updates

_ALIKE: Final = (("a", "A"), ("a", "a "), ("é", "É"), ("é", "e\u0301"), ("a/b", "a%2Fb"), ("a", "a."))


@st.composite
def _alike(draw: DrawFn, names: Names) -> Several:
    ends = draw(st.sampled_from(_ALIKE).flatmap(st.permutations))
    return Several(tuple((end, draw(updates(names, values="fitting")).first) for end in ends))


CHECK: Final = of_talon_one(
    "ID-1",
    _alike,
    judge_profiles,
    {
        "ids that differ by case": often(lambda case: len({end.lower() for end, _ in case.singly}) == 1),
        "other attributes": lambda case: len({str(sent) for _, sent in case.singly}) > 1,
    },
    most=40,
)
