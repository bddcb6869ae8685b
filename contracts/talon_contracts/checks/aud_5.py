"""AUD-5: an audience synced several times; the first sync has all members, each later one what changed."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.checks.check import of_streams, often
from talon_contracts.exact_json import Json
from talon_contracts.strategies import Names
from talon_contracts.strategies.computations import computed
from talon_contracts.strategies.streams import Call, Pause, Step, Stream, posts
from talon_contracts.views import StreamView


@st.composite
def _syncs(draw: DrawFn, names: Names) -> Stream:
    booleans = [name for name in names.unlisted if names.types[name] == "boolean"] or names.of_type("boolean")
    key = draw(st.sampled_from(booleans))
    steps: list[Step] = []
    members: set[int] = set()
    for wanted in draw(st.lists(st.sets(st.integers(0, 4), max_size=4), min_size=1, max_size=4)):
        moved = sorted(members ^ wanted)
        calls = [Call(user, computed(key, [((key,), user in wanted)]).body) for user in moved]
        if calls:
            steps += [*draw(posts(tuple(draw(st.permutations(calls))))), Pause()]
        members = wanted
    return Stream(tuple(steps))


def _moves(view: StreamView) -> list[tuple[Json, ...]]:
    """What each call brings: true for a member who comes, false for one who leaves."""
    return [tuple(traits.values()) for each in view.calls if isinstance(traits := each.body["traits"], dict)]


CHECK: Final = of_streams(
    "AUD-5",
    _syncs,
    {
        "first sync of several": lambda view: view.posts.count(view.posts[0]) > 1 if view.posts else False,
        "a member comes": lambda view: (True,) in _moves(view),
        "a member leaves": often(lambda view: (False,) in _moves(view)),
        "a member stays": lambda view: (
            sum(isinstance(step, Pause) for step in view.stream.steps) > 1 and view.users > 1
        ),
    },
)
