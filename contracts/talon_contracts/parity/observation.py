"""An observation: which of the known answers to an open question a deployment gives, or that it gives another one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from talon_contracts.parity.line import Answer
from talon_contracts.targets import CannotJudge

if TYPE_CHECKING:
    from talon_contracts.parity.ground import Ground

_NO_ANSWER: Final = frozenset({401, 403, 429, *range(500, 600)})
"""Statuses that say something about the caller or the server, and nothing about what was asked."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The choice that the deployment has made, by its name."""

    choice: str


@dataclass(frozen=True, slots=True)
class Unlike:
    """The deployment does what is none of the choices."""

    what: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nothing was seen: what it would need, or what came instead of an answer."""

    reason: str


Observation: TypeAlias = Seen | Unlike | Unknown
Probe: TypeAlias = "Callable[[Ground], str | Unlike]"
"""Tries one question on a ground: the name of a choice, or what was seen instead; raises CannotJudge."""


def observe(probe: Probe, ground: "Ground") -> Observation:
    """What a probe sees."""
    try:
        seen = probe(ground)
    except CannotJudge as trouble:
        return Unknown(str(trouble))
    return Seen(seen) if isinstance(seen, str) else seen


def by_status(answer: Answer, choices: Mapping[int, str]) -> str | Unlike:
    """The choice that a status stands for; raises CannotJudge for one that answers nothing."""
    if answer.status in choices:
        return choices[answer.status]
    if answer.status in _NO_ANSWER:
        raise CannotJudge(answer.said)
    return Unlike(answer.said)
