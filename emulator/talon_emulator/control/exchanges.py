"""The journal, asked for and followed: `/_emulator/journal`."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime
from functools import partial
from typing import Final

from talon_emulator import body, journal, query
from talon_emulator.calls import Call, json_answer
from talon_emulator.control import parameters
from talon_emulator.control.parameters import takes
from talon_emulator.directory import ServedDeployment
from talon_emulator.errors import Refusal, bad_parameter
from talon_emulator.exchange import Answer, Headers, Stream
from talon_emulator.journal import Filter, Kind
from talon_emulator.query import Query

_LIMIT = 100
_STILL_HERE: Final = 15  # seconds without news after which a follower is told that there are none
_EVENTS: Headers = ((b"content-type", b"text/event-stream"), (b"cache-control", b"no-store"))
_KINDS: dict[str, Kind] = {"good": "good", "bad": "bad"}


@takes("deployment", "kind", "path", "integrationId", "status", "since", "limit")
async def show_journal(call: Call) -> Answer:
    """GET /_emulator/journal: the newest exchanges first; see `Filter` for what can be asked."""
    served = parameters.deployment(call)
    if isinstance(served, Answer):
        return served
    asked = parameters.of(call)
    wanted = _filter(asked)
    limit = query.integer(asked, "limit", _LIMIT, 1, 1_000_000)
    for value in (wanted, limit):
        if isinstance(value, Refusal):
            return parameters.refused(value)
    assert isinstance(wanted, Filter)
    assert isinstance(limit, int)
    entries = [journal.view(entry, served.record.name) for entry in served.journal.latest(wanted, limit)]
    return json_answer({"deployment": served.record.name, "entries": entries, "forgotten": served.journal.forgotten})


@takes("deployment", "kind", "path", "integrationId", "status", "since")
async def follow_journal(call: Call) -> Answer:
    """GET /_emulator/journal/follow: each exchange from now on as a server-sent event, its number being the event's id.

    `since` begins earlier, as the header `Last-Event-ID` does, which a browser sends when it comes back. A follower
    that is slower than the journal is long misses what has fallen out of it.
    """
    served = parameters.deployment(call)
    if isinstance(served, Answer):
        return served
    asked = parameters.of(call)
    wanted = _filter(asked)
    if isinstance(wanted, Refusal):
        return parameters.refused(wanted)
    if call.request.method == "HEAD":
        return Answer(200, headers=_EVENTS)
    seen = call.request.headers.get(b"last-event-id", b"")
    begin = int(seen) if seen.isdigit() and len(seen) < 20 else 0 if "since" in asked else served.journal.last
    return Answer(200, headers=_EVENTS, manner=Stream(partial(_events, served, wanted, begin)))


async def _events(served: ServedDeployment, wanted: Filter, seen: int) -> AsyncGenerator[bytes, None]:
    followed, name = served.journal, served.record.name
    yield b": following\n\n"
    while not followed.ended:
        entries = followed.after(seen, wanted)
        seen = followed.last
        for entry in entries:
            # A body is shown as it was sent; the line ends between its members would end the event.
            told = body.ENCODER.encode(journal.view(entry, name)).translate(None, b"\r\n")
            yield b"id: %d\ndata: %s\n\n" % (entry.sequence, told)
        if followed.last == seen:
            try:
                await asyncio.wait_for(followed.news(), _STILL_HERE)
            except TimeoutError:
                yield b": still here\n\n"


def _filter(asked: Query) -> Filter | Refusal:
    given_kind = asked.get("kind")
    kind = _KINDS.get(given_kind or "")
    if given_kind is not None and kind is None:
        return bad_parameter("kind", "kind must be good or bad")
    status = query.integer(asked, "status", -1, 0, 599)
    if isinstance(status, Refusal):
        return status
    since: int | datetime | None = None
    given = asked.get("since")
    if given is not None:
        try:
            since = int(given) if given.isdecimal() and len(given) < 20 else datetime.fromisoformat(given)
        except ValueError:
            return bad_parameter("since", "since must be a sequence number or a time like 2030-01-31T00:00:00Z")
        if isinstance(since, datetime) and since.tzinfo is None:
            return bad_parameter("since", "since needs an offset, as in 2030-01-31T00:00:00Z")
    return Filter(kind, asked.get("path"), asked.get("integrationId"), None if status < 0 else status, since)
