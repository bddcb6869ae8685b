"""The Integration API's undocumented handler that creates the attributes which are not there yet."""

import msgspec

from talon_emulator import attributes, body, errors
from talon_emulator.attributes import Attribute, NewAttribute
from talon_emulator.calls import Call, json_answer
from talon_emulator.clock import timestamp
from talon_emulator.deployments import Deployment
from talon_emulator.errors import Refusal
from talon_emulator.exchange import Answer
from talon_emulator.management.attributes import attribute_view, refused


class NewAttributes(msgspec.Struct, frozen=True):
    """The body: definitions as the Management API takes them."""

    attributes: tuple[NewAttribute, ...]


_NEW = body.decoder(NewAttributes)


async def create_attributes(call: Call) -> Answer:
    """PUT /v2/integration/multiple_attributes: 200 with what is new (observed in the vendor's cartridge, no document).

    What exists under its entity and name stays as it is, whatever else was sent for it; one bad definition refuses
    all (both assumed).
    """
    given = body.decode(call.request.body, _NEW)
    if isinstance(given, Refusal):
        return errors.answer(given)
    wanted: NewAttributes = given
    created = timestamp(call.now)
    made: list[Attribute] = []

    def change(stored: Deployment) -> Deployment | Refusal:
        outcome = _create(stored.state.attributes, wanted, created)
        if isinstance(outcome, Refusal):
            return outcome
        made[:] = outcome
        if not made:
            return stored
        definitions = (*stored.state.attributes, *made)
        return msgspec.structs.replace(stored, state=msgspec.structs.replace(stored.state, attributes=definitions))

    outcome = await call.server.store.change_deployment(call.deployment.id, change)
    if isinstance(outcome, Refusal):
        return errors.answer(refused(call, outcome))
    call.server.directory.put(outcome)
    types = attributes.event_types(outcome.state.attributes)
    shown = [attribute_view(attribute, call.deployment.id, types) for attribute in made]
    leaves_null = not shown and call.deployment.assumed["no-new-attributes"] == "null"
    return json_answer({"attributes": None if leaves_null else shown})


def _create(existing: tuple[Attribute, ...], wanted: NewAttributes, created: str) -> list[Attribute] | Refusal:
    made: list[Attribute] = []
    known = {(attribute.entity, attribute.name) for attribute in existing}
    for index, new in enumerate(wanted.attributes):
        if (new.entity, new.name) in known:
            continue
        attribute = attributes.create((*existing, *made), new, created)
        if isinstance(attribute, Refusal):
            problems = errors.below(attribute.errors, "attributes", index)
            return msgspec.structs.replace(attribute, errors=problems)
        known.add((new.entity, new.name))
        made.append(attribute)
    return made
