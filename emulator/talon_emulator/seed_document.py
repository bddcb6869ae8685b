"""The reader of deployment documents: plain data to `DeploymentSeed`, or one error that names the place."""

import re
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from talon_emulator import body
from talon_emulator.errors import pointer
from talon_emulator.seed import ApplicationSeed, AttributeSeed, DeploymentSeed, KeySeed, ManagementKeySeed, SeedError

_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_CHOICE = re.compile(r"Invalid enum value '(.*)'", re.DOTALL)
# Where in a document which table may stand; list indexes are left out of the path.
_TABLES: dict[tuple[str, ...], type[msgspec.Struct]] = {
    (): DeploymentSeed,
    ("applications",): ApplicationSeed,
    ("applications", "api_keys"): KeySeed,
    ("management_keys",): ManagementKeySeed,
    ("attributes",): AttributeSeed,
}


def read(document: Any) -> DeploymentSeed | SeedError:
    """Read a document out of plain data, as JSON or TOML give it."""
    try:
        return msgspec.convert(document, DeploymentSeed)
    except msgspec.ValidationError as error:
        text, path = body.locate(error)
    names = tuple(step for step in path if not step.isdigit())
    unknown = _UNKNOWN.fullmatch(text)
    if unknown:
        name = unknown.group(1)
        place = pointer(*path, name)["pointer"]
        return SeedError(place, f"unknown key {name!r}", nearest(name, _TABLES[names].__struct_fields__))
    choice = _CHOICE.fullmatch(text)
    if choice:
        value = choice.group(1)
        kind = get_type_hints(_TABLES[names[:-1]])[names[-1]]
        assert get_origin(kind) is Literal
        return SeedError(pointer(*path)["pointer"], f"unknown value {value!r}", nearest(value, get_args(kind)))
    return SeedError(pointer(*path)["pointer"], text)


def nearest(name: str, known: tuple[str, ...]) -> str:
    """Return a hint with the known name nearest to this one, or with all of them."""
    from difflib import get_close_matches

    folded = {item.lower(): item for item in known}
    close = get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
    return f"did you mean {folded[close[0]]!r}?" if close else "known are: " + ", ".join(known)
