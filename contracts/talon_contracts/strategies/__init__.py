"""Hypothesis strategies: traits, calls, names of audiences and whole histories; each check builds its cases of them.

Drawing is kept cheap, because it costs more than judging: leaves are drawn as a flat list and then nested, and most
keys come from pools that are made once.
"""

import functools
from dataclasses import replace
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from talon_contracts.exact_json import Object
from talon_contracts.strategies.audiences import audience_definitions, audience_names
from talon_contracts.strategies.calls import surroundings, user_id_ends
from talon_contracts.strategies.case import Case, Draft, Identity
from talon_contracts.strategies.computations import odd_computation
from talon_contracts.strategies.names import Names, names_of
from talon_contracts.strategies.pooled import pooled
from talon_contracts.strategies.traits import traits as any_traits

__all__ = [
    "Case",
    "Draft",
    "Names",
    "audience_definitions",
    "audience_names",
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
    ends = user_id_ends()
    return Case(tuple(drawn), before=draw(ends), after=draw(ends), envelope=common)


def identifies(names: Names, tag: str = "u") -> SearchStrategy[Object]:
    """Single events, ids included, as a bridge would receive them."""
    return drafts(names).map(lambda draft: Case((draft,)).events(tag)[0])


@functools.lru_cache(maxsize=32)
def drafts(names: Names) -> SearchStrategy[Draft]:
    """One call of any kind; most are identifies, many of these computed."""
    plain = st.builds(_draft, any_traits(names), surroundings())
    users: SearchStrategy[Identity] = st.sampled_from(("absent", "null", "empty"))
    nobody = st.builds(lambda user, draft: replace(draft, user=user, anonymous="given"), users, plain)
    computed = plain.flatmap(lambda draft: odd_computation(names, draft))
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
