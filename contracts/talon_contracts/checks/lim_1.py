"""LIM-1: a Talon.One that says that there are too many requests, and takes them a little later."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.checks.check import of_streams
from talon_contracts.strategies import Names
from talon_contracts.strategies.streams import Call, Stream, faults, plain_bodies, posts


@st.composite
def _limited(draw: DrawFn, names: Names) -> Stream:
    users = draw(st.integers(1, 2))
    fault = draw(faults(users, (429, 409)))
    bodies = plain_bodies(names)
    others = draw(st.lists(st.builds(Call, st.integers(0, users - 1), bodies), max_size=3))
    return Stream((fault, *draw(posts((Call(fault.user, draw(bodies)), *others)))))


CHECK: Final = of_streams(
    "LIM-1",
    _limited,
    {
        "429": lambda view: any(fault.status == 429 for fault in view.faults),
        "409": lambda view: any(fault.status == 409 for fault in view.faults),
    },
    "levers",
    most=40,
)
