"""AUD-6 of syncs: computed traits of the bridge's own, with values of each type, which nullify or do not."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.checks.check import of_engage, often
from talon_contracts.judges import judge_syncs
from talon_contracts.memberships import Kind
from talon_contracts.strategies import Names
from talon_contracts.strategies.syncs import History, Sync, counted, histories_of, lines_of


@st.composite
def _traits(draw: DrawFn, names: Names) -> History:
    keys = sorted((*names.listed, *names.unlisted))
    types = sorted({names.types[key] for key in keys})
    wanted = types[draw(st.integers(0, 2**16)) % len(types)] if types else ""  # as often one as another
    key = draw(st.sampled_from([key for key in keys if names.types[key] == wanted]))
    return draw(histories_of(Kind(wanted, audience=False, nullify=draw(st.booleans())), key))


CHECK: Final = of_engage(
    "AUD-6 nullify",
    _traits,
    judge_syncs,
    {
        "value that changes": lambda history: counted(history, "changed"),
        "null for who leaves": lambda history: history.kind.nullify and counted(history, "left"),
        "nothing for who is missing": lambda history: not history.kind.nullify and counted(history, "membersBefore"),
        "null": often(lambda history: any(line.value is None for line in lines_of(history))),
        "rows that contradict each other": lambda history: counted(history, "conflicting"),
        "value of another type": lambda history: any(line.fault == "wrong value" for line in lines_of(history)),
        "as CSV": lambda history: any(isinstance(step, Sync) and step.form == "csv" for step in history.steps),
    },
    most=15,
)
