"""What was put to a Talon.One must have shown."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from talon_contracts.definition_names import definition_problem
from talon_contracts.features.feature import Feature, Features
from talon_contracts.strategies.talon_ones import Definitions

OF_UPDATES: Final[Mapping[str, Features]] = MappingProxyType(
    {
        "ATT-1": {
            "unknown name": lambda view: "ATT-1" in view.refused,
            "unknown name beside values": lambda view: "ATT-1" in view.refused and len(view.update.second) > 1,
            "accepted": lambda view: not view.refused,
        },
        "ATT-2": {"wrong type": lambda view: "ATT-2" in view.refused, "accepted": lambda view: not view.refused},
        "ATT-4": {
            "null": lambda view: None in view.update.second.values(),
            "kept": lambda view: bool(view.update.first.keys() - view.update.second.keys()),
            "replaced": lambda view: bool(view.update.first.keys() & view.update.second.keys()),
        },
        "KEY-1": {
            "no key": lambda view: view.update.authorization == "",
            "unknown key": lambda view: (view.update.authorization or "").startswith("ApiKey-v1 0"),
        },
    }
)
"""For updates, by rule."""


def _has_problem(problem: str) -> Feature:
    def shows(case: Definitions) -> bool:
        attempts = case.under("x")
        return any(definition_problem(each, attempts[:at]) == problem for at, each in enumerate(attempts))

    return shows


OF_TALON_ONE: Final[Mapping[str, Features]] = MappingProxyType(
    {
        "ATT-3": {
            "impossible name": _has_problem("name"),
            "impossible title": _has_problem("title"),
            "taken": _has_problem("taken"),
            "one name for two entities": lambda case: (
                len({each.name for each in case.attempts}) < len({(each.entity, each.name) for each in case.attempts})
            ),
            "another name": lambda case: case.become[0] == "name",
            "another type": lambda case: case.become[0] == "type",
        },
        "KEY-1 ended keys": {
            "deleted": lambda case: case.kind == "deleted",
            "expired": lambda case: case.kind == "expired",
            "of the other environment": lambda case: case.kind == "other environment",
        },
        "LIM-1": {
            "as many as may be": lambda case: (case.kind, case.requests) in (("second", 60), ("profile", 3)),
            "too many in a second": lambda case: case.kind == "second" and case.requests > 60,
            "too many at once": lambda case: case.kind == "profile" and case.requests > 3,
        },
        "VIEW-1": {
            "id with a slash": lambda case: "/" in case.before + case.after,
            "id with capitals": lambda case: "A" in case.before + case.after,
            "attributes": lambda case: bool(case.attributes),
        },
    }
)
"""For everything else, by check."""
