"""Audiences, computed traits and their syncs as the control API shows them, and Engage's refusals as its errors."""

from typing import Any
from urllib.parse import urlsplit

import msgspec
from starlette.responses import Response

from talon_bridge import events
from talon_bridge.control.answers import problem
from talon_bridge.engage.computations import Computation
from talon_bridge.engage.engine import Engage
from talon_bridge.engage.identify import computation_id
from talon_bridge.engage.misfit import Misfit
from talon_bridge.engage.problems import EngageError
from talon_bridge.engage.syncs import RUNNING, Sync

_STATUS = {"unknown_audience": 404, "unavailable": 503}
_STATUS |= dict.fromkeys(("bad_definition", "bad_key", "bad_members", "bad_source"), 400)


def refusal(error: EngageError) -> Response:
    """Engage's refusal as an error of the control API: 409 where nothing is wrong with the request itself."""
    return problem(_STATUS.get(error.code, 409), error.code, error.message, error.hint)


async def computation(engage: Engage, one: Computation, misfit: Misfit | None, checked: bool) -> dict[str, Any]:
    """An audience or computed trait as JSON members, with where it stands."""
    running = await engage.running(one.id)
    ended = [sync for sync in await engage.store.syncs(one.id, 2) if sync.state not in RUNNING]
    next_run = engage.next_run(one.id)
    return {
        "id": one.id,
        "class": "audience" if one.kind == "audience" else "trait",
        "name": one.name,
        "key": one.key,
        "type": one.type,
        "computationId": computation_id(one, engage.space_id),
        "origin": "config" if one.configured else "api",
        "maxLeaving": one.max_leaving,
        "nullify": one.nullify,
        "every": one.source.every if one.source else None,
        "source": _without_password(one.source.place) if one.source else None,
        "nextRunAt": None if next_run is None else events.rfc3339(next_run),
        "members": await engage.store.count(one.id),
        "queued": (await engage.store.queued()).get(one.id, 0),
        "lastSync": sync(ended[0]) if ended else None,
        "running": None if running is None else sync(running),
        "misfit": None if misfit is None else {"message": misfit.message, "hint": misfit.hint},
        "checked": checked,
    }


def sync(one: Sync) -> dict[str, Any]:
    """A sync as JSON members."""
    counts = msgspec.to_builtins(one.counts)
    counts["membersBefore"] = counts.pop("members_before")
    return {
        "number": one.number,
        "state": one.state,
        "trigger": one.trigger,
        "begunAt": events.rfc3339(one.begun_at),
        "decidedAt": _moment(one.decided_at),
        "endedAt": _moment(one.ended_at),
        "counts": counts,
        "sent": one.sent,
        "reason": one.reason or None,
    }


def _moment(at: float | None) -> str | None:
    return None if at is None else events.rfc3339(at)


def _without_password(place: str) -> str:
    """A file's path, or a database's URL without user, password and parameters."""
    if "://" not in place:
        return place
    parts = urlsplit(place)
    # An unescaped / ? or # in a password makes the rest of it look like another part.
    if "@" in parts.path + parts.query + parts.fragment:
        return f"{parts.scheme}://…"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
