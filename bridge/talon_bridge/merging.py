"""Which waiting updates of one profile may go out as one patch, and what that patch is. Pure."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from talon_bridge import codec
from talon_bridge.mapping import Request

_ORDINARY = 2**53  # up to here every number is a double, which is what Talon.One keeps
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)


def how_many(requests: Iterable[Request]) -> int:
    """How many of these updates, from the first, may be merged: at least one. Asks for no more than it looks at.

    Talon.One refuses an update as a whole for one bad value. A value that a later one replaces never arrives, so nobody
    would hear that it was bad: it may be replaced only where the acceptance of the later one implies its own (DEL-2).
    """
    patch: dict[str, Any] = {}
    count = 0
    for request in requests:
        for name, value in request.attributes.items():
            if name in patch and not implied(patch[name], value):
                return count
        patch.update(request.attributes)
        count += 1
    return count


def merged(requests: Sequence[Request]) -> Request:
    """One update that leaves what these would leave one after the other: later values win, null included."""
    first, *others = requests
    if not others:
        return first
    attributes = dict(first.attributes)
    for request in others:
        attributes.update(request.attributes)
    return Request(first.integration_id, attributes)


def implied(replaced: Any, by: Any) -> bool:
    """Whether Talon.One, having accepted `by` for an attribute, would have accepted `replaced` too.

    Null is a value of every type (documented). Strings are not alike: an attribute may take times only, or only the
    values of a list.
    """
    if replaced is None:
        return True
    if isinstance(replaced, bool) or isinstance(by, bool):
        return isinstance(replaced, bool) and isinstance(by, bool)
    if isinstance(replaced, int | Decimal) and isinstance(by, int | Decimal):
        return -_ORDINARY <= replaced <= _ORDINARY and -_ORDINARY <= by <= _ORDINARY
    if isinstance(replaced, str) and isinstance(by, str) and replaced != by:
        return _is_time(replaced) and _is_time(by)
    return codec.encode(replaced) == codec.encode(by)


def _is_time(text: str) -> bool:
    if not _TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
