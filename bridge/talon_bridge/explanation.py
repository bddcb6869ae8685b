"""What became of each trait of an event, and why."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

import msgspec

from talon_bridge.nearest import nearest


class Verdict(StrEnum):
    """Where a trait is on its way."""

    WAITING = "waiting"  # chosen to be sent, not settled yet
    SENT = "sent"  # Talon.One has it
    WITHHELD = "withheld"  # the bridge did not send it; the rule says why
    REFUSED = "refused"  # Talon.One said no to it, or to the request that carried it
    UNDELIVERED = "undelivered"  # given up without an answer from Talon.One


class Notice(msgspec.Struct, frozen=True, gc=False):
    """A sentence about a whole event, with the rule it follows from (empty where the answer of Talon.One speaks)."""

    rule: str
    reason: str


class TraitExplanation(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One leaf of the traits: its JSON pointer below `traits`, the attribute name it makes, and what became of it."""

    pointer: str
    attribute: str
    value: Any
    verdict: Verdict
    rule: str = ""
    reason: str = ""
    nearest: str = ""


class Refusal(msgspec.Struct, frozen=True):
    """Talon.One's answer to a request that it did not take: the status, its summary, and what it said per attribute."""

    status: int
    message: str
    attributes: dict[str, str]


class _Source(msgspec.Struct, frozen=True):
    pointer: str = ""


class _Error(msgspec.Struct, frozen=True):
    title: str = ""
    details: str = ""
    source: _Source | None = None


class _ErrorBody(msgspec.Struct, frozen=True):
    """Talon.One's error envelope (documented), as far as it is read here."""

    message: str = ""
    errors: list[_Error] | None = None


_error_body = msgspec.json.Decoder(_ErrorBody)
_ATTRIBUTES = "/attributes/"


def refusal(status: int, body: bytes) -> Refusal:
    """Read an error answer; of a body in any other shape the first characters become the message."""
    try:
        answer = _error_body.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Refusal(status, body[:200].decode("utf-8", "replace"), {})
    named = {}
    for error in answer.errors or ():
        if error.source is not None and error.source.pointer.startswith(_ATTRIBUTES):
            name = error.source.pointer.removeprefix(_ATTRIBUTES).replace("~1", "/").replace("~0", "~")
            named[name] = error.details or error.title
    return Refusal(status, answer.message, named)


def delivered(traits: tuple[TraitExplanation, ...]) -> tuple[TraitExplanation, ...]:
    """The traits after Talon.One took the request."""
    return _settle(traits, _sent)


def _sent(trait: TraitExplanation) -> TraitExplanation:
    return TraitExplanation(trait.pointer, trait.attribute, trait.value, Verdict.SENT)


def refused(
    traits: tuple[TraitExplanation, ...], answer: Refusal, known: tuple[str, ...] = ()
) -> tuple[TraitExplanation, ...]:
    """The traits after Talon.One refused the request: it takes all of a request or nothing.

    Where it named attributes, these broke ATT-1 or ATT-2, and the others fell with them. `known` are names that an
    unknown one may have been meant to be.
    """
    rules = {name: "ATT-1" if "not defined" in text else "ATT-2" for name, text in answer.attributes.items()}
    culprits = f" because of {', '.join(sorted(rules))}" if rules else f": {answer.message}" if answer.message else ""
    whole = f"the whole request was refused ({answer.status}){culprits}"

    def settle(trait: TraitExplanation) -> TraitExplanation:
        own = answer.attributes.get(trait.attribute)
        if own is None:
            return msgspec.structs.replace(trait, verdict=Verdict.REFUSED, reason=whole, rule=_only(rules.values()))
        near = nearest(trait.attribute, known) if rules[trait.attribute] == "ATT-1" else None
        if near is not None:
            own = f"{own} Custom Attributes has {near.name}, which differs in {near.differs_in}."
        return msgspec.structs.replace(
            trait,
            verdict=Verdict.REFUSED,
            rule=rules[trait.attribute],
            reason=own,
            nearest=near.name if near else "",
        )

    return _settle(traits, settle)


def _only(rules: Iterable[str]) -> str:
    """The one rule among these, or none where they differ."""
    found = set(rules)
    return found.pop() if len(found) == 1 else ""


def rule_broken(traits: tuple[TraitExplanation, ...]) -> str:
    """The rule that refused traits broke, where it is one."""
    return _only(trait.rule for trait in traits if trait.verdict is Verdict.REFUSED)


def undelivered(traits: tuple[TraitExplanation, ...], reason: str) -> tuple[TraitExplanation, ...]:
    """The traits after the bridge gave the event up."""
    return _settle(traits, lambda trait: msgspec.structs.replace(trait, verdict=Verdict.UNDELIVERED, reason=reason))


def _settle(traits: tuple[TraitExplanation, ...], change: Any) -> tuple[TraitExplanation, ...]:
    return tuple(change(trait) if trait.verdict is Verdict.WAITING else trait for trait in traits)
