"""Streams: calls about several users, over several requests, with faults and pauses between them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from talon_contracts.exact_json import Object
from talon_contracts.oracle import batch_events
from talon_contracts.strategies.computations import computed
from talon_contracts.strategies.names import Names
from talon_contracts.strategies.traits import call, plain_pairs

UNDEFINED: Final = "nobody_has_defined_this"


@dataclass(frozen=True, slots=True)
class Call:
    """One identify to come about one of the users; `again`: with the messageId of the call of that number."""

    user: int
    body: Object
    again: int | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """Calls that go out together, or a single one by itself."""

    calls: tuple[Call, ...]
    batched: bool = True


@dataclass(frozen=True, slots=True)
class Fault:
    """From now on Talon.One fails so many requests for one user: with a status, or (0) by a connection that breaks."""

    user: int
    status: int
    count: int
    moment: str = "before"


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait until everything has settled, and look."""


Step: TypeAlias = Post | Fault | Pause


@dataclass(frozen=True, slots=True)
class Stream:
    """Steps in order. Ids are made of a `tag`, as those of a `Case` are."""

    steps: tuple[Step, ...]

    @property
    def calls(self) -> list[Call]:
        """Every call, in the order in which they are sent."""
        return [each for step in self.steps if isinstance(step, Post) for each in step.calls]

    def user(self, tag: str, number: int) -> str:
        """The id of a user under a tag; its end shows, so that none is the beginning of another."""
        return f"{tag}u{number}."

    def users(self, tag: str) -> list[str]:
        """Everybody whom the stream is about."""
        return [self.user(tag, number) for number in sorted({each.user for each in self.calls})]

    def requests(self, tag: str) -> list[tuple[str, Object]]:
        """What to POST, in order: the path and the body."""
        return [request for _, requests in self.walk(tag) for request in requests]

    def events(self, tag: str) -> list[Object]:
        """The calls as a destination sees them."""
        return [event for request in self.requests(tag) for event in events_of(*request)]

    def walk(self, tag: str) -> Iterator[tuple[Step, list[tuple[str, Object]]]]:
        """Each step with what is to be posted for it."""
        numbers = iter(range(len(self.calls)))
        for step in self.steps:
            calls = [self._told(each, tag, next(numbers)) for each in step.calls] if isinstance(step, Post) else []
            if isinstance(step, Post) and step.batched:
                yield step, [("/v1/batch", {"batch": [*calls]})]
            else:
                yield step, [("/v1/identify", told) for told in calls]

    def _told(self, each: Call, tag: str, number: int) -> Object:
        message_id = f"{tag}m{number if each.again is None else each.again}"
        return {"type": "identify", "messageId": message_id, **each.body, "userId": self.user(tag, each.user)}


def events_of(path: str, body: Object) -> list[Object]:
    """The calls of one request."""
    return batch_events(body) if path == "/v1/batch" else [body]


@st.composite
def troubled(draw: DrawFn, names: Names) -> Stream:
    """DEL-1: Talon.One fails for a while, and among the calls is one that it will never take."""
    users = draw(st.integers(1, 3))
    faults = draw(st.lists(_faults(users, (500, 502, 503, 504, 0)), max_size=2))
    plain: SearchStrategy[Object] = plain_pairs(names).map(lambda pairs: call(pairs).body)
    poison = st.just(computed(UNDEFINED, [((UNDEFINED,), 1)]).body)
    body = st.sampled_from((plain,) * 4 + (poison,)).flatmap(lambda kind: kind)
    calls = draw(st.lists(st.builds(Call, st.integers(0, users - 1), body), min_size=2, max_size=8))
    return Stream((*faults, *draw(_posts(tuple(calls)))))


@st.composite
def limited(draw: DrawFn, names: Names) -> Stream:
    """LIM-1: Talon.One says that there are too many requests, and takes them a little later."""
    users = draw(st.integers(1, 2))
    fault = draw(_faults(users, (429, 409)))
    bodies = plain_pairs(names).map(lambda pairs: call(pairs).body)
    others = draw(st.lists(st.builds(Call, st.integers(0, users - 1), bodies), max_size=3))
    return Stream((fault, *draw(_posts((Call(fault.user, draw(bodies)), *others)))))


@st.composite
def ordered(draw: DrawFn, names: Names) -> Stream:
    """DEL-2: values that tell the order, of one or two users, in singles and batches, at times with a failure."""
    name = draw(st.sampled_from(names.of_type("number")))
    users = draw(st.lists(st.integers(0, 1), min_size=3, max_size=10))
    calls = tuple(Call(user, call([((name,), number)]).body) for number, user in enumerate(users))
    steps: list[Step] = draw(_posts(calls))
    if draw(st.integers(0, 9)) == 0:
        fault = draw(_faults(1, (503,)))
        steps.insert(draw(st.integers(0, len(steps) - 1)), replace(fault, count=1))
    return Stream(tuple(steps))


@st.composite
def repeated(draw: DrawFn, names: Names) -> Stream:
    """DEL-3: calls whose messageId came before, as they were or with other traits, at once or after all has settled."""
    bodies = plain_pairs(names).map(lambda pairs: call(pairs).body)
    calls = [Call(0, body) for body in draw(st.lists(bodies, min_size=1, max_size=4))]
    for _ in range(draw(st.integers(1, 3))):
        again = draw(st.integers(0, len(calls) - 1))
        if calls[again].again is None:
            body = calls[again].body if draw(st.booleans()) else draw(bodies)
            calls.append(Call(0, body, again))
    steps: list[Step] = draw(_posts(tuple(calls)))
    if len(steps) > 1 and draw(st.booleans()):
        steps.insert(draw(st.integers(1, len(steps) - 1)), Pause())
    return Stream(tuple(steps))


@st.composite
def syncs(draw: DrawFn, names: Names) -> Stream:
    """AUD-5: an audience is synced several times; the first sync has all members, each later one what changed."""
    booleans = [name for name in names.unlisted if names.types[name] == "boolean"] or names.of_type("boolean")
    key = draw(st.sampled_from(booleans))
    steps: list[Step] = []
    members: set[int] = set()
    for wanted in draw(st.lists(st.sets(st.integers(0, 4), max_size=4), min_size=1, max_size=4)):
        moved = sorted(members ^ wanted)
        calls = [Call(user, computed(key, [((key,), user in wanted)]).body) for user in moved]
        if calls:
            steps += [*draw(_posts(tuple(draw(st.permutations(calls))))), Pause()]
        members = wanted
    return Stream(tuple(steps))


@st.composite
def _posts(draw: DrawFn, calls: tuple[Call, ...]) -> list[Step]:
    """The calls in order, cut into requests."""
    posts: list[Step] = []
    left = calls
    while left:
        size = draw(st.integers(1, len(left)))
        posts.append(Post(left[:size], batched=size > 1 or draw(st.booleans())))
        left = left[size:]
    return posts


@st.composite
def _faults(draw: DrawFn, users: int, statuses: tuple[int, ...]) -> Fault:
    status = draw(st.sampled_from(statuses))
    moment = "before" if status else draw(st.sampled_from(("before", "after")))
    return Fault(draw(st.integers(0, users - 1)), status, draw(st.integers(1, 2)), moment)
