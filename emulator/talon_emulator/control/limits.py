"""The limits of a deployment, told and set: `/_emulator/limits`. A reset returns to those of the settings."""

from typing import Any

import msgspec

from talon_emulator.calls import Call, json_answer
from talon_emulator.control import parameters
from talon_emulator.control.parameters import takes
from talon_emulator.directory import ServedDeployment
from talon_emulator.exchange import Answer
from talon_emulator.limits import OFF, Choice, chosen


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`"real"`, `"off"`, or the numbers; those left out are the real ones."""

    limits: Choice


@takes("deployment")
async def show_limits(call: Call) -> Answer:
    """GET /_emulator/limits: the numbers, 0 for no limit."""
    served = parameters.deployment(call)
    return served if isinstance(served, Answer) else json_answer(_view(served))


@takes("deployment")
async def set_limits(call: Call) -> Answer:
    """POST /_emulator/limits `{"limits": "real" | "off" | {"segment", "management", "profile"}}`."""
    served = parameters.deployment(call)
    if isinstance(served, Answer):
        return served
    wanted = parameters.read_as(Wanted, call)
    if isinstance(wanted, Answer):
        return wanted
    served.limit(chosen(wanted.limits))
    return json_answer(_view(served))


def _view(served: ServedDeployment) -> dict[str, Any]:
    limits = served.limiter.limits if served.limiter else OFF
    return {"deployment": served.record.name, "limits": limits}
