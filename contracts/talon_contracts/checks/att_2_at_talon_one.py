"""ATT-2 at Talon.One: updates whose values fit their attributes or do not."""

from typing import Final

from talon_contracts.checks.check import of_updates
from talon_contracts.strategies.updates import updates

CHECK: Final = of_updates(
    "ATT-2",
    lambda names: updates(names, values="any"),
    {
        "wrong type": lambda view: "ATT-2" in view.refused,
        "accepted": lambda view: not view.refused,
    },
)
