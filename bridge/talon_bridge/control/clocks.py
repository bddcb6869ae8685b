"""The sandbox's clock, told and set: `/_bridge/clock`. A restart of the bridge ends what was set."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from talon_bridge import codec
from talon_bridge.body import read_body
from talon_bridge.clock import ClockError
from talon_bridge.codec import MalformedError
from talon_bridge.control import parameters
from talon_bridge.control.answers import ProblemError, answer
from talon_bridge.control.parts import Parts

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
T = TypeVar("T")


class Freezing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At which time to stand still; now, when None."""

    at: Moment | None = None


class Setting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The time that it shall be."""

    at: Moment


class Advance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By how much to go forward."""

    seconds: Annotated[float, msgspec.Meta(ge=0, le=1e12)]


async def show_clock(parts: Parts, request: Request) -> Response:
    """The time, and whether it is the real one."""
    parameters.query(request, ())
    clock = parts.sandbox_clock
    return answer({"now": parameters.instant(clock.now()), "mode": clock.mode})


async def freeze(parts: Parts, request: Request) -> Response:
    """Stand still, at the present time without a body."""
    wanted = await _read(request, Freezing, '{"at": "2026-01-21T15:04:05Z"}', b"{}")
    at = None if wanted.at is None else wanted.at.timestamp()
    return await _turned(parts, request, lambda: parts.sandbox_clock.freeze(at))


async def set_clock(parts: Parts, request: Request) -> Response:
    """Go on from a time, or stand still there if it stands still."""
    wanted = await _read(request, Setting, '{"at": "2026-01-21T15:04:05Z"}')
    return await _turned(parts, request, lambda: parts.sandbox_clock.set(wanted.at.timestamp()))


async def advance(parts: Parts, request: Request) -> Response:
    """Go forward; what stands still goes on standing still."""
    wanted = await _read(request, Advance, '{"seconds": 3600}')
    return await _turned(parts, request, lambda: parts.sandbox_clock.advance(wanted.seconds))


async def real(parts: Parts, request: Request) -> Response:
    """Back to the time of the machine."""
    parameters.query(request, ())
    return await _turned(parts, request, parts.sandbox_clock.real)


async def _turned(parts: Parts, request: Request, turn: Callable[[], None]) -> Response:
    try:
        turn()
    except ClockError as error:
        raise ProblemError(400, "bad_time", str(error), "the clock was left as it is") from None
    return await show_clock(parts, request)


async def _read(request: Request, kind: type[T], example: str, otherwise: bytes = b"") -> T:
    """The body as a value of this type; `otherwise` stands for an empty one. Raises `ProblemError`."""
    parameters.query(request, ())
    hint = f"send a JSON object such as {example}"
    try:
        raw = await read_body(request.receive, request.scope["headers"], parameters.MAX_BODY_BYTES)
        given: Any = codec.value(raw or otherwise)
    except MalformedError as error:
        raise ProblemError(400, "bad_json", error.malformed.message, hint) from None
    try:
        return codec.converted(given, kind)
    except MalformedError as error:
        raise ProblemError(400, "bad_document", error.malformed.message, hint) from None
