"""What a request of the control API asks for, read strictly: a name that is not known is refused."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request

from talon_bridge import codec
from talon_bridge.body import read_body
from talon_bridge.codec import MalformedError
from talon_bridge.control.answers import ProblemError
from talon_bridge.nearest import nearest
from talon_bridge.outbox.protocol import Selection

MAX_LISTED = 1000
MAX_BODY_BYTES = 64 * 1024
FILTERS = ("userId", "messageId", "status", "receivedFrom", "receivedUntil", "settledUntil")
_HIGHEST_SEQ = 2**63 - 1


def query(request: Request, known: Sequence[str]) -> dict[str, str]:
    """The parameters in the query; raises `ProblemError` for one that is not known, or is given twice."""
    given: dict[str, str] = {}
    for name, text in request.query_params.multi_items():
        _known("parameter", name, known)
        if name in given:
            raise ProblemError(400, "bad_filter", f"{name} is given twice", "give it once")
        given[name] = text
    return given


async def document(request: Request, known: Sequence[str], largest: int = MAX_BODY_BYTES) -> dict[str, Any]:
    """The members of the body, none where it is empty; raises `ProblemError` when it is no JSON object of these."""
    try:
        raw = await read_body(request.receive, request.scope["headers"], largest)
        read = codec.value(raw) if raw.strip() else {}
    except MalformedError as error:
        raise ProblemError(400, error.malformed.code, error.malformed.message, "send a JSON object") from None
    return members(read, "the body", known)


def members(value: Any, where: str, known: Sequence[str]) -> dict[str, Any]:
    """The members of a JSON object; raises `ProblemError` when it is none, or has one that is not known."""
    if not isinstance(value, dict):
        raise ProblemError(400, "bad_body", f"{where} is no JSON object", f"it may hold {', '.join(known)}")
    for name in value:
        _known("member", name, known)
    return value


def flag(given: Mapping[str, Any], name: str) -> bool:
    """A member that is true or false, by default false."""
    value = given.get(name, False)
    if not isinstance(value, bool):
        raise ProblemError(400, "bad_body", f"{name} is {shown(value)}", "give true or false")
    return value


def limit(value: Any, default: int, highest: int = MAX_LISTED) -> int:
    """How many at most; text in a query, a number in a body."""
    return _whole("limit", default if value is None else value, 1, highest)


def cursor(name: str, value: str | None) -> int | None:
    """The `next` of an earlier answer."""
    return None if value is None else _whole(name, value, 0, _HIGHEST_SEQ)


def selection(given: Mapping[str, Any]) -> Selection:
    """The filters among the parameters or members."""
    status = given.get("status")
    return Selection(
        message_id=_text("messageId", given.get("messageId")),
        user_id=_text("userId", given.get("userId")),
        status=None if status is None else _whole("status", status, 100, 599),
        received_from=_moment("receivedFrom", given.get("receivedFrom")),
        received_until=_moment("receivedUntil", given.get("receivedUntil")),
        settled_until=_moment("settledUntil", given.get("settledUntil")),
    )


def instant(moment: float) -> str:
    """Unix seconds as RFC 3339 text to the microsecond, which `selection` reads back as the same moment."""
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z")


def _known(what: str, name: str, known: Sequence[str]) -> None:
    if name in known:
        return
    near = nearest(name, tuple(known))
    hint = f"did you mean {near.name}?" if near else f"there is {', '.join(known)}"
    raise ProblemError(400, f"unknown_{what}", f"there is no {shown(name)} here", hint)


def _whole(name: str, value: Any, lowest: int, highest: int) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:20])
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise ProblemError(400, "bad_filter", f"{name} is {shown(value)}", f"give a number from {lowest} to {highest}")
    return value


def _text(name: str, value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ProblemError(400, "bad_filter", f"{name} is {shown(value)}", "give a text")
    return value


def _moment(name: str, value: Any) -> float | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        hint = "give a time such as 2026-01-21T15:04:05Z (a + is written %2B in a query)"
        raise ProblemError(400, "bad_filter", f"{name} is {shown(value)}", hint) from None


def shown(value: Any) -> str:
    """A value as an error quotes it: the beginning of its JSON, or of a text as Python writes it."""
    text = repr(value) if isinstance(value, str) else codec.encode(value).decode()
    return text if len(text) <= 80 else text[:77] + "..."
