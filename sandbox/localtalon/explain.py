"""What the bridge would make of events, without sending them."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from talon_bridge import codec, events
from talon_bridge.codec import MalformedError
from talon_bridge.explanation import Verdict, delivered
from talon_bridge.mapping import Plan, plan
from talon_bridge.settings import Destination

_event = codec.decoder(events.Event)


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


class Given(msgspec.Struct, frozen=True):
    """One event of the input: where it stood, and its text, which for a batch's item is a batch of one."""

    source: str
    raw: bytes
    in_batch: bool = False


def given(path: str) -> Iterator[Given]:
    """The events in a file (`-`: standard input): one call, a batch, a JSON array, or one call a line."""
    raw = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    name = "standard input" if path == "-" else path
    try:
        document = codec.value(raw)
    except MalformedError:
        rows = [Given(f"{name}:{number}", row) for number, row in enumerate(raw.splitlines(), 1) if row.strip()]
        yield from rows if len(rows) > 1 else [Given(name, raw)]
        return
    if isinstance(document, dict) and isinstance(document.get("batch"), list):
        for index, item in enumerate(document["batch"]):
            yield Given(f"{name}#/batch/{index}", codec.encode({**document, "batch": [item]}), in_batch=True)
    elif isinstance(document, list):
        yield from (Given(f"{name}#/{index}", codec.encode(item)) for index, item in enumerate(document))
    else:
        yield Given(name, raw)


def explain(item: Given, destination: Destination, now: float) -> Explained:
    """Map one event as its delivery would."""
    try:
        if item.in_batch:
            (accepted,) = events.batch(item.raw, now, lambda: "").events
        else:
            kind = codec.read(_event, item.raw).type or "identify"
            (accepted,) = events.single(item.raw, kind, now, lambda: "").events
    except MalformedError as error:
        return Explained(item.source, error=error.malformed.message)
    event = events.read(accepted.body, accepted.type)
    return explained(item.source, event, plan(event, destination))


def explained(source: str, event: events.Event, mapped: Plan) -> Explained:
    """The plan as an explanation; a trait that would be sent reads `sent`."""
    request = None
    if mapped.request is not None:
        request = {"method": "PUT", "path": mapped.request.path, "attributes": mapped.request.attributes}
    return Explained(
        source=source,
        message_id=event.message_id or "",
        type=event.type or "",
        user_id=event.user_id,
        request=request,
        reason=mapped.reason,
        warnings=mapped.warnings,
        traits=delivered(mapped.traits),
    )


def lines(item: Explained) -> Iterator[str]:
    """The explanation for people."""
    who = f"user {item.user_id}" if item.user_id else "no user"
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
    return f"{trait.pointer} -> {trait.attribute} = {shown}  {fate}{rule}"


def is_well(item: Explained) -> bool:
    """Whether nothing is held back: the event is sent whole, or is of a kind that is never sent."""
    if item.error:
        return False
    return all(trait.verdict is Verdict.SENT for trait in item.traits) or item.type != "identify"
