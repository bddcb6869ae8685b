"""The time of a deployment, told and set: `/_emulator/clock`. A restart of the server ends what was set."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec

from talon_emulator.calls import Call, json_answer
from talon_emulator.clock import Clock, FrozenClock, ShiftedClock, timestamp
from talon_emulator.control import parameters
from talon_emulator.control.parameters import takes
from talon_emulator.exchange import Answer
from talon_emulator.shapes import control_error

# Between these there is room on both sides for whatever is reckoned from the time.
_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9000, 1, 1, tzinfo=UTC)

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Freezing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At which time to stand still; now, when None."""

    at: Moment | None = None


class Setting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The time that it shall be."""

    at: Moment


class Advance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By how much to go forward."""

    seconds: Annotated[float, msgspec.Meta(ge=0, le=1e12)]


@takes("deployment")
async def show_clock(call: Call) -> Answer:
    """GET /_emulator/clock: the time, and whether it is the real one."""
    served = parameters.deployment(call)
    if isinstance(served, Answer):
        return served
    clock = served.clock
    mode = "frozen" if isinstance(clock, FrozenClock) else "shifted" if isinstance(clock, ShiftedClock) else "real"
    return json_answer({"deployment": served.record.name, "now": timestamp(clock.now()), "mode": mode})


@takes("deployment")
async def freeze(call: Call) -> Answer:
    """POST /_emulator/clock/freeze `{"at": TIME}`: stand still, at the present time without a body."""
    wanted = parameters.read_as(Freezing, call) if call.request.body else Freezing()
    if isinstance(wanted, Answer):
        return wanted
    return await _changed(call, lambda clock, _: FrozenClock((wanted.at or clock.now()).astimezone(UTC)))


@takes("deployment")
async def set_clock(call: Call) -> Answer:
    """POST /_emulator/clock/set `{"at": TIME}`: go on from that time, or stand still there if it stands still."""
    wanted = parameters.read_as(Setting, call)
    if isinstance(wanted, Answer):
        return wanted
    return await _changed(call, lambda clock, base: _at(wanted.at.astimezone(UTC), clock, base))


@takes("deployment")
async def advance(call: Call) -> Answer:
    """POST /_emulator/clock/advance `{"seconds": NUMBER}`: go forward; what stands still goes on standing still."""
    wanted = parameters.read_as(Advance, call)
    if isinstance(wanted, Answer):
        return wanted
    return await _changed(call, lambda clock, base: _at(clock.now() + timedelta(seconds=wanted.seconds), clock, base))


@takes("deployment")
async def real(call: Call) -> Answer:
    """POST /_emulator/clock/real: back to the time of the machine."""
    return await _changed(call, lambda _, base: base)


async def _changed(call: Call, change: Callable[[Clock, Clock], Clock]) -> Answer:
    """Change a deployment's clock; `change` is given it and the one that deployments start with."""
    served = parameters.deployment(call)
    if isinstance(served, Answer):
        return served
    try:
        clock = change(served.clock, call.server.directory.clock)
        fits = _FIRST <= clock.now() < _LAST
    except OverflowError:
        fits = False
    if not fits:
        return control_error(400, "bad_time", "the time must be between the years 1970 and 9000")
    served.clock = clock
    return await show_clock(call)


def _at(moment: datetime, clock: Clock, base: Clock) -> Clock:
    return FrozenClock(moment) if isinstance(clock, FrozenClock) else ShiftedClock(base, moment - base.now())
