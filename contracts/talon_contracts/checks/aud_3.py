"""AUD-3: names of audiences whose key is empty, starts with a digit or is taken, and names that are in order."""

from typing import Final

from talon_contracts.checks.check import of_audience_keys

CHECK: Final = of_audience_keys(
    "AUD-3",
    {
        "empty key": lambda view: view.problem == "empty",
        "leading digit": lambda view: view.problem == "starts_with_digit",
        "taken key": lambda view: view.problem == "taken",
        "key in order": lambda view: view.problem is None,
    },
)
