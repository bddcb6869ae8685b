"""What cases for a bridge must have shown."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from talon_contracts.exact_json import Json, Object
from talon_contracts.features.feature import Feature, Features
from talon_contracts.oracle import NotSent, Sent, is_client_side
from talon_contracts.views import CaseView


def _traits(view: CaseView) -> list[Object]:
    return [traits for event in view.events if isinstance(traits := event.get("traits"), dict)]


def _names_sent_twice(view: CaseView) -> bool:
    requests = [request for request in view.requests if isinstance(request, Sent)]
    return any(len(request.attributes) < len(request.leaves) for request in requests)


def _own_integrations(view: CaseView) -> list[Object]:
    return [own for event in view.events if isinstance(own := event.get("integrations"), dict)]


def _has_type(kind: str) -> Feature:
    return lambda view: any(event["type"] == kind for event in view.events)


def _values_sent(view: CaseView) -> list[Json]:
    return [leaf.value for leaf in view.sent]


def _personas(event: Object) -> bool:
    context = event.get("context")
    return isinstance(context, dict) and isinstance(context.get("personas"), dict)


def _holds(view: CaseView, kind: type) -> bool:
    held = [each.leaf.value for each in view.withheld if each.rule == "MAP-5"]
    return any(isinstance(item, kind) for value in held if isinstance(value, list) for item in value)


OF_CASES: Final[Mapping[str, Features]] = MappingProxyType(
    {
        "ID-1": {
            "id with a slash": lambda view: "/" in view.case.user_id(""),
            "id with a percent sign": lambda view: "%" in view.case.user_id(""),
            "id with a space at an end": lambda view: view.case.user_id("t") != view.case.user_id("t").strip(),
            "id beyond ASCII": lambda view: not view.case.user_id("").isascii(),
            "id of 1000 characters": lambda view: len(view.case.user_id("")) == 1000,
            "id that is too long": lambda view: len(view.case.user_id("")) > 1000,
            "id that is a dot segment": lambda view: view.case.whole is not None,
        },
        "ID-2": {
            "userId absent": lambda view: any(draft.user == "absent" for draft in view.case.drafts),
            "userId null": lambda view: any(draft.user == "null" for draft in view.case.drafts),
            "userId empty": lambda view: any(draft.user == "empty" for draft in view.case.drafts),
            "anonymousId instead": lambda view: any(
                draft.user != "given" and draft.anonymous == "given" for draft in view.case.drafts
            ),
        },
        "ID-3": {
            f"a call of type {kind}": _has_type(kind)
            for kind in ("track", "page", "screen", "group", "alias", "delete", "Identify")
        },
        "ID-4": {
            "disabled": lambda view: view.stopped_by("ID-4"),
            "enabled in spite of All": lambda view: (
                bool(view.sent) and any(own.get("All") is False for own in _own_integrations(view))
            ),
            "options": lambda view: any(
                isinstance(own.get(key), dict) for own in _own_integrations(view) for key in ("Talon.One", "Talon_One")
            ),
            "integrations of the batch": lambda view: bool((view.case.envelope or {}).get("integrations")),
        },
        "MAP-1": {
            "two levels": lambda view: any(len(leaf.path) == 2 for leaf in view.sent),
            "three levels": lambda view: any(len(leaf.path) > 2 for leaf in view.sent),
            "flat beside nested": lambda view: len({len(leaf.path) for leaf in view.sent}) > 1,
        },
        "MAP-2": {
            "another case": lambda view: any(each.leaf.name != each.leaf.name.lower() for each in view.withheld),
            "space at an end": lambda view: any(each.leaf.name != each.leaf.name.strip() for each in view.withheld),
            "other punctuation": lambda view: any(set(".- ") & set(each.leaf.name) for each in view.withheld),
        },
        "MAP-3": {
            "unlisted": lambda view: view.withheld_by("MAP-3"),
            "listed beside unlisted": lambda view: view.withheld_by("MAP-3") and bool(view.sent),
            "nothing left to send": lambda view: view.stopped_by("MAP-6"),
        },
        "MAP-4": {
            "excused": lambda view: any(_personas(event) for event in view.events) and bool(view.sent),
            "another not excused": lambda view: (
                any(_personas(event) for event in view.events) and view.withheld_by("MAP-3")
            ),
            "the same trait without the mark": lambda view: not any(_personas(event) for event in view.events),
        },
        "MAP-5": {
            "list of scalars": lambda view: any(isinstance(leaf.value, list) and leaf.value for leaf in view.sent),
            "empty list": lambda view: any(leaf.value == [] for leaf in view.sent),
            "object in a list": lambda view: _holds(view, dict),
            "list in a list": lambda view: _holds(view, list),
        },
        "MAP-6": {
            "null": lambda view: any(leaf.value is None for leaf in view.sent),
            "absent after it was set": lambda view: any(
                traits.keys() < _traits(view)[0].keys() for traits in _traits(view)
            ),
            "empty object": lambda view: any({} in traits.values() for traits in _traits(view)),
            "nothing to send": lambda view: view.stopped_by("MAP-6"),
        },
        "MAP-7": {
            "collision": lambda view: view.withheld_by("MAP-7"),
            "collision beside a sent leaf": lambda view: view.withheld_by("MAP-7") and bool(view.sent),
            "the same value twice": _names_sent_twice,
            "three ways to one name": lambda view: any(
                sum(other.leaf.name == each.leaf.name for other in view.withheld) > 2 for each in view.withheld
            ),
        },
        "MAP-8": {
            "integer beyond 2^53": lambda view: any(
                isinstance(value, int) and abs(value) > 2**53 for value in _values_sent(view)
            ),
            "more than 17 digits": lambda view: any(len(str(value)) > 19 for value in _values_sent(view)),
            "fraction": lambda view: any("." in str(value) for value in _values_sent(view)),
        },
        "AUD-2": {
            "key with digits": lambda view: any(any(map(str.isdigit, leaf.name)) for leaf in view.sent),
            "key with capitals": lambda view: any(leaf.name != leaf.name.lower() for leaf in view.sent),
            "key that must stay wrong": lambda view: "ATT-1" in view.refused,
        },
        "AUD-4": {
            "entering": lambda view: any(value is True for value in _values_sent(view)),
            "leaving": lambda view: any(value is False for value in _values_sent(view)),
            "the string true": lambda view: "true" in _values_sent(view),
            "entering and leaving": lambda view: {True, False} <= {v for v in _values_sent(view) if v in (True, False)},
        },
        "AUD-6": {
            "value": lambda view: any(value is not None for value in _values_sent(view)),
            "null": lambda view: None in _values_sent(view),
        },
        "ATT-1": {
            "refused": lambda view: "ATT-1" in view.refused,
            "refused after an accepted one": lambda view: "ATT-1" in view.refused and len(view.requests) > 1,
        },
        "ATT-2": {
            "refused": lambda view: "ATT-2" in view.refused,
            "the text of a number": lambda view: any(value in ("5", "0", "-3") for value in _values_sent(view)),
            "the text of a boolean": lambda view: any(value in ("true", "false") for value in _values_sent(view)),
            "refused after an accepted one": lambda view: "ATT-2" in view.refused and len(view.requests) > 1,
        },
        "ATT-4": {
            "another name": lambda view: len({leaf.name for leaf in view.sent}) > 1,
            "a name again": lambda view: len({leaf.name for leaf in view.sent}) < len(view.sent),
        },
        "SRC-1": {
            "client side": lambda view: any(is_client_side(event) for event in view.events),
            "server side": lambda view: not any(is_client_side(event) for event in view.events),
        },
    }
)
"""For each rule of a bridge."""

OF_HISTORIES: Final[Features] = MappingProxyType(
    {
        "nested": lambda view: any(len(leaf.path) > 1 for leaf in view.sent),
        "withheld for its name": lambda view: view.withheld_by("MAP-3"),
        "withheld for its structure": lambda view: view.withheld_by("MAP-5"),
        "collision": lambda view: view.withheld_by("MAP-7"),
        "null": lambda view: any(leaf.value is None for leaf in view.sent),
        "refused by Talon.One": lambda view: bool(view.refused),
        "stopped": lambda view: any(
            isinstance(request, NotSent) and request.rule != "MAP-6" for request in view.requests
        ),
        "several requests": lambda view: sum(isinstance(request, Sent) for request in view.requests) > 1,
    }
)
"""For all rules of a bridge together."""
