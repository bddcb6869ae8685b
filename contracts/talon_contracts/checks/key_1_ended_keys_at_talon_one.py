"""KEY-1 at Talon.One, of ended keys: keys that were good, and a key of the other environment."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.checks.check import of_talon_one
from talon_contracts.judges import judge_ended_key
from talon_contracts.strategies import Names
from talon_contracts.strategies.talon_ones import EndedKey, KeyKind
from talon_contracts.strategies.updates import updates

_KINDS: Final[tuple[KeyKind, ...]] = ("deleted", "expired", "other environment")


@st.composite
def _ended_keys(draw: DrawFn, names: Names) -> EndedKey:
    update = draw(updates(names, values="fitting"))
    return EndedKey(draw(st.sampled_from(_KINDS)), update.first, update.second)


CHECK: Final = of_talon_one(
    "KEY-1 ended keys",
    _ended_keys,
    judge_ended_key,
    {
        "deleted": lambda case: case.kind == "deleted",
        "expired": lambda case: case.kind == "expired",
        "of the other environment": lambda case: case.kind == "other environment",
    },
    "levers",
    most=40,
)
