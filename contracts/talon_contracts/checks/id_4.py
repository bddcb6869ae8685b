"""ID-4: integrations on each call, on their batch, or both, with all keys and kinds of value that occur."""

import functools
from dataclasses import replace
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from talon_contracts.checks.check import of_bridge, often
from talon_contracts.exact_json import Object
from talon_contracts.strategies import Case, Draft, Names
from talon_contracts.strategies.traits import alone_or_batched, call, plain_pairs
from talon_contracts.views import CaseView

_OWN_KEYS: Final[tuple[Object, ...]] = (
    {},
    {"Talon.One": False},
    {"Talon.One": True},
    {"Talon.One": None},
    {"Talon.One": {"option": True}},
    {"Talon_One": False},
    {"Talon_One": True},
    {"Talon_One": {}},
    {"Talon_One": "no"},
    {"Talon_One": True, "Talon.One": False},
    {"Talon.One": True, "Talon_One": False},
)
_OTHER_KEYS: Final[tuple[Object, ...]] = (
    {},
    {"All": False},
    {"All": True},
    {"all": False},
    {"all": False, "All": True},
    {"All": {"option": False}, "all": False},
    {"All": False, "Salesforce": True},
    {"Talon.One (Actions)": False, "talon.one": False, "Warehouses": {"all": False}},
)


@st.composite
def _switches(draw: DrawFn, names: Names) -> Case:
    of_batch: Object | None = draw(st.one_of(st.none(), _integrations()))
    envelope: Object | None = draw(alone_or_batched()) if of_batch is None else {"integrations": of_batch}
    drafts = draw(st.lists(st.builds(_switched, plain_pairs(names).map(call), _own()), min_size=1, max_size=3))
    return Case(tuple(drafts), envelope=envelope)


def _switched(draft: Draft, integrations: Object | None) -> Draft:
    return draft if integrations is None else replace(draft, body={**draft.body, "integrations": integrations})


@functools.cache
def _own() -> SearchStrategy[Object | None]:
    return st.one_of(st.none(), _integrations())


@functools.cache
def _integrations() -> SearchStrategy[Object]:
    return st.builds(lambda own, rest: {**own, **rest}, st.sampled_from(_OWN_KEYS), st.sampled_from(_OTHER_KEYS))


def _seen(view: CaseView) -> list[Object]:
    return [own for event in view.events if isinstance(own := event.get("integrations"), dict)]


CHECK: Final = of_bridge(
    "ID-4",
    _switches,
    {
        "disabled": often(lambda view: view.stopped_by("ID-4")),
        "enabled in spite of All": lambda view: (
            bool(view.sent) and any(seen.get("All") is False for seen in _seen(view))
        ),
        "options": lambda view: any(
            isinstance(seen.get(key), dict) for seen in _seen(view) for key in ("Talon.One", "Talon_One")
        ),
        "disabled beside enabled in a batch": lambda view: (
            view.case.envelope is not None and view.stopped_by("ID-4") and bool(view.sent)
        ),
        "integrations of the batch": lambda view: bool((view.case.envelope or {}).get("integrations")),
    },
)
