"""AUD-6 of syncs: computed traits of the bridge's own, with values of each type, which nullify or do not."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.checks.check import of_engage, often
from talon_contracts.judges import judge_syncs
from talon_contracts.memberships import Kind
from talon_contracts.strategies import Names
from talon_contracts.strategies.syncs import History, Sync, histories_of, lines_of, several_syncs


@st.composite
def _traits(draw: DrawFn, names: Names) -> History:
    key = draw(st.sampled_from(sorted((*names.listed, *names.unlisted))))
    kind = Kind(names.types[key], audience=False, nullify=draw(st.booleans()))
    return draw(histories_of(kind, key))


CHECK: Final = of_engage(
    "AUD-6 nullify",
    _traits,
    judge_syncs,
    {
        "several syncs": often(several_syncs),
        "nullifies": often(lambda history: history.kind.nullify),
        "does not nullify": often(lambda history: not history.kind.nullify),
        "null": lambda history: any(line.value is None for line in lines_of(history)),
        "value of another type": lambda history: any(line.fault == "wrong value" for line in lines_of(history)),
        "as CSV": lambda history: any(isinstance(step, Sync) and step.form == "csv" for step in history.steps),
    },
    most=15,
)
