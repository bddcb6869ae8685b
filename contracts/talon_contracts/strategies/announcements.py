"""Announcements: audiences and computed traits, defined one after the other, then renamed or given other keys."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.exact_json import Object
from talon_contracts.oracle import audience_key, audience_problem
from talon_contracts.strategies.audiences import audience_names
from talon_contracts.strategies.names import Names

_KEYS: Final = ("VipCustomers", "order_completed_last_30days", "X1", "isVIP")
_ODD_KEYS: Final = ("30_day_buyers", "", "a b", "a-b", "\u00fcber", "_x", "7")
_NAMES: Final = audience_names().filter(lambda name: name.strip() != "")
_POSSIBLE: Final = re.compile(r"[A-Za-z]\w*", re.ASCII)
_TYPES: Final = (None, None, "number", "string", "boolean")


@dataclass(frozen=True, slots=True)
class Announced:
    """One definition under an id of its own; without an explicit `key` the key comes from the name."""

    name: str
    key: str | None = None
    type: str | None = None
    """The type of a computed trait; None for an audience."""

    @property
    def key_to_be(self) -> str:
        """The key that it is to have (AUD-1, AUD-2)."""
        return audience_key(self.name) if self.key is None else self.key

    @property
    def document(self) -> Object:
        """The definition as it is sent."""
        document: Object = {"name": self.name}
        if self.key is not None:
            document["key"] = self.key
        if self.type is not None:
            document["type"] = self.type
        return document


@dataclass(frozen=True, slots=True)
class Announcements:
    """Definitions in order; then each gets this other name, and this other key is tried."""

    definitions: tuple[Announced, ...]
    name: str
    key: str

    @property
    def objections(self) -> list[str]:
        """What there is to object to in the definitions, where nothing else is defined."""
        taken: set[str] = set()
        found: list[str] = []
        for each in self.definitions:
            problem = objection(each.key_to_be, taken)
            if problem is None:
                taken.add(each.key_to_be)
            else:
                found.append(problem)
        return found


def objection(key: str, taken: Iterable[str]) -> str | None:
    """Why a key cannot be given (AUD-3): no attribute can be called so, or another one has it already."""
    return audience_problem(key, taken) or (None if _POSSIBLE.fullmatch(key) else "impossible")


@st.composite
def announcements(draw: DrawFn, names: Names) -> Announcements:
    """Up to four definitions, whose keys are in order, or not, or those of others, or of attributes that there are."""
    defined = st.sampled_from((*_KEYS, *sorted(names.types)))
    definitions: list[Announced] = []
    for _ in range(draw(st.integers(1, 4))):
        there = st.sampled_from((*_ODD_KEYS, *(each.key_to_be for each in definitions)))
        key = draw(st.one_of(st.none(), st.none(), defined, there))
        free = audience_names() if key is None else _NAMES
        before = [each.name for each in definitions if each.name.strip()]
        again = before and draw(st.integers(0, 3)) == 0
        name = draw(st.sampled_from(before) if again else free)
        definitions.append(Announced(name, key, draw(st.sampled_from(_TYPES))))
    return Announcements(tuple(definitions), draw(_NAMES), draw(st.sampled_from(_KEYS)))
