"""DEL-3: calls whose messageId came before, as they were or not, at once, after many others, or after a pause."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.checks.check import of_streams, often
from talon_contracts.strategies import Names
from talon_contracts.strategies.streams import Call, Pause, Post, Step, Stream, plain_bodies, posts
from talon_contracts.views import StreamView

_BETWEEN: Final = (0,) * 18 + (30, 150)
"""How many other calls there are before the first repetition: a bridge must remember more than the last few."""
_NOBODY: Final = 9


@st.composite
def _repeated(draw: DrawFn, names: Names) -> Stream:
    bodies = plain_bodies(names)
    calls = [Call(0, body) for body in draw(st.lists(bodies, min_size=1, max_size=4))]
    repeated: list[Call] = []
    for again in draw(st.lists(st.integers(0, len(calls) - 1), min_size=1, max_size=3)):
        body = calls[again].body if draw(st.booleans()) else draw(bodies)
        repeated.append(Call(draw(st.sampled_from((0, 0, 1))), body, again))
    between = (Call(_NOBODY, {"traits": {}}),) * draw(st.sampled_from(_BETWEEN))
    steps: list[Step]
    if between:
        steps = [*draw(posts(tuple(calls))), Post(between), *draw(posts(tuple(repeated)))]
    else:
        steps = draw(posts((*calls, *repeated)))
    if len(steps) > 1 and draw(st.booleans()):
        steps.insert(draw(st.integers(1, len(steps) - 1)), Pause())
    return Stream(tuple(steps))


def _is_repeated(view: StreamView, *, changed: bool) -> bool:
    calls = view.calls
    return any(each.again is not None and (each.body != calls[each.again].body) is changed for each in calls)


CHECK: Final = of_streams(
    "DEL-3",
    _repeated,
    {
        "as it was": lambda view: _is_repeated(view, changed=False),
        "with other traits": often(lambda view: _is_repeated(view, changed=True)),
        "in the same batch": lambda view: any(
            each.again is not None and view.posts[each.again] == view.posts[at] for at, each in enumerate(view.calls)
        ),
        "for another user": lambda view: any(each.again is not None and each.user == 1 for each in view.calls),
        "after many others": lambda view: any(each.user == _NOBODY for each in view.calls),
        "after a pause": lambda view: any(isinstance(step, Pause) for step in view.stream.steps),
    },
)
