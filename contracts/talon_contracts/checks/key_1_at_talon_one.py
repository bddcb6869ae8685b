"""KEY-1 at Talon.One: a second request with a missing, malformed or unknown key."""

from dataclasses import replace
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from talon_contracts.checks.check import of_updates
from talon_contracts.strategies import Names
from talon_contracts.strategies.updates import Update, updates

_UNKNOWN: Final = "0123456789abcdef" * 4
_WRONG_KEYS: Final = ("", f"ApiKey-v1 {_UNKNOWN}", "ApiKey-v1 ", f"Bearer {_UNKNOWN}", "ManagementKey-v1 x", "x")


def _with_wrong_keys(names: Names) -> SearchStrategy[Update]:
    return st.builds(
        lambda wrong, update: replace(update, authorization=wrong),
        st.sampled_from(_WRONG_KEYS),
        updates(names, values="fitting"),
    )


CHECK: Final = of_updates(
    "KEY-1",
    _with_wrong_keys,
    {
        "no key": lambda view: view.update.authorization == "",
        "unknown key": lambda view: (view.update.authorization or "").startswith("ApiKey-v1 0"),
    },
)
