"""Dead letters: listed, replayed, discarded; one by one, by filter, or all."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from talon_bridge.control import entries, parameters
from talon_bridge.control.answers import ProblemError, answer, problem
from talon_bridge.control.events import unknown
from talon_bridge.control.parameters import FILTERS
from talon_bridge.control.parts import Parts
from talon_bridge.outbox.protocol import Replay, Selection

MAX_TAKEN = 10_000  # replayed or discarded in one request: events at the doors wait for it


async def list_dead_letters(parts: Parts, request: Request) -> Response:
    """The oldest dead letters first, each explained; `next` is the `after` of the page after this one."""
    given = parameters.query(request, (*FILTERS, "after", "limit"))
    limit, after = parameters.limit(given.get("limit"), 100), parameters.cursor("after", given.get("after"))
    which = parameters.selection(given)
    found = await parts.outbox.dead_letters(which, after or 0, limit + 1)
    following = found[limit - 1].seq if len(found) > limit else None
    shown = [entries.shown(parts, entry) for entry in found[:limit]]
    total = await parts.outbox.count_dead_letters(which)
    return answer({"deadLetters": shown, "total": total, "next": following})


async def replay(parts: Parts, request: Request) -> Response:
    """Let the oldest that fit wait again.

    What dies after `settledUntil` is not taken: a loop that passes it on ends, though what it replays may die again.
    """
    given = await parameters.document(request, ("filter", "all", "force", "limit"))
    which, limit = _which(parts, given), parameters.limit(given.get("limit"), 1000, MAX_TAKEN)
    done = await parts.outbox.replay(which, _how(given), limit)
    return await _done(parts, "replayed", done, limit, which)


async def discard(parts: Parts, request: Request) -> Response:
    """Delete the oldest that fit."""
    given = await parameters.document(request, ("filter", "all", "limit"))
    which, limit = _which(parts, given), parameters.limit(given.get("limit"), 1000, MAX_TAKEN)
    done = await parts.outbox.discard(which, limit)
    return await _done(parts, "discarded", done, limit, which)


async def replay_one(parts: Parts, request: Request) -> Response:
    """Let one wait again."""
    given = await parameters.document(request, ("force",))
    message_id = request.path_params["message_id"]
    done = await parts.outbox.replay(Selection(message_id=message_id), _how(given), MAX_TAKEN)
    return answer({"replayed": done}) if done else await _none(parts, message_id)


async def discard_one(parts: Parts, request: Request) -> Response:
    """Delete one."""
    await parameters.document(request, ())
    message_id = request.path_params["message_id"]
    done = await parts.outbox.discard(Selection(message_id=message_id), MAX_TAKEN)
    return answer({"discarded": done}) if done else await _none(parts, message_id)


def _which(parts: Parts, given: dict[str, Any]) -> Selection:
    """The dead letters that a body names; nothing but `"all": true` names all of them."""
    which = parameters.selection(parameters.members(given.get("filter", {}), "filter", FILTERS))
    narrowed = msgspec.structs.replace(which, settled_until=None) != Selection()
    if parameters.flag(given, "all") == narrowed:
        what = "the filter narrows what all is asked for" if narrowed else "no filter is given"
        hint = f'give one of {", ".join(FILTERS[:-1])} in "filter", or "all": true'
        raise ProblemError(400, "bad_filter", what, hint)
    if which.settled_until is None:
        now = parameters.selection({"settledUntil": parameters.instant(parts.clock())})
        which = msgspec.structs.replace(which, settled_until=now.settled_until)
    return which


def _how(given: dict[str, Any]) -> Replay:
    return Replay.FORCED if parameters.flag(given, "force") else Replay.KEPT


async def _done(parts: Parts, what: str, done: int, limit: int, which: Selection) -> Response:
    assert which.settled_until is not None  # _which gives one
    left = await parts.outbox.count_dead_letters(which) if done >= limit else 0
    return answer({what: done, "left": left, "settledUntil": parameters.instant(which.settled_until)})


async def _none(parts: Parts, message_id: str) -> Response:
    """Why nothing was done: there is no such event, or it is no dead letter."""
    entry = await entries.latest(parts, message_id)
    if entry is None:
        return unknown(message_id)
    hint = "dead letters are listed at /_bridge/dead-letters"
    return problem(409, "not_a_dead_letter", f"the event {message_id!r} is {entry.state}", hint)
