"""The contract as files for any language: schemas, vectors, rules, and a manifest of them all."""

import errno
import hashlib
import json
import os
import re
from collections.abc import Mapping
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from talon_contracts import schemas, vectors
from talon_contracts.rules import RULES

FORMAT: Final = 1
"""Of the export; it grows when a reader of an older one would misread a newer one."""

MANIFEST: Final = "manifest.json"
_NUMBERS: Final = (
    'In vectors an object {"$number": "..."} stands for the JSON number with exactly that text; every other number is '
    "an integer that binary floating point holds exactly."
)
_OURS: Final = re.compile(r"(?:(?:schemas|vectors)/[a-z0-9_-]+|rules)\.json|README\.md")
_README: Final = f"""\
# The contract between Segment and Talon.One

Written by `localtalon contracts export`; plain files, for a test in any language.

- `rules.json`: every rule, `id`, `statement`, `levels` (S: stated by the documentation of the Segment destination,
  T: documented by Talon.One, D: decided by localtalon) and `source`.
- `schemas/NAME.json`: JSON Schema 2020-12. `$ref`s are absolute, `{schemas.BASE}NAME.json`; nothing is
  there: register each file under its `$id`, and nothing is fetched.
- `vectors/NAME.json`: examples of the rules. Each file says what `input` and `expected` of its `cases` are; its shape
  is `schemas/vector-file.json`.
- `{MANIFEST}`: `format`, the version of this layout; `localtalon`, the version that wrote it; of every other file its
  SHA-256.

## Numbers

{_NUMBERS}
Read such a number with a decimal type: digits are part of the contract (MAP-8).

## How to use the vectors

- `flatten`: flatten the traits in `input`; every leaf is `[name, value]`, in document order.
- `audience_key`: make a key of `name`, where `others` are taken; compare `key` and `problem`.
- `mapping`: give a bridge with these `settings` the `event`; compare the request that arrives at Talon.One.
- `attribute_values`: send `value` for an attribute of this `type`; `expected` says whether Talon.One takes it.
"""


class NotEmptyError(Exception):
    """The folder holds something already."""


def contents() -> Mapping[str, bytes]:
    """Every file of the export by its path, the manifest last; the same version gives the same bytes."""
    made: dict[str, bytes] = {"README.md": _README.encode()}
    made["rules.json"] = _json(
        [
            {"id": rule.id, "statement": rule.statement, "levels": rule.letters.split(","), "source": rule.source}
            for rule in RULES.values()
        ]
    )
    for package, names in ((schemas, schemas.names()), (vectors, vectors.names())):
        folder = package.__name__.rpartition(".")[2]
        for name in names:
            made[f"{folder}/{name}.json"] = (files(package) / f"{name}.json").read_bytes()
    manifest = {
        "format": FORMAT,
        "localtalon": version("localtalon"),
        "numbers": _NUMBERS,
        "files": {path: {"sha256": _digest(content)} for path, content in sorted(made.items())},
    }
    return {**made, MANIFEST: _json(manifest)}


def write(folder: Path, force: bool = False) -> tuple[str, ...]:
    """Write the export and return its paths; raises NotEmptyError where there is something, unless it is forced.

    Then what is in its way is replaced, what an earlier export wrote and nobody changed is removed if it is no longer
    part of one, and everything else stays. Raises OSError where the folder cannot be written, or leads elsewhere.
    """
    if not force and folder.is_dir() and any(folder.iterdir()):
        raise NotEmptyError(f"{folder} is not empty")
    made = contents()
    for inner in sorted({folder / path.rpartition("/")[0] for path in made} - {folder}):
        if inner.is_symlink():
            raise OSError(errno.ELOOP, "it is a link, which an export does not follow; remove it", str(inner))
    for path in _written_before(folder) - made.keys():
        (folder / path).unlink()
    for path, content in made.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, content)
    return tuple(made)


def _replace(target: Path, content: bytes) -> None:
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    file = beside.open("xb")  # never what is there: a link of that name would lead elsewhere
    try:
        with file:
            file.write(content)
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)


def _written_before(folder: Path) -> set[str]:
    """What an earlier export wrote and is still as it was written."""
    try:
        told: Any = json.loads((folder / MANIFEST).read_bytes())
        listed = {path: str(entry["sha256"]) for path, entry in told["files"].items() if _OURS.fullmatch(path)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return set()
    return {path for path, digest in listed.items() if _digest_at(folder / path) == digest}


def _digest_at(path: Path) -> str | None:
    try:
        return _digest(path.read_bytes())
    except OSError:
        return None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
