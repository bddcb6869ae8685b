"""What an attribute may be called, and what is taken (ATT-3), written slowly and obviously."""

from collections.abc import Iterable
from dataclasses import dataclass
from string import ascii_letters, digits
from typing import Final, Literal

_IN_NAME: Final = ascii_letters + digits + "_"
_IN_TITLE: Final = ascii_letters + digits + "_.!~*'() -"


@dataclass(frozen=True, slots=True)
class Definition:
    """What identifies a definition; the title is what people read."""

    entity: str
    name: str
    title: str


def name_is_possible(name: str) -> bool:
    """Whether an attribute can have this name: an ASCII letter, then ASCII letters, digits and underscores."""
    return name != "" and name[0] in ascii_letters and all(character in _IN_NAME for character in name)


def title_is_possible(title: str) -> bool:
    """Whether an attribute can have this title: an ASCII letter, then letters, digits, spaces and `_.!~*'()-`."""
    return title != "" and title[0] in ascii_letters and all(character in _IN_TITLE for character in title)


def definition_problem(new: Definition, others: Iterable[Definition]) -> Literal["name", "title", "taken"] | None:
    """Why a definition cannot be made beside the others, or None."""
    if not name_is_possible(new.name):
        return "name"
    if not title_is_possible(new.title):
        return "title"
    for other in others:
        if other.entity == new.entity and (other.name == new.name or other.title == new.title):
            return "taken"
    return None
