"""Hypothesis strategies: traits, calls, names of audiences and whole histories, with a focus per rule.

Drawing is kept cheap, because it costs more than judging: leaves are drawn as a flat list and then nested, and most
keys come from pools that are made once.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from talon_contracts.exact_json import Object
from talon_contracts.strategies import calls, computations
from talon_contracts.strategies import traits as trait_cases
from talon_contracts.strategies.audiences import audience_definitions, audience_names
from talon_contracts.strategies.case import Case, Draft, Identity
from talon_contracts.strategies.names import Names, names_of
from talon_contracts.strategies.pooled import pooled

__all__ = [
    "FOCI",
    "Case",
    "Draft",
    "Names",
    "audience_definitions",
    "audience_names",
    "cases",
    "drafts",
    "histories",
    "identifies",
    "names_of",
    "pooled",
]


@st.composite
def histories(draw: DrawFn, names: Names) -> Case:
    """Up to three calls about one user, with every feature of every rule in any combination."""
    common: Object | None = draw(st.sampled_from(_ENVELOPES))
    drawn = draw(st.lists(drafts(names), min_size=1, max_size=3))
    if common is None and any("type" in draft.body for draft in drawn):
        common = {}
    ends = calls.user_id_ends()
    return Case(tuple(drawn), before=draw(ends), after=draw(ends), envelope=common)


def identifies(names: Names, tag: str = "u") -> SearchStrategy[Object]:
    """Single events, ids included, as a bridge would receive them."""
    return drafts(names).map(lambda draft: Case((draft,)).events(tag)[0])


def cases(names: Names, focus: str | None = None) -> SearchStrategy[Case]:
    """Cases that put one rule to the test and leave the others alone, or all of them at once when there is no focus.

    Raises KeyError for a rule that has no focus.
    """
    return histories(names) if focus is None else FOCI[focus](names)


FOCI: Final[Mapping[str, Callable[[Names], SearchStrategy[Case]]]] = MappingProxyType(
    {
        "ID-1": calls.odd_ids,
        "ID-2": calls.anonymous,
        "ID-3": calls.other_types,
        "ID-4": calls.integrations,
        "MAP-1": trait_cases.nested,
        "MAP-2": trait_cases.misspelt,
        "MAP-3": trait_cases.unlisted,
        "MAP-4": computations.excused,
        "MAP-5": trait_cases.listy,
        "MAP-6": trait_cases.nulls,
        "MAP-7": trait_cases.collisions,
        "MAP-8": trait_cases.digits,
        "AUD-2": computations.arriving_keys,
        "AUD-4": computations.memberships,
        "AUD-6": computations.computed_traits,
        "ATT-1": computations.undefined,
        "ATT-2": trait_cases.mistyped,
        "ATT-4": trait_cases.patches,
        "SRC-1": calls.sources,
    }
)
"""The case strategy of each rule that a bridge can be judged by, in the order of the rules."""


@functools.lru_cache(maxsize=32)
def drafts(names: Names) -> SearchStrategy[Draft]:
    """One call of any kind; most are identifies, many of these computed."""
    plain = st.builds(_draft, trait_cases.traits(names), calls.surroundings())
    users: SearchStrategy[Identity] = st.sampled_from(("absent", "null", "empty"))
    nobody = st.builds(lambda user, draft: replace(draft, user=user, anonymous="given"), users, plain)
    computed = plain.flatmap(lambda draft: computations.odd_computation(names, draft))
    extra = st.builds(lambda more, draft: replace(draft, body={**draft.body, **more}), st.sampled_from(_EXTRAS), plain)
    kinds = st.sampled_from((plain,) * 4 + (computed,) * 4 + (nobody, extra, extra))
    return kinds.flatmap(lambda kind: kind)


def _draft(traits: Object, around: Object) -> Draft:
    return Draft({"traits": traits, **around})


_ENVELOPES: Final[tuple[Object | None, ...]] = (
    None,
    None,
    {},
    {"integrations": {"All": True}},
    {"context": {"channel": "server"}},
)
_EXTRAS: Final[tuple[Object, ...]] = (
    {"type": "track", "event": "x"},
    {"type": "page"},
    {"type": "group", "groupId": "g"},
    {"type": "delete", "context": [], "integrations": []},
    {"traits": None},
    {"traits": {}},
    {"integrations": {"All": False}},
    {"integrations": {"All": False, "Talon_One": {}}},
    {"integrations": {"Talon.One": False}},
    {"integrations": None},
    {"context": {"library": {"name": "analytics.js", "version": "1"}}},
    {"context": {"library": {"name": "analytics-python", "version": "2.4.0"}}, "channel": "server"},
    {"context": None},
)
