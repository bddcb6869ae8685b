"""Whether the bridge lives, answers, and is done."""

import time
from math import inf
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from talon_bridge.control import guard, parameters
from talon_bridge.control.answers import ProblemError, answer
from talon_bridge.control.parts import Parts
from talon_bridge.control.status import of_engage

LONGEST_IDLE_WAIT = 600.0


async def health(parts: Parts, request: Request) -> Response:
    """The process lives."""
    return answer({"status": "ok"})


async def ready(parts: Parts, request: Request) -> Response:
    """The outbox answers; its counts are for those who have the control token."""
    told: dict[str, Any] = {"status": "ready"}
    if guard.steers(request.scope["headers"], parts.settings.control_token):
        told["counts"] = dict(await parts.outbox.counts())
    else:
        await parts.outbox.oldest()
    return answer(told)


async def idle(parts: Parts, request: Request) -> Response:
    """200 once all accepted is settled and no sync is on; 409 with the counts if that takes over `timeout` seconds."""
    text = parameters.query(request, ("timeout",)).get("timeout", "0")
    try:
        timeout = float(text)
    except ValueError:
        timeout = inf
    if not 0 <= timeout <= LONGEST_IDLE_WAIT:
        hint = f"give seconds from 0 to {LONGEST_IDLE_WAIT:g}"
        raise ProblemError(400, "bad_timeout", f"timeout is {text!r}", hint)
    give_up = time.monotonic() + timeout
    if await parts.engage.idle(timeout) and await parts.forwarder.idle(max(0.0, give_up - time.monotonic())):
        return answer({"idle": True})
    told = {"counts": dict(await parts.outbox.counts()), "pausedFor": parts.forwarder.standing.paused_for}
    return answer({"idle": False, **told, "engage": await of_engage(parts.engage)}, 409)
