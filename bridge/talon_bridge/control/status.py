"""The standing of the bridge: what waits, for how long, how fast it goes out, what keeps it."""

from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from talon_bridge import events
from talon_bridge.control import parameters
from talon_bridge.control.answers import answer
from talon_bridge.control.parts import Parts
from talon_bridge.engage.engine import Engage
from talon_bridge.outbox.protocol import State


async def show_status(parts: Parts, request: Request) -> Response:
    """What waits in the whole outbox, and what this process does about it."""
    parameters.query(request, ())
    counts = await parts.outbox.counts()
    oldest = await parts.outbox.oldest()
    now = parts.forwarder.standing
    destination: dict[str, Any] = {
        "applicationDomain": parts.destination().base_url,
        "paused": now.paused_for > 0 or bool(now.paused_because),
        "pausedFor": round(now.paused_for, 3),
        "reason": now.paused_because or None,
        "requestsPerSecond": parts.settings.max_requests_per_second,
    }
    return answer(
        {
            "queued": counts[State.WAITING],
            "oldestAgeSeconds": age(oldest, parts.clock()),
            "oldestReceivedAt": None if oldest is None else events.rfc3339(oldest),
            "counts": dict(counts),
            "inFlight": now.in_flight,
            "profiles": {"ready": now.ready, "asleep": now.asleep},
            "engage": await of_engage(parts.engage),
            "rate": now.rate,
            "destinations": [destination],
            "workers": now.workers,
            "shards": now.shards,
            "version": own_version(),
        }
    )


async def of_engage(engage: Engage) -> dict[str, Any]:
    """How many identifies wait in Engage, whose syncs are read or sent, and whose should have begun."""
    queued = await engage.store.queued()
    return {"running": sorted({*engage.reading, *queued}), "queued": sum(queued.values()), "due": list(engage.due)}


def age(since: float | None, now: float) -> float | None:
    """Seconds since a moment; a clock that went back makes none negative."""
    return None if since is None else round(max(0.0, now - since), 3)


@cache
def own_version() -> str:
    """The version of the distribution that the bridge is part of."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("localtalon")
    except PackageNotFoundError:
        return "unknown"
