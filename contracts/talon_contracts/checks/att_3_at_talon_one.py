"""ATT-3 at Talon.One: names and titles that are possible, impossible and taken, of two entities."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.checks.check import of_talon_one
from talon_contracts.definition_names import Definition, definition_problem
from talon_contracts.judges import judge_definitions
from talon_contracts.strategies import Names
from talon_contracts.strategies.talon_ones import Definitions

_ENDS: Final = ("a", "a", "A", "b", "a1", "_", "a b", "a-b", "a.b", "ä", "ſ", "٣", "a\n", "")
_TITLE_ENDS: Final = (*_ENDS, "a (b)", "it's", "*!~", "a/b", "a,b", "😀")
_STARTS: Final = ("", "", "", "", "", "1", "_", " ", "é", "-")


@st.composite
def _definitions(draw: DrawFn, names: Names) -> Definitions:
    entities = st.sampled_from(("CustomerProfile", "CustomerProfile", "CustomerSession"))
    name = st.builds("{}:{}".format, st.sampled_from(_STARTS), st.sampled_from(_ENDS))
    title = st.builds("{}:{}".format, st.sampled_from(_STARTS), st.sampled_from(_TITLE_ENDS))
    attempts = draw(st.lists(st.builds(Definition, entities, name, title), min_size=1, max_size=3))
    like = draw(st.sampled_from(attempts))
    alike = st.sampled_from((replace(like, title=":z"), replace(like, name=":z"), replace(like, entity="CartItem")))
    attempts += draw(st.lists(alike, max_size=2))
    return Definitions(tuple(attempts), draw(st.sampled_from((("name", "other"), ("type", "number")))))


def _has_problem(problem: str) -> Callable[[Definitions], bool]:
    def shows(case: Definitions) -> bool:
        attempts = case.under("x")
        return any(definition_problem(each, attempts[:at]) == problem for at, each in enumerate(attempts))

    return shows


def _shares_a_name(case: Definitions) -> bool:
    return len({each.name for each in case.attempts}) < len({(each.entity, each.name) for each in case.attempts})


CHECK: Final = of_talon_one(
    "ATT-3",
    _definitions,
    judge_definitions,
    {
        "impossible name": _has_problem("name"),
        "impossible title": _has_problem("title"),
        "taken": _has_problem("taken"),
        "one name for two entities": _shares_a_name,
        "another name": lambda case: case.become[0] == "name",
        "another type": lambda case: case.become[0] == "type",
    },
    "management",
)
