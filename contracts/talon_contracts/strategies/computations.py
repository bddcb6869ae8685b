"""What Engage sends: audiences and computed traits; one case strategy per rule that speaks of them."""

from dataclasses import replace
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from talon_contracts.exact_json import Json, Object
from talon_contracts.strategies.case import Case, Draft
from talon_contracts.strategies.names import Names, near_misses
from talon_contracts.strategies.traits import Pair, alone_or_batched, call, plain_pairs
from talon_contracts.strategies.values import fitting, plain

_CLASSES: Final = ("audience", "trait", "journey_step", "", None)
_UNDEFINED: Final = ("30_day_buyers", "big_spenders", "j_o_first_purchase__opened_email_dje83h", "Größe", "no such key")


def computed(key: str, pairs: list[Pair], computation_class: str | None = "audience") -> Draft:
    """An identify that says its trait `key` was computed, shaped like the ones Engage sends (observed)."""
    personas: Object = {
        "computation_key": key,
        "computation_id": "aud_2fZ",
        "space_id": "spa_2fZ",
        "namespace": "spa_2fZ",
    }
    if computation_class is not None:
        personas["computation_class"] = computation_class
    context: Object = {
        "integrations": {"personas": False},
        "library": {"name": "unknown", "version": "unknown"},
        "personas": personas,
    }
    integrations: Object = {"All": False, "Talon_One": True, "Warehouses": {"all": False}}
    body: Object = {**call(pairs).body, "context": context, "integrations": integrations, "sentAt": None}
    return Draft(body)


@st.composite
def excused(draw: DrawFn, names: Names) -> Case:
    """MAP-4: an unlisted trait with and without Engage's mark, and unlisted others that ride on the same call."""
    marked = draw(st.sampled_from((True, True, True, False)))
    name = draw(st.sampled_from(_without_booleans(names)))
    pairs: list[Pair] = [((name,), draw(plain(names.types[name])))]
    others = st.sampled_from([*names.strangers, *((other,) for other in names.unlisted if other != name)])
    pairs += [(path, "stowaway") for path in draw(st.lists(others, max_size=2))]
    pairs += draw(plain_pairs(names, min_size=0, max_size=2))
    if not marked:
        return Case((call(pairs),), envelope=draw(alone_or_batched()))
    return Case((computed(name, pairs, draw(st.sampled_from(_CLASSES))),), envelope=draw(alone_or_batched()))


@st.composite
def arriving_keys(draw: DrawFn, names: Names) -> Case:
    """AUD-2: computation keys as Engage made them, and keys that would be these if someone repaired them."""
    name = draw(st.sampled_from(names.unlisted))
    spoilt = [path[0] for path in near_misses(name) if len(path) == 1 and path[0] not in names.types]
    key = draw(st.one_of(st.just(name), st.sampled_from(spoilt)))
    pairs: list[Pair] = [((key,), draw(plain(names.types[name]))), *draw(plain_pairs(names, min_size=0, max_size=1))]
    return Case((computed(key, pairs),), envelope=draw(alone_or_batched()))


@st.composite
def memberships(draw: DrawFn, names: Names) -> Case:
    """AUD-4: users who enter and leave an audience, and now and then the string that is not a boolean."""
    boolean: SearchStrategy[Json] = st.sampled_from((True, False, True, False, "true"))
    unlisted = [name for name in names.unlisted if names.types[name] == "boolean"]
    moves = [st.builds(computed, st.just(name), _valued(name, boolean)) for name in unlisted]
    moves += [_valued(name, boolean).map(call) for name in names.of_type("boolean")]
    drafts = draw(st.lists(st.one_of(*moves), min_size=1, max_size=4))
    return Case(tuple(drafts), envelope=draw(alone_or_batched()))


@st.composite
def computed_traits(draw: DrawFn, names: Names) -> Case:
    """AUD-6: values of a computed trait, each of its own type, and null for a user who left it."""
    name = draw(st.sampled_from(_without_booleans(names)))
    value = st.one_of(plain(names.types[name]), st.none())
    update = st.builds(computed, st.just(name), _valued(name, value), st.just("trait"))
    return Case(tuple(draw(st.lists(update, min_size=1, max_size=3))), envelope=draw(alone_or_batched()))


@st.composite
def undefined(draw: DrawFn, names: Names) -> Case:
    """ATT-1: a computed trait that Talon.One does not know spoils the whole request, and nothing else."""
    key = draw(st.sampled_from([key for key in _UNDEFINED if key not in names.types]))
    pairs: list[Pair] = [((key,), draw(st.sampled_from((True, "x", 1)))), *draw(plain_pairs(names, max_size=2))]
    updates = st.lists(plain_pairs(names).map(call), max_size=1)
    return Case((*draw(updates), computed(key, pairs), *draw(updates)), envelope=draw(alone_or_batched()))


@st.composite
def odd_computation(draw: DrawFn, names: Names, draft: Draft) -> Draft:
    """The same call with Engage's mark on some trait: one that is there, nested or not, or one that is not."""
    there = draft.body.get("traits")
    keys = [*there] if isinstance(there, dict) else []
    name = draw(st.sampled_from((*keys, *names.unlisted, "no such key", "")))
    if not name:
        return draft
    body: Object = {**draft.body, "context": {"personas": {"computation_key": name, "computation_class": "trait"}}}
    if name in names.unlisted and isinstance(there, dict):
        body["traits"] = {**there, name: draw(fitting(names.types[name]))}
    return replace(draft, body=body)


def _without_booleans(names: Names) -> list[str]:
    """Unlisted names of other types than boolean where there are any: whether booleans travel is AUD-4's matter."""
    return [name for name in names.unlisted if names.types[name] != "boolean"] or list(names.unlisted)


def _valued(name: str, value: SearchStrategy[Json]) -> SearchStrategy[list[Pair]]:
    return value.map(lambda drawn: [((name,), drawn)])
