"""Views: what the oracle makes of a drawn case, for features to look at."""

from dataclasses import dataclass

from talon_contracts.exact_json import Json, Object
from talon_contracts.oracle import (
    Definitions,
    DestinationSettings,
    Leaf,
    NotSent,
    Refused,
    Sent,
    Withheld,
    apply,
    audience_key,
    audience_problem,
    expected_request,
)
from talon_contracts.strategies.case import Case
from talon_contracts.strategies.streams import Call, Fault, Post, Stream
from talon_contracts.strategies.updates import Update


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case for a bridge, and what the oracle makes of it."""

    case: Case
    events: tuple[Object, ...]
    requests: tuple[Sent | NotSent, ...]
    sent: tuple[Leaf, ...]
    withheld: tuple[Withheld, ...]
    refused: frozenset[str]
    """Rules by which Talon.One refuses requests."""

    @property
    def values(self) -> list[Json]:
        """The values that are sent."""
        return [leaf.value for leaf in self.sent]

    def stopped_by(self, rule: str) -> bool:
        """Whether the rule stops a whole event."""
        return any(isinstance(request, NotSent) and request.rule == rule for request in self.requests)

    def withheld_by(self, rule: str) -> bool:
        """Whether the rule holds a leaf back."""
        return any(withheld.rule == rule for withheld in self.withheld)


@dataclass(frozen=True, slots=True)
class StreamView:
    """A stream for a bridge: its calls with the number of the post that each is in, and what Talon.One refuses."""

    stream: Stream
    posts: tuple[int, ...]
    faults: tuple[Fault, ...]
    refused: frozenset[str]

    @property
    def calls(self) -> list[Call]:
        """The calls, in order."""
        return self.stream.calls

    @property
    def users(self) -> int:
        """How many users they are about."""
        return len({each.user for each in self.calls})


@dataclass(frozen=True, slots=True)
class UpdateView:
    """A direct update, what is defined, and the rules by which Talon.One refuses it."""

    update: Update
    definitions: Definitions
    refused: frozenset[str]


@dataclass(frozen=True, slots=True)
class NameView:
    """The name of an audience, its key, and why it cannot be given."""

    name: str
    key: str
    problem: str | None


def view_case(case: Case, settings: DestinationSettings, definitions: Definitions) -> CaseView:
    """What a case for a bridge shows."""
    events = tuple(case.events("tag"))
    requests = tuple(expected_request(event, settings) for event in events)
    sent = tuple(leaf for request in requests if isinstance(request, Sent) for leaf in request.leaves)
    withheld = tuple(withheld for request in requests for withheld in request.withheld)
    refused: set[str] = set()
    for request in requests:
        if isinstance(request, Sent):
            refused |= _offences(request.attributes, definitions)
    return CaseView(case, events, requests, sent, withheld, frozenset(refused))


def view_stream(stream: Stream, settings: DestinationSettings, definitions: Definitions) -> StreamView:
    """What a stream for a bridge shows."""
    posts = [number for number, step in enumerate(stream.steps) if isinstance(step, Post) for _ in step.calls]
    faults = tuple(step for step in stream.steps if isinstance(step, Fault))
    requests = [expected_request(event, settings) for event in stream.events("tag")]
    refused = [_offences(request.attributes, definitions) for request in requests if isinstance(request, Sent)]
    return StreamView(stream, tuple(posts), faults, frozenset().union(*refused))


def as_it_is(case: object, settings: DestinationSettings, definitions: Definitions) -> object:
    """A case that shows itself what its features ask for."""
    return case


def view_update(update: Update, settings: DestinationSettings, definitions: Definitions) -> UpdateView:
    """What a direct update shows."""
    return UpdateView(update, definitions, frozenset(_offences(update.second, definitions)))


def view_name(
    definition: tuple[str, tuple[str, ...]], settings: DestinationSettings, definitions: Definitions
) -> NameView:
    """What the name of an audience shows."""
    name, others = definition
    key = audience_key(name)
    return NameView(name, key, audience_problem(key, others))


def _offences(attributes: Object, definitions: Definitions) -> set[str]:
    result = apply(None, attributes, definitions)
    return set(result.offences.values()) if isinstance(result, Refused) else set()
