"""DEL-3: calls whose messageId came before, as they were or with other traits, at once or after all has settled."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.checks.check import of_streams, often
from talon_contracts.strategies import Names
from talon_contracts.strategies.streams import Call, Pause, Step, Stream, plain_bodies, posts
from talon_contracts.views import StreamView


@st.composite
def _repeated(draw: DrawFn, names: Names) -> Stream:
    bodies = plain_bodies(names)
    calls = [Call(0, body) for body in draw(st.lists(bodies, min_size=1, max_size=4))]
    for _ in range(draw(st.integers(1, 3))):
        again = draw(st.integers(0, len(calls) - 1))
        if calls[again].again is None:
            body = calls[again].body if draw(st.booleans()) else draw(bodies)
            calls.append(Call(0, body, again))
    steps: list[Step] = draw(posts(tuple(calls)))
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
        "after a pause": lambda view: any(isinstance(step, Pause) for step in view.stream.steps),
    },
)
