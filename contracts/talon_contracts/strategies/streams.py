"""Streams: calls about several users, over several requests, with faults and pauses between them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from talon_contracts.exact_json import Object
from talon_contracts.oracle import batch_events
from talon_contracts.strategies.names import Names
from talon_contracts.strategies.traits import call, plain_pairs


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


def plain_bodies(names: Names) -> SearchStrategy[Object]:
    """Identifies that any bridge should get right, without their ids."""
    return plain_pairs(names).map(lambda pairs: call(pairs).body)


@st.composite
def posts(draw: DrawFn, calls: tuple[Call, ...]) -> list[Step]:
    """The calls in order, cut into requests."""
    steps: list[Step] = []
    left = calls
    while left:
        size = draw(st.integers(1, len(left)))
        steps.append(Post(left[:size], batched=size > 1 or draw(st.booleans())))
        left = left[size:]
    return steps


@st.composite
def faults(draw: DrawFn, users: int, statuses: tuple[int, ...]) -> Fault:
    """One or two failures with one of these statuses, for one of so many users."""
    status = draw(st.sampled_from(statuses))
    moment = "before" if status else draw(st.sampled_from(("before", "after")))
    return Fault(draw(st.integers(0, users - 1)), status, draw(st.integers(1, 2)), moment)
