"""What Engage sends: calls with its mark on a trait, which is an audience or a computed trait."""

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.exact_json import Object
from talon_contracts.strategies.case import Draft
from talon_contracts.strategies.names import Names
from talon_contracts.strategies.traits import Pair, call
from talon_contracts.strategies.values import fitting


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


def without_booleans(names: Names) -> list[str]:
    """Unlisted names of other types than boolean where there are any: whether booleans travel is AUD-4's matter."""
    return [name for name in names.unlisted if names.types[name] != "boolean"] or list(names.unlisted)


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
