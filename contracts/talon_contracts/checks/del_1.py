"""DEL-1: a Talon.One that fails for a while, and among the calls one that it will never take."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.checks.check import of_streams, often
from talon_contracts.strategies import Names
from talon_contracts.strategies.computations import computed
from talon_contracts.strategies.streams import Call, Stream, faults, plain_bodies, posts

_UNDEFINED: Final = "nobody_has_defined_this"


@st.composite
def _troubled(draw: DrawFn, names: Names) -> Stream:
    users = draw(st.integers(1, 3))
    troubles = draw(st.lists(faults(users, (500, 502, 503, 504, 0)), max_size=2))
    poison = st.just(computed(_UNDEFINED, [((_UNDEFINED,), 1)]).body)
    body = st.sampled_from((plain_bodies(names),) * 4 + (poison,)).flatmap(lambda kind: kind)
    calls = draw(st.lists(st.builds(Call, st.integers(0, users - 1), body), min_size=2, max_size=8))
    return Stream((*troubles, *draw(posts(tuple(calls)))))


CHECK: Final = of_streams(
    "DEL-1",
    _troubled,
    {
        "5xx": lambda view: any(fault.status >= 500 for fault in view.faults),
        "broken connection": lambda view: any(fault.status == 0 for fault in view.faults),
        "refused beside accepted": often(lambda view: "ATT-1" in view.refused and len(view.calls) > 1),
        "several users": lambda view: view.users > 1,
    },
    "levers",
    most=40,
)
