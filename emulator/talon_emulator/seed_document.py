"""The reader of documents: plain data to a value, a deployment's above all, or one error that names the place."""

from typing import Any, TypeVar

import msgspec

from talon_emulator.body import complaints
from talon_emulator.errors import pointer
from talon_emulator.seed import DeploymentSeed, SeedError

T = TypeVar("T")


def read(document: Any) -> DeploymentSeed | SeedError:
    """Read a deployment document out of plain data, as JSON or TOML give it."""
    return read_as(DeploymentSeed, document)


def read_as(kind: type[T], document: Any) -> T | SeedError:
    """Read a document of some type out of plain data."""
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        complaint = complaints.read(error, kind, document)
    path, hint = complaint.path, ""
    if complaint.fault == "unknown":
        path = (*path, *complaint.names)
        hint = nearest(complaint.names[0], complaint.known)
    elif complaint.fault == "choice":
        listed = "known are: " + ", ".join(complaint.known)
        close = nearest(complaint.names[0], complaint.known)
        hint = close if close == listed else f"{close} {listed}"
    return SeedError(pointer(*path)["pointer"], complaint.text, hint)


def nearest(name: str, known: tuple[str, ...]) -> str:
    """Return a hint with the known name nearest to this one, or with all of them."""
    from difflib import get_close_matches

    folded = {item.lower(): item for item in known}
    close = get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
    return f"did you mean {folded[close[0]]!r}?" if close else "known are: " + ", ".join(known)
