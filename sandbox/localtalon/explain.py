"""What would become of events, in the bridge and in Talon.One, without sending them."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from talon_bridge import codec, events
from talon_bridge.codec import MalformedError
from talon_bridge.events import Accepted
from talon_bridge.explanation import Verdict, delivered, refusal, refused
from talon_bridge.mapping import Plan, plan
from talon_bridge.settings import Destination
from talon_contracts.reports.text import printable
from talon_emulator import errors
from talon_emulator.definitions import Definitions

_event = codec.decoder(events.Event)
_EVENT_LIKE = {"type", "userId", "anonymousId", "traits"}


class Explained(msgspec.Struct, frozen=True, rename="camel"):
    """One event of the input: where it stood, and what would become of it. `error` is set where it is no event."""

    source: str
    message_id: str = ""
    type: str = ""
    user_id: str | None = None
    request: dict[str, Any] | None = None
    reason: Any = None
    warnings: tuple[Any, ...] = ()
    traits: tuple[Any, ...] = ()
    error: str = ""


class Found(msgspec.Struct, frozen=True):
    """One event of the input as the door would take it, or why the door would not."""

    source: str
    event: Accepted | None
    error: str = ""


def found(path: str, now: float) -> Iterator[Found]:
    """The events in a file (`-`: standard input): one call, a batch, a JSON array, or one of these a line."""
    raw = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    name = "standard input" if path == "-" else path
    try:
        codec.value(raw)
    except MalformedError as error:
        rows = [(number, row) for number, row in enumerate(raw.splitlines(), 1) if row.strip()]
        if len(rows) > 1 and _is_json(rows[0][1]):
            for number, row in rows:
                yield from _calls(f"{name}:{number}", row, now)
        else:
            yield Found(name, None, error.malformed.message)
    else:
        yield from _calls(name, raw, now)


def _is_json(raw: bytes) -> bool:
    try:
        codec.value(raw)
    except MalformedError:
        return False
    return True


def _calls(source: str, raw: bytes, now: float) -> Iterator[Found]:
    """The events of one JSON text."""
    try:
        document = codec.value(raw)
        if isinstance(document, list):
            for index, item in enumerate(document):
                yield from _calls(f"{source}#/{index}", codec.encode(item), now)
        elif isinstance(document, dict) and "batch" in document:
            for index, event in enumerate(events.batch(raw, now, lambda: "").events):
                yield Found(f"{source}#/batch/{index}", event)
        elif isinstance(document, dict) and not _EVENT_LIKE.isdisjoint(document):
            kind = codec.read(_event, raw).type or "identify"
            (event,) = events.single(raw, kind, now, lambda: "").events
            yield Found(source, event)
        else:
            yield Found(source, None, "a call has at least one of type, userId, anonymousId and traits")
    except MalformedError as error:
        yield Found(source, None, error.malformed.message)


def explain(item: Found, destination: Destination, definitions: Definitions) -> Explained:
    """Map one event as its delivery would, and let the attribute definitions judge what would be sent."""
    if item.event is None:
        return Explained(item.source, error=item.error)
    event = events.read(item.event.body, item.event.type)
    return explained(item.source, event, plan(event, destination), definitions)


def explained(source: str, event: events.Event, mapped: Plan, definitions: Definitions) -> Explained:
    """The plan as an explanation; a trait that Talon.One would take reads `sent`."""
    request, traits = None, mapped.traits
    if mapped.request is not None:
        request = {"method": "PUT", "path": mapped.request.path, "attributes": mapped.request.attributes}
        problems = definitions.check(mapped.request.attributes)
        if problems:
            answer = errors.answer(errors.invalid_data(problems))
            traits = refused(traits, refusal(answer.status, answer.body))
        else:
            traits = delivered(traits)
    return Explained(
        source=source,
        message_id=event.message_id or "",
        type=event.type or "",
        user_id=event.user_id,
        request=request,
        reason=mapped.reason,
        warnings=mapped.warnings,
        traits=traits,
    )


def lines(item: Explained) -> Iterator[str]:
    """The explanation for people."""
    who = f"user {printable(item.user_id)}" if item.user_id else "no user"
    yield f"{item.source}: " + (f"not an event: {item.error}" if item.error else f"{item.type}, {who}")
    if item.reason is not None:
        yield f"  not sent: {item.reason.reason} [{item.reason.rule}]"
    for warning in item.warnings:
        yield f"  warning: {warning.reason} [{warning.rule}]"
    for trait in item.traits:
        yield "  " + trait_line(trait)


def trait_line(trait: Any) -> str:
    """One trait for people: where it stood, what it is called, its value, what became of it."""
    value = codec.encode(trait.value).decode()
    shown = value if len(value) <= 60 else value[:57] + "..."
    fate = "sent" if trait.verdict is Verdict.SENT else f"{trait.verdict}: {trait.reason}"
    rule = f" [{trait.rule}]" if trait.rule else ""
    return printable(f"{trait.pointer} -> {trait.attribute} = {shown}  {fate}{rule}")


def is_well(item: Explained) -> bool:
    """Whether nothing is held back: an identify is sent with every trait, any other call is never sent."""
    if item.error:
        return False
    if item.type != "identify":
        return True
    return item.request is not None and all(trait.verdict is Verdict.SENT for trait in item.traits)
