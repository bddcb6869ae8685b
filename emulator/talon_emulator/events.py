"""Custom events: what a client tells of a customer, as an event of an Application, or a refusal."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import msgspec

from talon_emulator import body, errors
from talon_emulator.attributes import Attribute
from talon_emulator.clock import timestamp
from talon_emulator.errors import Refusal
from talon_emulator.records import Record


class Event(msgspec.Struct, frozen=True, rename="camel"):
    """An event; `key` is its own, `profile_id` is empty for nobody, `created` is RFC 3339."""

    key: str
    application_id: int
    created: str
    type: str
    profile_id: str = ""
    attributes: dict[str, Any] = {}


_EVENT: Final = body.decoder(Event)


def track(key: str, application: int, kind: str, profile: str, attributes: dict[str, Any], now: datetime) -> Event:
    """Make an event of what has been checked; nothing is deleted from a new one, so null is no value (assumed)."""
    kept = {name: value for name, value in attributes.items() if value is not None}
    return Event(key, application, timestamp(now), kind, profile, kept)


def of_type(attributes: Iterable[Attribute], kind: str) -> tuple[Attribute, ...]:
    """Return the attributes that events of a type may have: its own, and those of no type in particular (assumed)."""
    return tuple(a for a in attributes if a.entity == "Event" and a.event_type in (None, "", kind))


def check_type(attributes: Iterable[Attribute], kind: str, pointed: dict[str, str]) -> Refusal | None:
    """Refuse a type that is not there: it has to be created first (documented), which is done with an attribute."""
    if any(a.entity == "Event" and a.event_type == kind for a in attributes):
        return None
    return errors.invalid_data([errors.unknown_event_type(kind, pointed)])


def from_record(record: Record) -> Event:
    """Read an event as the store keeps it."""
    return _EVENT.decode(record.document)


def to_record(event: Event, stored: Record | None = None) -> Record:
    """Write an event as the store keeps it, in place of what is stored."""
    document = body.ENCODER.encode(event)
    return Record(
        stored.id if stored else 0, "event", event.application_id, event.key, event.profile_id, event.created, document
    )


def erase(record: Record) -> Record:
    """Return a stored event without the values of its attributes."""
    return to_record(msgspec.structs.replace(from_record(record), attributes={}), record)


def view(event: Event, number: int) -> dict[str, Any]:
    """Return an event as the Integration API shows it; no rules run here, so it has neither effects nor entries."""
    return {
        "id": number,
        "created": event.created,
        "applicationId": event.application_id,
        "profileId": event.profile_id,
        "type": event.type,
        "attributes": event.attributes,
        "effects": (),
        "ledgerEntries": (),
    }
