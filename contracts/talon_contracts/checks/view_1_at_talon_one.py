"""VIEW-1 at Talon.One: profiles looked up under ids with letters of both cases, spaces and slashes."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.checks.check import of_talon_one
from talon_contracts.judges import judge_look_up
from talon_contracts.strategies import Names
from talon_contracts.strategies.talon_ones import LookUp
from talon_contracts.strategies.updates import updates


@st.composite
def _look_ups(draw: DrawFn, names: Names) -> LookUp:
    ends = st.sampled_from(("", "a", "A", "é", " x", "a/b", "%2F", "x@example.com"))
    return LookUp(draw(ends), draw(ends), draw(updates(names, values="fitting")).first)


CHECK: Final = of_talon_one(
    "VIEW-1",
    _look_ups,
    judge_look_up,
    {
        "id with a slash": lambda case: "/" in case.before + case.after,
        "id with capitals": lambda case: "A" in case.before + case.after,
        "attributes": lambda case: bool(case.attributes),
    },
    "management",
    most=40,
)
