"""What would become of events, in the bridge and in Talon.One, without sending them."""

from collections.abc import Iterator
from typing import Any

import msgspec

from localtalon.recordings import Call, Unread
from talon_bridge import codec, events
from talon_bridge.explanation import Verdict, delivered, refusal, refused
from talon_bridge.mapping import Plan, plan
from talon_bridge.settings import Destination
from talon_contracts.reports.events import Place
from talon_contracts.reports.text import printable
from talon_emulator import errors
from talon_emulator.definitions import Definitions


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


def explain(item: Call | Unread, destination: Destination, definitions: Definitions) -> Explained:
    """Map one event as its delivery would, and let the attribute definitions judge what would be sent."""
    source = _shown(item.place("") if isinstance(item, Call) else item.place)
    if isinstance(item, Unread):
        return Explained(source, error=item.message)
    event = events.read(item.event.body, item.event.type)
    return explained(source, event, plan(event, destination), definitions)


def _shown(place: Place) -> str:
    """Where an event stands, as `events.ndjson:3` or `events.json#/batch/0`."""
    line = f":{place.line}" if place.line > 1 else ""
    return place.file + line + (f"#{place.pointer}" if place.pointer else "")


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
