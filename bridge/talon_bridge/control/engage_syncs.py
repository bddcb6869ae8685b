"""Syncs of an audience or computed trait: made from the rows of a body or of its own source, listed, looked into."""

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from talon_bridge import codec
from talon_bridge.control import engage_answers, engage_body, parameters
from talon_bridge.control.answers import ProblemError, answer
from talon_bridge.control.engage import named
from talon_bridge.control.parts import Parts
from talon_bridge.engage.computations import Computation
from talon_bridge.engage.rows import Refused
from talon_bridge.engage.safety import Options
from talon_bridge.engage.syncs import Sync

_SAFETY = ("allowEmpty", "force", "maxLeaving")
_CSV = ("header", "delimiter", "userColumn", "valueColumn")
_PAGE = 1000  # refused rows


async def sync(parts: Parts, request: Request) -> Response:
    """Make the users of the body the members, and send the difference; answers once the door has all of it."""
    one = await named(parts, request)
    kind, packed = engage_body.media_type(request), engage_body.is_packed(request)
    given = parameters.query(request, (*_SAFETY, *_CSV) if kind in engage_body.CSV else _SAFETY)
    options, parser = _options(given), _parser(one, kind, given)
    async with aclosing(engage_body.rows(request, parser, packed)) as rows:
        return answer(engage_answers.sync(await parts.engage.sync(one.id, rows, options)))


async def run(parts: Parts, request: Request) -> Response:
    """Sync now from the source that the config names."""
    one = await named(parts, request)
    options = _options(parameters.query(request, _SAFETY))
    await parameters.document(request, ())
    return answer(engage_answers.sync(await parts.engage.run(one.id, options)))


async def list_syncs(parts: Parts, request: Request) -> Response:
    """The newest syncs first; the number of the last one is the `before` of the next page."""
    given = parameters.query(request, ("limit", "before"))
    limit, before = parameters.limit(given.get("limit"), 20), parameters.cursor("before", given.get("before"))
    found = await parts.engage.store.syncs((await named(parts, request)).id, limit, before)
    return answer({"syncs": [engage_answers.sync(one) for one in found]})


async def show_sync(parts: Parts, request: Request) -> Response:
    """One sync; while it reads, with what it has counted so far."""
    parameters.query(request, ())
    found = await _found(parts, request)
    running = await parts.engage.running(found.computation)
    live = running is not None and running.number == found.number
    return answer(engage_answers.sync(running if running is not None and live else found))


async def list_refused(parts: Parts, request: Request) -> Response:
    """The rows that a sync did not use, in their order, one JSON object a line."""
    parameters.query(request, ())
    found = await _found(parts, request)
    first = await parts.engage.store.refused(found.number, 0, _PAGE)
    return StreamingResponse(_lines(parts, found.number, first), media_type="application/x-ndjson")


async def _lines(parts: Parts, number: int, page: list[tuple[int, Refused]]) -> AsyncIterator[bytes]:
    while page:
        yield b"".join(codec.encode(_row(refused)) + b"\n" for _, refused in page)
        page = await parts.engage.store.refused(number, page[-1][0], _PAGE) if len(page) == _PAGE else []


def _row(refused: Refused) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(refused)
    return told


async def _found(parts: Parts, request: Request) -> Sync:
    one, text = await named(parts, request), request.path_params["number"]
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
    found = await parts.engage.store.sync(one.id, number)
    if found is None:
        hint = f"they are listed at {request.url.path.rpartition('/syncs')[0]}/syncs"
        raise ProblemError(404, "unknown_sync", f"the {one.noun} has no sync {parameters.shown(text)}", hint)
    return found


def _parser(one: Computation, kind: str, given: Mapping[str, str]) -> engage_body.Parser:
    """What reads the rows of such a body."""
    from talon_bridge.engage.sources.columns import CsvOptions
    from talon_bridge.engage.sources.csv_rows import CsvRows
    from talon_bridge.engage.sources.ndjson_rows import NdjsonRows

    if kind in engage_body.NDJSON:
        return NdjsonRows(one.key)
    options = CsvOptions(
        header=_flag(given, "header"),
        delimiter=given.get("delimiter", engage_body.CSV[kind]),
        user_column=given.get("userColumn"),
        value_column=given.get("valueColumn"),
    )
    return CsvRows(one.key, options)


def _options(given: Mapping[str, str]) -> Options:
    return Options(
        allow_empty=_flag(given, "allowEmpty") is True,
        force=_flag(given, "force") is True,
        max_leaving=_share(given.get("maxLeaving")),
    )


def _flag(given: Mapping[str, str], name: str) -> bool | None:
    text = given.get(name)
    if text not in (None, "true", "false"):
        raise ProblemError(400, "bad_filter", f"{name} is {parameters.shown(text)}", "give true or false")
    return None if text is None else text == "true"


def _share(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        hint = "give the share of the members that may leave, 0 to 1"
        raise ProblemError(400, "bad_filter", f"maxLeaving is {parameters.shown(text)}", hint)
    return share
