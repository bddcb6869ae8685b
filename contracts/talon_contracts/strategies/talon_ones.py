"""What is put to a Talon.One beside updates of one profile: of several, definitions, look-ups, ended keys, bursts."""

from dataclasses import dataclass
from typing import Literal

from talon_contracts.definition_names import Definition
from talon_contracts.exact_json import Object

KeyKind = Literal["deleted", "expired", "other environment"]


@dataclass(frozen=True, slots=True)
class Definitions:
    """Definitions to be made one after the other; `prefix` is put before each name and title when it is known.

    What stands before the colon comes before the prefix. After each attempt one made before is asked to `become`
    another name or type, which it never does.
    """

    attempts: tuple[Definition, ...]
    become: tuple[str, str]

    def under(self, prefix: str) -> list[Definition]:
        """The definitions with their prefix."""
        return [
            Definition(each.entity, each.name.replace(":", prefix, 1), each.title.replace(":", prefix, 1))
            for each in self.attempts
        ]


@dataclass(frozen=True, slots=True)
class LookUp:
    """A profile that is updated, and then looked for under its id and under ids like it."""

    before: str
    after: str
    attributes: Object


@dataclass(frozen=True, slots=True)
class Several:
    """Updates of profiles whose ids end so: first one by one, then, each profile once, in one request."""

    singly: tuple[tuple[str, Object], ...]
    at_once: tuple[tuple[str, Object], ...] = ()


@dataclass(frozen=True, slots=True)
class EndedKey:
    """A profile that is updated with a good key, and then with one that must not reach it."""

    kind: KeyKind
    first: Object
    second: Object


@dataclass(frozen=True, slots=True)
class Burst:
    """Requests of one client within one second, or at the same moment for one profile."""

    requests: int
    kind: Literal["second", "profile"]
