"""The events of the outbox, listed and one by one."""

from starlette.requests import Request
from starlette.responses import Response

from talon_bridge import codec
from talon_bridge.control import entries, parameters
from talon_bridge.control.answers import ProblemError, answer, problem
from talon_bridge.control.parts import Parts
from talon_bridge.outbox.protocol import State


async def list_events(parts: Parts, request: Request) -> Response:
    """The newest events first, each explained; `next` is the `before` of the page after this one."""
    given = parameters.query(request, ("limit", "state", "userId", "before"))
    limit, state = parameters.limit(given.get("limit"), 100), given.get("state")
    before = parameters.cursor("before", given.get("before"))
    if state is not None and state not in set(State):
        raise ProblemError(400, "bad_filter", f"state is {state!r}", f"give one of {', '.join(State)}")
    found = await parts.outbox.recent(limit + 1, State(state) if state else None, given.get("userId"), before)
    following = found[limit - 1].seq if len(found) > limit else None
    return answer({"events": [entries.shown(parts, entry) for entry in found[:limit]], "next": following})


async def show_event(parts: Parts, request: Request) -> Response:
    """One event by its messageId, explained, with its attempts and the call as it was received."""
    message_id = request.path_params["message_id"]
    entry = await entries.latest(parts, message_id)
    if entry is None:
        return unknown(message_id)
    return answer({**entries.shown(parts, entry), "event": codec.value(entry.event.body)})


def unknown(message_id: str) -> Response:
    """The answer where no event has this messageId."""
    hint = "events are listed at /_bridge/events; a messageId is exact"
    return problem(404, "unknown_event", f"no event has the messageId {message_id!r}", hint)
