"""Events for a run: numbered per profile, each visible at the target, with poison, nulls and texts among them."""

import random
from collections import defaultdict
from collections.abc import Sequence
from itertools import count
from typing import Any

from bridge_support import identify
from reliability.checker import N, Sent

MARKS = 48  # attributes e0, e1, ...: an event's number under one of them in rotation
FLAG, LABEL, LATER = "flag", "label", "later"
NAMES = (N, FLAG, LABEL, LATER, *(f"e{number}" for number in range(MARKS)))
TYPES = {N: "number", FLAG: "boolean", LABEL: "string", **{f"e{number}": "number" for number in range(MARKS)}}
UNDEFINED = "undefined"  # in Custom Attributes, not among Talon.One's attributes


class Workload:
    """Makes events. The same seed makes the same ones."""

    def __init__(self, seed: int, poison: float = 0.0, prefix: str = "u", plain: bool = False) -> None:
        """`poison` is the share of events that Talon.One refuses; plain ones have numbers only."""
        self._dice = random.Random(seed)
        self._poison = poison
        self._plain = plain
        self._prefix = f"{prefix}{seed}-"
        self._numbers: dict[str, count[int]] = defaultdict(count)
        self._ids = count()

    def event(self, profile: str) -> Sent:
        """The next event of a profile."""
        n = next(self._numbers[profile])
        mark = f"e{n % MARKS}"
        attributes: dict[str, Any] = {N: n, mark: n}
        poison = self._dice.random() < self._poison
        if poison:
            attributes.update(self._dice.choice([{FLAG: "no boolean"}, {UNDEFINED: 1}, {LABEL: 5}, {FLAG: 0}]))
        elif not self._plain and self._dice.random() < 0.5:
            attributes.update(self._dice.choice([{FLAG: True}, {FLAG: None}, {LABEL: f"text {n}"}, {LABEL: None}]))
        return Sent(f"{self._prefix}{next(self._ids)}", profile, n, mark, attributes, poison)

    def events(self, profiles: int, each: int) -> list[Sent]:
        """`each` events for so many profiles, mixed; those of a profile stay in order."""
        names = [f"{self._prefix}{number}" for number in range(profiles) for _ in range(each)]
        self._dice.shuffle(names)
        return [self.event(name) for name in names]


def call(event: Sent) -> dict[str, Any]:
    """The event as a Segment library sends it."""
    return identify(event.profile, dict(event.attributes), messageId=event.message_id)


def lanes(events: Sequence[Sent], number: int) -> list[list[Sent]]:
    """The events shared out so that all of a profile are in one lane, in order."""
    lane = {profile: index % number for index, profile in enumerate(dict.fromkeys(event.profile for event in events))}
    shared: list[list[Sent]] = [[] for _ in range(number)]
    for event in events:
        shared[lane[event.profile]].append(event)
    return shared


def batches(events: Sequence[Sent], size: int) -> list[list[Sent]]:
    """The events in groups of `size`."""
    return [list(events[start : start + size]) for start in range(0, len(events), size)]
