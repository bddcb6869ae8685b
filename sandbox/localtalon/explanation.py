"""The explanation of an event: what became of it and of each of its traits, as values."""

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

LONGEST = 300  # characters of a line


class Notice(msgspec.Struct, frozen=True):
    """A sentence about a whole event, with the rule it follows from (empty where it is Talon.One's own)."""

    rule: str
    reason: str


class Trait(msgspec.Struct, frozen=True):
    """One leaf of the traits: its JSON pointer, the attribute that it makes, and what became of it, and why."""

    pointer: str
    attribute: str
    value: Any
    verdict: Literal["waiting", "sent", "withheld", "refused", "undelivered"]
    rule: str = ""
    reason: str = ""
    nearest: str = ""


class Attempt(msgspec.Struct, frozen=True):
    """One request for the event; `status` is None where no answer came. `times`: as often, with the same end."""

    at: str
    status: int | None
    error: str = ""
    via: str = ""
    times: int = 1


class Explanation(msgspec.Struct, frozen=True, rename="camel"):
    """What became of an event; `state` is waiting, delivered, skipped or dead."""

    message_id: str
    type: str
    user_id: str | None
    state: str
    reason: Notice | None
    warnings: list[Notice]
    traits: list[Trait]
    attempts: list[Attempt]

    @property
    def well(self) -> bool:
        """Whether Talon.One has all of it, or nothing of it was meant for Talon.One."""
        kept = all(trait.verdict == "sent" for trait in self.traits)
        return (self.state == "delivered" and kept) or self.type != "identify"

    def lines(self) -> Iterator[str]:
        """It for people: one line, and one for each trait that did not arrive."""
        why = f": {self.reason.reason}{_rule(self.reason.rule)}" if self.reason else ""
        yield _cut(f"{self.message_id}  {self.type} {self.user_id or '(no userId)'}: {self.state}{why}")
        for trait in self.traits:
            if trait.verdict != "sent":
                value = msgspec.json.encode(trait.value).decode()
                name = "" if trait.pointer == f"/{trait.attribute}" else f" -> {trait.attribute}"
                reason = f": {trait.reason}" if trait.reason else ""
                yield _cut(f"  {trait.pointer}{name} {value} {trait.verdict}{reason}{_rule(trait.rule)}")


def _rule(rule: str) -> str:
    return f" [{rule}]" if rule else ""


def _cut(line: str) -> str:
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
