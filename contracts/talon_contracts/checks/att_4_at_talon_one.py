"""ATT-4 at Talon.One: fitting values and nulls, over values that are there."""

from typing import Final

from talon_contracts.checks.check import of_updates
from talon_contracts.strategies.updates import updates

CHECK: Final = of_updates(
    "ATT-4",
    lambda names: updates(names, values="fitting"),
    {
        "null": lambda view: None in view.update.second.values(),
        "kept": lambda view: bool(view.update.first.keys() - view.update.second.keys()),
        "replaced": lambda view: bool(view.update.first.keys() & view.update.second.keys()),
    },
)
