"""All rules of a bridge at once: up to three calls about one user, with every feature in any combination."""

from typing import Final

from talon_contracts.checks.check import of_bridge
from talon_contracts.oracle import NotSent, Sent
from talon_contracts.strategies import histories

CHECK: Final = of_bridge(
    None,
    histories,
    {
        "nested": lambda view: any(len(leaf.path) > 1 for leaf in view.sent),
        "withheld for its name": lambda view: view.withheld_by("MAP-3"),
        "withheld for its structure": lambda view: view.withheld_by("MAP-5"),
        "collision": lambda view: view.withheld_by("MAP-7"),
        "null": lambda view: None in view.values,
        "refused by Talon.One": lambda view: bool(view.refused),
        "stopped": lambda view: any(
            isinstance(request, NotSent) and request.rule != "MAP-6" for request in view.requests
        ),
        "several requests": lambda view: sum(isinstance(request, Sent) for request in view.requests) > 1,
    },
)
