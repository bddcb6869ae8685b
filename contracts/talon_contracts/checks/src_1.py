"""SRC-1: calls from client-side and server-side libraries and channels, which the call or its batch names."""

from dataclasses import replace
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from talon_contracts.checks.check import of_bridge, often
from talon_contracts.exact_json import Object
from talon_contracts.oracle import CLIENT_SIDE_CHANNELS, CLIENT_SIDE_LIBRARIES, is_client_side
from talon_contracts.strategies import Case, Names
from talon_contracts.strategies.contexts import in_context
from talon_contracts.strategies.traits import call, plain_pairs
from talon_contracts.views import CaseView

_SERVER_SIDE: Final = ("analytics-python", "analytics-node", "@segment/analytics-node", "analytics-java", "unknown")
_SERVER_CHANNELS: Final = ("server", "", "Browser", "other")


@st.composite
def _sources(draw: DrawFn, names: Names) -> Case:
    draft = draw(plain_pairs(names).map(call))
    client_side = draw(st.booleans())
    libraries = sorted(CLIENT_SIDE_LIBRARIES) if client_side else _SERVER_SIDE
    channels = sorted(CLIENT_SIDE_CHANNELS) if client_side else _SERVER_CHANNELS
    context: Object = {}
    body: Object = {**draft.body}
    marks = draw(st.sets(st.sampled_from(("library", "channel", "context.channel")), min_size=1))
    if "library" in marks:
        context["library"] = {"name": draw(st.sampled_from(libraries)), "version": "1.0.0"}
    if "channel" in marks:
        body["channel"] = draw(st.sampled_from(channels))
    if "context.channel" in marks:
        context["channel"] = draw(st.sampled_from(channels))
    another: Object = {"library": {"name": "analytics-python" if client_side else "analytics.js"}, "channel": ""}
    return draw(in_context(replace(draft, body=body), context, another))


def _of_the_batch(view: CaseView) -> Object:
    """The context that the batch has for its call."""
    context = (view.case.envelope or {}).get("context")
    return context if isinstance(context, dict) else {}


CHECK: Final = of_bridge(
    "SRC-1",
    _sources,
    {
        "client side": often(lambda view: any(is_client_side(event) for event in view.events)),
        "server side": lambda view: not any(is_client_side(event) for event in view.events),
        "client side, says the batch": lambda view: is_client_side({"context": _of_the_batch(view)}),
        "the call says otherwise": lambda view: (
            is_client_side({"context": _of_the_batch(view)}) and not any(map(is_client_side, view.events))
        ),
    },
)
