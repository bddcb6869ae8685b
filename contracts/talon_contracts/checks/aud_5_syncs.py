"""AUD-5 of syncs: an audience of the bridge's own, synced again and again, with bad rows, refusals and accidents."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.checks.check import of_engage, often
from talon_contracts.judges import judge_syncs
from talon_contracts.memberships import Kind
from talon_contracts.strategies import Names
from talon_contracts.strategies.syncs import (
    Broken,
    Change,
    Crossed,
    History,
    Sync,
    histories_of,
    lines_of,
    several_syncs,
)


@st.composite
def _audiences(draw: DrawFn, names: Names) -> History:
    booleans = [name for name in names.unlisted if names.types[name] == "boolean"] or names.of_type("boolean")
    return draw(histories_of(Kind(), draw(st.sampled_from(booleans))))


CHECK: Final = of_engage(
    "AUD-5 syncs",
    _audiences,
    judge_syncs,
    {
        "several syncs": often(several_syncs),
        "live change": often(lambda history: any(isinstance(step, Change) for step in history.steps)),
        "refused row": lambda history: any(line.fault for line in lines_of(history)),
        "several ids": lambda history: any(len(line.users) > 1 for line in lines_of(history)),
        "forced": lambda history: any(isinstance(step, Sync) and step.force for step in history.steps),
        "nobody": lambda history: any(isinstance(step, Sync) and not step.lines for step in history.steps),
        "source that breaks off": lambda history: any(isinstance(step, Broken) for step in history.steps),
        "two at once": lambda history: any(isinstance(step, Crossed) for step in history.steps),
    },
    most=25,
)
