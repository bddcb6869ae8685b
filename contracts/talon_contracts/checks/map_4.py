"""MAP-4: an unlisted trait with and without Engage's mark, and unlisted others on the same call, some of like names."""

from dataclasses import replace
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.checks.check import of_bridge, often
from talon_contracts.exact_json import Json, Object
from talon_contracts.strategies import Case, Names
from talon_contracts.strategies.computations import computed, without_booleans
from talon_contracts.strategies.contexts import in_context
from talon_contracts.strategies.traits import Pair, alone_or_batched, call, plain_pairs
from talon_contracts.strategies.values import plain
from talon_contracts.views import CaseView

_CLASSES: Final = ("audience", "trait", "journey_step", "", None)


@st.composite
def _excused(draw: DrawFn, names: Names) -> Case:
    marked = draw(st.sampled_from((True, True, True, False)))
    name = draw(st.sampled_from(without_booleans(names)))
    pairs: list[Pair] = [((name,), draw(plain(names.types[name])))]
    others = st.sampled_from([*names.strangers, *((other,) for other in names.unlisted if other != name)])
    alike = st.sampled_from([(other,) for other in _alike(name) if other not in names.types])
    pairs += [(path, "stowaway") for path in draw(st.lists(st.one_of(others, alike), max_size=2))]
    pairs += draw(plain_pairs(names, min_size=0, max_size=2))
    if not marked:
        return Case((call(pairs),), envelope=draw(alone_or_batched()))
    draft = computed(name, pairs, draw(st.sampled_from(_CLASSES)))
    context = draft.body["context"]
    assert isinstance(context, dict)
    bare = replace(draft, body={member: value for member, value in draft.body.items() if member != "context"})
    return draw(in_context(bare, context, {"personas": {"computation_key": names.strangers[0][0]}}))


def _alike(key: str) -> tuple[str, ...]:
    """Names that are not the key, and easily taken for it."""
    return key.upper(), key.capitalize(), f"{key}_total", f"{key}s", key[:-1]


def _personas(context: Json) -> Object:
    personas = context.get("personas") if isinstance(context, dict) else None
    return personas if isinstance(personas, dict) else {}


def _is_marked(view: CaseView) -> bool:
    return any(_personas(event.get("context")) for event in view.events)


def _is_marked_by_batch(view: CaseView) -> bool:
    return bool(_personas((view.case.envelope or {}).get("context")))


def _has_own_context(view: CaseView) -> bool:
    return any(draft.body.get("context") for draft in view.case.drafts)


def _has_lookalike(view: CaseView) -> bool:
    keys = [str(_personas(event.get("context")).get("computation_key")) for event in view.events]
    return any(each.leaf.name in _alike(key) for each in view.withheld for key in keys)


CHECK: Final = of_bridge(
    "MAP-4",
    _excused,
    {
        "excused": often(lambda view: _is_marked(view) and bool(view.sent)),
        "another not excused": lambda view: _is_marked(view) and view.withheld_by("MAP-3"),
        "another with a name like it": _has_lookalike,
        "the same trait without the mark": lambda view: not _is_marked(view),
        "marked by its batch": lambda view: _is_marked_by_batch(view) and not _has_own_context(view),
        "marked by its batch, with a context of its own": lambda view: (
            _is_marked_by_batch(view) and _has_own_context(view)
        ),
    },
)
