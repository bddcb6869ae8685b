"""DEL-2: values that tell the order, of up to two users, singly and batched, some with a failure or falling dates."""

import itertools
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.checks.check import of_streams, often
from talon_contracts.exact_json import Object
from talon_contracts.strategies import Names
from talon_contracts.strategies.streams import Call, Step, Stream, faults, posts
from talon_contracts.strategies.traits import call
from talon_contracts.views import StreamView

_TIMES: Final = ((), (), ("timestamp",), ("originalTimestamp",), ("timestamp", "originalTimestamp"))


@st.composite
def _ordered(draw: DrawFn, names: Names) -> Stream:
    name = draw(st.sampled_from(names.of_type("number")))
    users = draw(st.lists(st.integers(0, 1), min_size=3, max_size=10))
    dated = draw(st.sampled_from(_TIMES))
    calls = tuple(
        Call(user, {**call([((name,), number)]).body, **_falling(dated, number)}) for number, user in enumerate(users)
    )
    steps: list[Step] = draw(posts(calls))
    if draw(st.integers(0, 9)) == 0:
        fault = draw(faults(1, (503,)))
        steps.insert(draw(st.integers(0, len(steps) - 1)), replace(fault, count=1))
    return Stream(tuple(steps))


def _falling(members: Iterable[str], number: int) -> Object:
    """Times that fall while the numbers rise: the order of what is accepted counts, not when it happened."""
    return dict.fromkeys(members, f"2024-05-03T19:42:{59 - number}.066Z")


def _has_neighbours(view: StreamView) -> bool:
    places = [(each.user, post) for each, post in zip(view.calls, view.posts, strict=True)]
    return any(one == other for one, other in itertools.pairwise(places))


CHECK: Final = of_streams(
    "DEL-2",
    _ordered,
    {
        "several of one user in a batch": often(_has_neighbours),
        "of falling times in a batch": lambda view: (
            _has_neighbours(view) and any("timestamp" in each.body for each in view.calls)
        ),
        "over several requests": lambda view: len(set(view.posts)) > 1,
        "through a failure": lambda view: bool(view.faults),
    },
    "levers",
)
