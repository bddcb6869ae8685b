"""AUD-5 of syncs: an audience of the bridge's own, synced again and again, with bad rows, refusals and accidents."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.checks.check import of_engage, often
from talon_contracts.judges import judge_syncs
from talon_contracts.memberships import Kind
from talon_contracts.strategies import Names
from talon_contracts.strategies.syncs import Broken, Change, Crossed, History, counted, done, histories_of, lines_of


@st.composite
def _audiences(draw: DrawFn, names: Names) -> History:
    booleans = [name for name in names.unlisted if names.types[name] == "boolean"] or names.of_type("boolean")
    return draw(histories_of(Kind(), draw(st.sampled_from(booleans))))


def _leaves_just_what_may(history: History) -> bool:
    return any(
        wanted.counts["left"]
        and not step.force
        and wanted.counts["left"] / wanted.counts["membersBefore"] == step.share
        for step, wanted, _ in done(history)
    )


CHECK: Final = of_engage(
    "AUD-5 syncs",
    _audiences,
    judge_syncs,
    {
        "a member comes": often(lambda history: counted(history, "entered")),
        "a member leaves": often(lambda history: counted(history, "left")),
        "a member stays": lambda history: counted(history, "unchanged"),
        "live change": lambda history: any(isinstance(step, Change) for step in history.steps),
        "refused row": lambda history: any(line.fault for line in lines_of(history)),
        "row that comes again": lambda history: counted(history, "duplicates"),
        "several ids": lambda history: any(len(line.users) > 1 for line in lines_of(history)),
        "sync that is refused": lambda history: not all(well for _, _, well in done(history)),
        "as many leave as may": _leaves_just_what_may,
        "source that breaks off": lambda history: any(isinstance(step, Broken) for step in history.steps),
        "two at once": lambda history: any(isinstance(step, Crossed) for step in history.steps),
    },
    most=25,
)
