"""The way into every operation of the third-party host: its own headers before it, its own error shape behind it."""

from collections.abc import Awaitable, Callable
from typing import Final

from talon_emulator import query, shapes, thirdparty
from talon_emulator.calls import Call, Handler
from talon_emulator.errors import Refusal
from talon_emulator.exchange import Answer

# The `integration` of the audiences that Segment makes (documented as an example of that member).
SEGMENT: Final = "segment"
# Work is given the platform's name: what its audiences have as their `integration`.
Work = Callable[[Call, str], Awaitable[Answer | Refusal]]


def third_party(work: Work) -> Handler:
    """Let work be done for a caller who says for which deployment, and show what it refuses as that host does."""

    async def handle(call: Call) -> Answer:
        platform = _platform(call)
        outcome = platform if isinstance(platform, Refusal) else await work(call, platform)
        return shapes.render(call.request.path, outcome) if isinstance(outcome, Refusal) else outcome

    return handle


def skips_undefined(call: Call) -> bool | Refusal:
    """Tell whether values of attributes that are not defined are to be left out, as `skipNonExistingAttributes` says.

    A value of the wrong type is refused either way (assumed: only undefined names are documented to be skipped).
    """
    parameters = query.parse(call.request.query)
    return parameters if isinstance(parameters, Refusal) else query.boolean(parameters, "skipNonExistingAttributes")


def _platform(call: Call) -> str | Refusal:
    destination = thirdparty.destination(call.request)
    if isinstance(destination, Refusal):
        return destination
    assert call.operation is not None
    return SEGMENT if call.operation.security == "segment" else thirdparty.data_platform(call.request)
