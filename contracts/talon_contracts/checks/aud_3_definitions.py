"""AUD-3 of definitions: audiences and traits defined at the bridge, with keys made, given, taken or impossible."""

from typing import Final

from talon_contracts.checks.check import of_engage
from talon_contracts.judges import judge_announcements
from talon_contracts.strategies.announcements import announcements

CHECK: Final = of_engage(
    "AUD-3 definitions",
    announcements,
    judge_announcements,
    {
        "empty key": lambda case: "empty" in case.objections,
        "leading digit": lambda case: "starts_with_digit" in case.objections,
        "taken key": lambda case: "taken" in case.objections,
        "key that no attribute can have": lambda case: "impossible" in case.objections,
        "key in order": lambda case: len(case.objections) < len(case.definitions),
        "explicit key with capitals": lambda case: any(
            each.key != each.key_to_be.lower() for each in case.definitions if each.key is not None
        ),
    },
    most=25,
)
