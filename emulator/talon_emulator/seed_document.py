"""The reader of documents: plain data to a value, a deployment's above all, or one error that names the place."""

from typing import Any, TypeVar

import msgspec

from talon_emulator.body import complaints
from talon_emulator.errors import pointer
from talon_emulator.nearest import nearest
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
