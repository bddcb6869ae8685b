"""What is put to a Talon.One beside updates: definitions, look-ups, keys that ended, bursts."""

from dataclasses import dataclass, replace
from typing import Final, Literal

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from talon_contracts.definition_names import Definition
from talon_contracts.exact_json import Object
from talon_contracts.strategies.names import Names
from talon_contracts.strategies.updates import updates

KeyKind = Literal["deleted", "expired", "other environment"]

_ENDS: Final = ("a", "A", "b", "a1", "_", "a b", "a-b", "a.b", "ä", "ſ", "٣", "a\n", "")
_TITLE_ENDS: Final = (*_ENDS, "a (b)", "it's", "*!~", "a/b", "a,b", "😀")
_STARTS: Final = ("", "", "", "", "", "1", "_", " ", "é", "-")


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


@st.composite
def definitions(draw: DrawFn, names: Names) -> Definitions:
    """ATT-3: names and titles that are possible, impossible and taken, of two entities."""
    entities = st.sampled_from(("CustomerProfile", "CustomerProfile", "CustomerSession"))
    name = st.builds("{}:{}".format, st.sampled_from(_STARTS), st.sampled_from(_ENDS))
    title = st.builds("{}:{}".format, st.sampled_from(_STARTS), st.sampled_from(_TITLE_ENDS))
    attempts = draw(st.lists(st.builds(Definition, entities, name, title), min_size=1, max_size=3))
    like = draw(st.sampled_from(attempts))
    alike = st.sampled_from((replace(like, title=":z"), replace(like, name=":z"), replace(like, entity="CartItem")))
    attempts += draw(st.lists(alike, max_size=1))
    return Definitions(tuple(attempts), draw(st.sampled_from((("name", "other"), ("type", "number")))))


@st.composite
def look_ups(draw: DrawFn, names: Names) -> LookUp:
    """VIEW-1: ids with letters of both cases, spaces and slashes."""
    ends = st.sampled_from(("", "a", "A", "é", " x", "a/b", "%2F", "x@example.com"))
    return LookUp(draw(ends), draw(ends), draw(updates(names, values="fitting")).first)


@st.composite
def ended_keys(draw: DrawFn, names: Names) -> EndedKey:
    """KEY-1: keys that were good, and a key of the other environment."""
    update = draw(updates(names, values="fitting"))
    kinds: tuple[KeyKind, ...] = ("deleted", "expired", "other environment")
    return EndedKey(draw(st.sampled_from(kinds)), update.first, update.second)


def bursts(names: Names) -> SearchStrategy[Burst]:
    """LIM-1: fewer, as many, and more than there may be."""
    a_second = st.builds(Burst, st.sampled_from((1, 59, 60, 61, 65)), st.just("second"))
    at_once = st.builds(Burst, st.integers(1, 6), st.just("profile"))
    return st.one_of(a_second, at_once)
