"""What a path names by its number: an Application, an attribute, an audience."""

import re
from collections.abc import Sequence

from talon_emulator.attributes import Attribute
from talon_emulator.audiences import Audience
from talon_emulator.calls import Call
from talon_emulator.deployments import Application

_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


def number(call: Call, name: str) -> int:
    """Return a number in the path, or 0, which nothing has."""
    given = call.path[name]
    return int(given) if _NUMBER.fullmatch(given) else 0


def application(call: Call) -> Application | None:
    """Return the Application of the path."""
    return call.deployment.application(number(call, "applicationId"))


def attribute(call: Call, definitions: Sequence[Attribute]) -> Attribute | None:
    """Return the attribute of the path."""
    wanted = number(call, "attributeId")
    return next((attribute for attribute in definitions if attribute.id == wanted), None)


def audience(call: Call) -> Audience | None:
    """Return the audience of the path."""
    return call.deployment.audience(number(call, "audienceId"))
