"""The reader of SQL files in which each statement has a name: a line `-- name: find_profile` starts one."""

import re
from pathlib import Path

_HEADER = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def read(path: Path) -> dict[str, str]:
    """Return the statements of a file by name; the file's comments before the first name are left out."""
    _, *parts = _HEADER.split(path.read_text(encoding="utf-8"))
    return {name: statement.strip() for name, statement in zip(parts[::2], parts[1::2], strict=True)}
