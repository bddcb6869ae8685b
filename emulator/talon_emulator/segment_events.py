"""Segment's events: what a customer did, checked and kept; no rules run, so nothing comes of it."""

from typing import Annotated, Any
from uuid import uuid4

import msgspec

from talon_emulator import body, errors, events
from talon_emulator.attributes import AttributeType
from talon_emulator.calls import Call
from talon_emulator.errors import Refusal
from talon_emulator.exchange import Answer
from talon_emulator.profiles import MAX_ID_LENGTH
from talon_emulator.records import Record
from talon_emulator.segment_attributes import Infos, Wanted, ensure, of_defined
from talon_emulator.thirdparty_calls import skips_undefined
from talon_emulator.thirdparty_profiles import answer_kept

EventType = Annotated[str, msgspec.Meta(min_length=1)]
ProfileId = Annotated[str, msgspec.Meta(max_length=MAX_ID_LENGTH)]


class TrackedEvent(msgspec.Struct, frozen=True, rename="camel"):
    """The body of an event; without a profile it is nobody's (assumed)."""

    event_type: EventType
    event_attributes: dict[str, Any] | None = None
    customer_profile_id: ProfileId | None = None


class OldEvent(msgspec.Struct, frozen=True, rename="camel"):
    """The body of an event that makes attributes; `type` is a type of attribute, and nothing is done with it."""

    event_type: EventType
    type: AttributeType
    customer_profile_id: ProfileId
    event_attributes: dict[str, Any] | None = None
    attributes_info: Infos | None = None


_EVENT = body.decoder(TrackedEvent)
_OLD = body.decoder(OldEvent)


async def track_event_v2(call: Call, platform: str) -> Answer | Refusal:
    """PUT /segment/v2/events: the type and the attributes have to be there (documented)."""
    skips = skips_undefined(call)
    if isinstance(skips, Refusal):
        return skips
    given = body.decode(call.request.body, _EVENT)
    if isinstance(given, Refusal):
        return given
    return _unknown_type(call, given.event_type) or await _tracked(
        call, given.event_type, given.customer_profile_id or "", given.event_attributes or {}, skips
    )


async def track_event(call: Call, platform: str) -> Answer | Refusal:
    """PUT /segment/event: the type has to be there (documented), attributes of it are made."""
    given = body.decode(call.request.body, _OLD)
    if isinstance(given, Refusal):
        return given
    refusal = _unknown_type(call, given.event_type)
    if refusal is not None:
        return refusal
    values = given.event_attributes or {}
    wanted = Wanted("Event", ((("eventAttributes",), values),), given.attributes_info, given.event_type)
    made = await ensure(call, wanted)
    if isinstance(made, Refusal):
        return made
    # What is not defined even now is null.
    defined = of_defined(events.of_type(call.deployment.attributes, given.event_type), "Event", values)
    return await _tracked(call, given.event_type, given.customer_profile_id, defined, skips=False)


def _unknown_type(call: Call, kind: str) -> Refusal | None:
    if call.deployment.assumed["unknown-event-type"] == "accept":
        return None
    return events.check_type(call.deployment.attributes, kind, errors.pointer("eventType"))


async def _tracked(call: Call, kind: str, profile: str, values: dict[str, Any], skips: bool) -> Answer | Refusal:
    known = events.of_type(call.deployment.attributes, kind)
    definitions = call.deployment.definitions_of("Event", call.application, known)
    meant = definitions.read(definitions.defined(values) if skips else values)
    problems = definitions.check(meant)
    if problems:
        return errors.invalid_data(errors.rebased(problems, "eventAttributes"))
    application = call.application.id
    event = events.track(uuid4().hex, application, kind, profile, meant, call.now)

    def change(stored: Record | None) -> Record:
        return events.to_record(event)

    record = await call.server.store.update_record(call.deployment.id, "event", application, event.key, change)
    assert isinstance(record, Record)
    return await answer_kept(call, profile, event=events.view(event, record.id))
