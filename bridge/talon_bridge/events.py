"""Segment calls as values, parsed once at the door and read back for delivery."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Final

import msgspec

from talon_bridge import codec
from talon_bridge.codec import Malformed, MalformedError

MAX_EVENT_BYTES: Final = 32 * 1024  # Segment, documented
MAX_BATCH_BYTES: Final = 500 * 1024  # Segment, documented
MAX_BATCH_EVENTS: Final = 2500  # Segment, documented
MAX_MESSAGE_ID: Final = 100  # Segment, documented
# What Segment forwards has been within its limit when it came, and grew by receivedAt, channel and the like (assumed).
MAX_FORWARDED_BYTES: Final = MAX_EVENT_BYTES + 8 * 1024

# Segment's `delete` messages, which are acknowledged and not sent like any unknown type (ID-3), carry empty arrays
# where every other call carries objects (documented).
Object = dict[str, Any] | Annotated[list[Any], msgspec.Meta(max_length=0)] | None


class Event(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """One Segment call, as far as the destination looks at it. Members not named here are kept in the stored text."""

    type: str | None = None
    user_id: str | None = None
    anonymous_id: str | None = None
    message_id: str | None = None
    traits: dict[str, Any] | None = None
    context: Object = None
    integrations: Object = None
    timestamp: str | None = None
    sent_at: str | None = None
    channel: str | None = None

    def context_value(self, *path: str) -> Any:
        """The value at `path` below `context`, or None where any step is missing or no object."""
        value: Any = self.context
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        return value


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """An event at the door: `body` is its JSON text; `received_at` is in Unix seconds, `timestamp` in RFC 3339.

    `settings` is the JSON text of the destination's settings that came with it, where any did (the partner contract).
    """

    message_id: str
    type: str
    user_id: str | None
    body: bytes
    received_at: float
    timestamp: str
    settings: bytes | None = None


class _Single(Event, frozen=True, rename="camel"):
    write_key: str | None = None


class _Envelope(msgspec.Struct, frozen=True, rename="camel"):
    context: Object = None
    integrations: Object = None
    sent_at: str | None = None
    timestamp: str | None = None
    write_key: str | None = None


class Arrival(msgspec.Struct, frozen=True):
    """What one request brought: its events in order, and the write key if the body named one."""

    events: tuple[Accepted, ...]
    write_key: str | None


_event = codec.decoder(Event)
_single = codec.decoder(_Single)
_members = codec.decoder(dict[str, msgspec.Raw])
_items = codec.decoder(list[msgspec.Raw])


def read(body: bytes, kind: str) -> Event:
    """The event in a stored body; `kind` is the type it was accepted as. Raises `MalformedError` where it is damaged.

    It is read as at the door, or what is accepted there might not be readable here (two equal keys, say).
    """
    event = codec.read_whole(_event, body)
    return event if event.type == kind else msgspec.structs.replace(event, type=kind)


def single(body: bytes, kind: str, received_at: float, new_id: Callable[[], str]) -> Arrival:
    """One call sent to `/v1/<kind>`. Raises `MalformedError`."""
    _check_event(body, "")
    call = codec.read_whole(_single, body)
    if call.type is not None and call.type != kind:
        raise MalformedError(Malformed("wrong_type", f"type is {call.type!r}, but the path says {kind}", "/type"))
    return Arrival((_accept(call, kind, body, received_at, call.sent_at, new_id, ""),), call.write_key)


def batch(body: bytes, received_at: float, new_id: Callable[[], str]) -> Arrival:
    """The calls of one `/v1/batch` or `/v1/import`, all or none. Raises `MalformedError`."""
    envelope, items = _opened(body)
    if len(items) > MAX_BATCH_EVENTS:
        message = f"the batch has {len(items)} events; Segment's limit is {MAX_BATCH_EVENTS}"
        raise MalformedError(Malformed("too_many_events", message, "/batch"))
    shared = {"context": envelope.context, "integrations": envelope.integrations}
    merged = {name: value for name, value in shared.items() if isinstance(value, dict) and value}
    accepted = []
    for index, raw in enumerate(items):
        pointer = f"/batch/{index}"
        item = bytes(raw)
        if merged:
            _check_event(item, pointer)
            item = _with_shared(item, merged, pointer)
        call, kind = _call(item, pointer, MAX_EVENT_BYTES)
        sent_at = call.sent_at or envelope.sent_at
        accepted.append(_accept(call, kind, item, received_at, sent_at, new_id, pointer))
    return Arrival(tuple(accepted), envelope.write_key)


def forwarded(text: bytes, pointer: str, received_at: float, new_id: Callable[[], str]) -> Accepted:
    """An event as Segment passes it on to a destination. Raises `MalformedError`, with a pointer below `pointer`.

    Its timestamp is Segment's: corrected already, so that its sentAt must not count once more (documented).
    """
    call, kind = _call(text, pointer, MAX_FORWARDED_BYTES)
    return _accept(call, kind, text, received_at, None, new_id, pointer)


def listed(text: bytes) -> list[bytes]:
    """The elements of a JSON array, each as it is written. Raises `MalformedError`."""
    return [bytes(raw) for raw in codec.read(_items, text)]


def _call(text: bytes, pointer: str, limit: int) -> tuple[Event, str]:
    """A call that says its own type, and the type."""
    _check_event(text, pointer, limit)
    call = codec.read_whole(_event, text, pointer)
    if not call.type:
        message = f"{pointer}/type is missing; it says what the call is, such as identify"
        raise MalformedError(Malformed("missing_type", message, f"{pointer}/type"))
    return call, call.type


def _opened(body: bytes) -> tuple[_Envelope, list[msgspec.Raw]]:
    """A batch taken apart: what it says for all, and its items as text."""
    if len(body) > MAX_BATCH_BYTES:
        message = f"the batch has {len(body)} bytes; Segment's limit is {MAX_BATCH_BYTES}"
        raise MalformedError(Malformed("batch_too_large", message))
    members = codec.read(_members, body)
    if "batch" not in members:
        raise MalformedError(Malformed("missing_batch", "/batch is missing; it is the list of calls", "/batch"))
    items = codec.read(_items, bytes(members.pop("batch")), "/batch")
    for name, raw in members.items():
        if codec.nested_beyond(bytes(raw)):
            raise MalformedError(codec.too_deep(f"/{name}"))
    shared = {name: codec.value(bytes(raw), f"/{name}") for name, raw in members.items()}
    return codec.converted(shared, _Envelope), items


def _check_event(raw: bytes, pointer: str, limit: int = MAX_EVENT_BYTES) -> None:
    if len(raw) > limit:
        message = f"{pointer or 'the event'} has {len(raw)} bytes; the limit is {limit} for one event"
        raise MalformedError(Malformed("event_too_large", message, pointer))
    if codec.nested_beyond(raw):
        raise MalformedError(codec.too_deep(pointer))


def _with_shared(item: bytes, shared: dict[str, Any], pointer: str) -> bytes:
    """The item with the batch's context and integrations under its own; the item's keys win (decided here)."""
    call = codec.value(item, pointer)
    if not isinstance(call, dict):
        raise MalformedError(Malformed("invalid_type", f"{pointer}: expected an object", pointer))
    for name, value in shared.items():
        own = call.get(name)
        if own is None or isinstance(own, dict):
            call[name] = {**value, **(own or {})}
    return codec.encode(call)


def _accept(
    call: Event,
    kind: str,
    body: bytes,
    received_at: float,
    sent_at: str | None,
    new_id: Callable[[], str],
    pointer: str,
) -> Accepted:
    message_id = call.message_id or new_id()
    if len(message_id) > MAX_MESSAGE_ID:
        message = f"{pointer}/messageId has {len(message_id)} characters; Segment's limit is {MAX_MESSAGE_ID}"
        raise MalformedError(Malformed("message_id_too_long", message, f"{pointer}/messageId"))
    return Accepted(
        message_id=message_id,
        type=kind,
        user_id=call.user_id or None,
        body=body,
        received_at=received_at,
        timestamp=corrected_timestamp(call.timestamp, sent_at, received_at),
    )


def corrected_timestamp(original: str | None, sent_at: str | None, received_at: float) -> str:
    """`receivedAt - (sentAt - originalTimestamp)`, Segment's correction of client clocks (documented), as RFC 3339 UTC.

    A time that is missing or cannot be read counts as the moment of arrival.
    """
    happened, sent = _instant(original), _instant(sent_at)
    moment = received_at
    if happened is not None:
        moment = received_at - (sent - happened) if sent is not None else happened
    try:
        return rfc3339(moment)
    except (ValueError, OverflowError, OSError):
        return rfc3339(received_at)


def rfc3339(moment: float) -> str:
    """Unix seconds as an RFC 3339 text in UTC, to the nearest millisecond."""
    rounded = round(moment, 3)
    second = math.floor(rounded)
    return f"{_second(second)}.{round((rounded - second) * 1000):03}Z"


@lru_cache(1024)
def _second(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat().removesuffix("+00:00")


def _instant(text: str | None) -> float | None:
    """Unix seconds of an ISO 8601 text; one without a zone is taken as UTC (Python's library sends such)."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
