"""ATT-4: several updates in a row, each with other names and values, some of them texts of any kind."""

import unicodedata
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from talon_contracts.checks.check import of_bridge
from talon_contracts.strategies import Case, Names
from talon_contracts.strategies.traits import Pair, alone_or_batched, call, plain_pairs
from talon_contracts.strategies.values import texts
from talon_contracts.views import CaseView

_LONG: Final = 255


@st.composite
def _patches(draw: DrawFn, names: Names) -> Case:
    text = st.tuples(st.sampled_from([(name,) for name in names.of_type("string")]), texts()).map(lambda pair: [pair])
    pairs: SearchStrategy[list[Pair]] = st.one_of(plain_pairs(names), text)
    drafts = draw(st.lists(pairs.map(call), min_size=2, max_size=4))
    return Case(tuple(drafts), envelope=draw(alone_or_batched()))


def _texts(view: CaseView) -> list[str]:
    return [value for value in view.values if isinstance(value, str)]


CHECK: Final = of_bridge(
    "ATT-4",
    _patches,
    {
        "another name": lambda view: len({leaf.name for leaf in view.sent}) > 1,
        "a name again": lambda view: len({leaf.name for leaf in view.sent}) < len(view.sent),
        "a long text": lambda view: any(len(text) > _LONG for text in _texts(view)),
        "a decomposed text": lambda view: any(unicodedata.normalize("NFC", text) != text for text in _texts(view)),
    },
)
