"""Rows of a source: as they were read, and what is kept of them."""

from typing import Any

import msgspec


class Row(msgspec.Struct, frozen=True, gc=False):
    """One row as a source gives it, not judged yet.

    `ids` are the user ids in it, verbatim; none makes it anonymous. Its value is `value` where the source has types
    (NDJSON, SQL; UNSET: it has none), or `text` where it has not (CSV). `error` says why it could not be read at all,
    and `excerpt` is the beginning of what it says, for people. `line` counts from 1 in `file` (rows of a query have no
    file).
    """

    ids: tuple[str, ...] = ()
    value: Any = msgspec.UNSET
    text: str | None = None
    line: int = 0
    file: str = ""
    error: str = ""
    excerpt: str = ""


class Member(msgspec.Struct, frozen=True, gc=False):
    """A user who belongs to a computation, and the JSON text of the value (`true` for an audience)."""

    user_id: str
    value: bytes
    line: int = 0
    file: str = ""


class Refused(msgspec.Struct, frozen=True, gc=False):
    """A row that is not used: where it stands, why, and the beginning of what it says."""

    line: int
    file: str
    reason: str
    excerpt: str
