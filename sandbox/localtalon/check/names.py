"""Traits that the destination would not let through: which of them are mistakes, and what to do about each."""

import shlex
from typing import Literal

from localtalon.check.subject import Subject
from talon_bridge.audience_key import possible_name
from talon_bridge.nearest import nearest
from talon_contracts.reports.events import Finding


def not_listed(name: str, subject: Subject) -> Finding:
    """The finding, yet without a place, for a trait whose flattened name is not in Custom Attributes (MAP-3).

    It is an error where another name was probably meant, or Talon.One has an attribute of just this name. Else it may
    well not be meant for Talon.One: a warning, unless the check is strict.
    """
    near = nearest(name, subject.custom_attributes)
    message = f"the trait {name!r} is not in Custom Attributes"
    consequence = "it will not be sent"
    otherwise = f"if it is not meant for Talon.One, say so with --ignore {shlex.quote(name)}"
    if near is not None and not _numbered(name, near.name):
        message += f"; {near.name!r} is, and differs in {near.differs_in}"
        hint = f"send it as {near.name!r}, or add {name!r} to destination.custom_attributes; {otherwise}"
        return Finding("MAP-3", f"{message}: {consequence}", hint)
    if name in subject.defined:
        message += ", though Talon.One has an attribute of this name"
        hint = f"add {name!r} to destination.custom_attributes; {otherwise}"
        return Finding("MAP-3", f"{message}: {consequence}", hint)
    severity: Literal["error", "warning"] = "error" if subject.strict else "warning"
    if possible_name(name):
        hint = f"to send it, define it and add {name!r} to destination.custom_attributes; {otherwise}"
        return Finding("MAP-3", f"{message}: {consequence}", hint, severity=severity)
    message += ", and no Talon.One attribute can have this name"
    hint = f"to send it, give it a name of letters, digits and _; {otherwise}"
    return Finding("MAP-3", f"{message}: {consequence}", hint, severity=severity)


def _numbered(first: str, second: str) -> bool:
    """Whether two names are members of a series, such as `line1` and `line2`."""
    return first.translate(_DIGITS) == second.translate(_DIGITS)


_DIGITS = {ord(digit): None for digit in "0123456789"}
