"""Belongings: what a comparison makes in a deployment, each with a name that shows whose it is."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from talon_contracts.exact_json import Object

MARK: Final = "localtalon_parity"
"""How the name of every attribute and audience begins."""

Kind = Literal["attribute", "audience", "customer", "session"]


@dataclass(frozen=True, slots=True)
class Belonging:
    """One thing that was made: an attribute by its name, an audience by its number, the rest by integration ID."""

    kind: Kind
    name: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """An attribute of CustomerProfile that probes need; `elsewhere`: connected to another Application only."""

    type: str
    suggestions: tuple[str, ...] = ()
    elsewhere: bool = False


ATTRIBUTES: Final[Mapping[str, Wanted]] = {
    "text": Wanted("string"),
    "number": Wanted("number"),
    "flag": Wanted("boolean"),
    "moment": Wanted("time"),
    "place": Wanted("location"),
    "texts": Wanted("(list string)"),
    "numbers": Wanted("(list number)"),
    "moments": Wanted("(list time)"),
    "tier": Wanted("string", ("gold", "silver")),
    "changing": Wanted("string"),
    "elsewhere": Wanted("string", elsewhere=True),
}
"""By the end of their names."""

INFERRED: Final = "inferred"
"""The one that Segment's host makes of a value."""

CHECKED: Final = ("text", "number", "flag", "moment", "texts", "numbers", "moments")
"""Those that the checks of rules draw values for."""


def mark_of(application: int) -> str:
    """How the names begin of what is made for one Application."""
    return f"{MARK}_{application}_"


def tag_of(prefix: str, customer: str) -> str | None:
    """How the integration IDs of one comparison begin, read from one of them; None where it is none of the prefix."""
    found = re.match(re.escape(prefix) + "[0-9a-f]{8}-", customer)
    return found and found[0]


def definition(name: str, wanted: Wanted, application: int) -> Object:
    """The body that makes an attribute, connected to this Application only."""
    return {
        "entity": "CustomerProfile",
        "name": name,
        "title": name,
        "type": wanted.type,
        "description": "Made by localtalon parity, which uses it again.",
        "suggestions": [*wanted.suggestions],
        "restrictedBySuggestions": bool(wanted.suggestions),
        "editable": True,
        "subscribedApplicationsIds": [application],
    }


class Ledger:
    """What was made and is not removed yet; `note` hears of each before, or as soon as, it is there."""

    def __init__(self, note: Callable[[Belonging], None] = lambda belonging: None) -> None:
        self._note = note
        self._kept: dict[Belonging, None] = {}
        self.removed: list[Belonging] = []

    def add(self, belonging: Belonging) -> None:
        """Something is made."""
        if belonging not in self._kept:
            self._note(belonging)
            self._kept[belonging] = None

    def know(self, belonging: Belonging) -> None:
        """Something was made before, and noted then."""
        self._kept[belonging] = None

    def remove(self, belonging: Belonging) -> None:
        """Something is gone."""
        if belonging in self._kept:
            del self._kept[belonging]
            self.removed.append(belonging)

    def forget(self, belonging: Belonging) -> None:
        """Something was not made after all."""
        self._kept.pop(belonging, None)

    @property
    def kept(self) -> tuple[Belonging, ...]:
        """What is there, in the order of its making."""
        return tuple(self._kept)
