"""Contexts: what surrounds a call, said by the call itself, by its batch, or by both."""

from dataclasses import replace
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.exact_json import Object
from talon_contracts.strategies.case import Case, Draft
from talon_contracts.strategies.traits import alone_or_batched

_OWN: Final[tuple[Object, ...]] = ({}, {"context": None}, {"context": {}}, {"context": {"locale": "de-DE"}})
"""Members of a call that leave the context of its batch as it is."""


@st.composite
def in_context(draw: DrawFn, draft: Draft, context: Object, another: Object) -> Case:
    """One call with this context: its own, that of its batch, or its own over another one of its batch."""
    kind = draw(st.sampled_from(("own", "own", "of the batch", "own over another")))
    if kind == "of the batch":
        own = draw(st.sampled_from(_OWN))
        return Case((replace(draft, body={**draft.body, **own}),), envelope={"context": context})
    envelope: Object | None = draw(alone_or_batched()) if kind == "own" else {"context": another}
    return Case((replace(draft, body={**draft.body, "context": context}),), envelope=envelope)
