"""Attribute definitions, made, changed, listed and shown."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from talon_emulator import attributes, body, errors
from talon_emulator.attributes import Attribute, AttributeUpdate, NewAttribute
from talon_emulator.calls import Call, json_answer
from talon_emulator.clock import timestamp
from talon_emulator.deployments import Deployment
from talon_emulator.errors import Refusal
from talon_emulator.exchange import Answer
from talon_emulator.management import changes, lists, named
from talon_emulator.management.lists import Page

MAX_IDS: Final = 1000
NO_TYPES: Final[Mapping[str, int]] = MappingProxyType({})
_NEW_ATTRIBUTE = body.decoder(NewAttribute)
_UPDATE = body.decoder(AttributeUpdate)
_SORTS: Final = ("id", "created", "entity", "name", "title", "type", "description")


async def create_attribute(call: Call) -> Answer:
    """POST /v1/attributes: 201, or 409 when the name or the title is taken."""
    new = body.decode(call.request.body, _NEW_ATTRIBUTE)
    if isinstance(new, Refusal):
        return errors.answer(new)
    definition: NewAttribute = new
    created = timestamp(call.now)

    def change(stored: Deployment) -> Deployment | Refusal:
        attribute = attributes.create(stored.state.attributes, definition, created)
        if isinstance(attribute, Refusal):
            return attribute
        return changes.with_state(stored, attributes=(*stored.state.attributes, attribute))

    outcome = await changes.change(call, change)
    if isinstance(outcome, Refusal):
        return errors.answer(refused(call, outcome))
    made = outcome.state.attributes
    return json_answer(attribute_view(made[-1], call.deployment.id, attributes.event_types(made)), 201)


async def get_attributes(call: Call) -> Answer:
    """GET /v1/attributes: always with `totalResultSize` (documented)."""
    page = lists.asked(call)
    if isinstance(page, Refusal):
        return errors.answer(page)
    wanted = _filter(call, page)
    if isinstance(wanted, Refusal):
        return errors.answer(wanted)
    ordered = lists.ordered(filter(wanted, call.deployment.attributes), page, _SORTS)
    if isinstance(ordered, Refusal):
        return errors.answer(ordered)
    types = attributes.event_types(call.deployment.attributes)
    shown = [attribute_view(attribute, call.deployment.id, types) for attribute in page.cut(ordered)]
    return lists.counted(shown, len(ordered))


async def get_attribute(call: Call) -> Answer:
    """GET /v1/attributes/{attributeId}."""
    attribute = named.attribute(call, call.deployment.attributes)
    if attribute is None:
        return errors.answer(errors.not_found("Attribute"))
    types = attributes.event_types(call.deployment.attributes)
    return json_answer(attribute_view(attribute, call.deployment.id, types))


async def update_attribute(call: Call) -> Answer:
    """PUT /v1/attributes/{attributeId}: only the description changes (documented), or more where that is assumed."""
    sent = body.decode(call.request.body, _UPDATE)
    if isinstance(sent, Refusal):
        return errors.answer(sent)
    wanted: AttributeUpdate = sent
    only_description = call.deployment.assumed["updated-attribute"] == "description"

    def change(stored: Deployment) -> Deployment | Refusal:
        old = named.attribute(call, stored.state.attributes)
        if old is None:
            return errors.not_found("Attribute")
        updated = attributes.revise(stored.state.attributes, old, wanted, only_description)
        return updated if isinstance(updated, Refusal) else changes.with_attribute(stored, updated)

    outcome = await changes.change(call, change)
    if isinstance(outcome, Refusal):
        return errors.answer(refused(call, outcome))
    updated = named.attribute(call, outcome.state.attributes)
    assert updated is not None
    types = attributes.event_types(outcome.state.attributes)
    return json_answer(attribute_view(updated, call.deployment.id, types))


def refused(call: Call, refusal: Refusal) -> Refusal:
    """Return a refusal of a definition with the status that a taken name has here."""
    if refusal.status == 409 and call.deployment.assumed["taken-attribute"] == "400":
        return msgspec.structs.replace(refusal, status=400)
    return refusal


def attribute_view(attribute: Attribute, account: int, types: Mapping[str, int] = NO_TYPES) -> dict[str, Any]:
    """Return a definition as the Management API shows it; `types` numbers the event types."""
    shown = msgspec.to_builtins(msgspec.structs.replace(attribute, allowed_list=()))
    del shown["builtin"], shown["allowedList"]
    if not attribute.event_type:
        del shown["eventType"]
    elif attribute.event_type in types:
        shown["eventTypeId"] = types[attribute.event_type]
    if attribute.entity != "CartItem":  # documented: the list concerns cart items only
        del shown["allowedSubscriptions"]
    return {"id": shown.pop("id"), "created": shown.pop("created"), "accountId": account, **shown}


def _filter(call: Call, page: Page) -> Callable[[Attribute], bool] | Refusal:
    """Read the documented filters: each given one must let an attribute through."""
    given = page.query
    kind, search = given.get("kind"), given.get("search", "").casefold()
    if kind not in (None, "builtin", "custom"):
        return errors.bad_parameter("kind", "kind must be builtin or custom")
    applications = lists.numbers(page, "applicationIds", MAX_IDS)
    if isinstance(applications, Refusal):
        return applications
    programs = lists.numbers(page, "loyaltyProgramIds", MAX_IDS)
    if isinstance(programs, Refusal):
        return programs
    if programs is not None and given.get("entity") != "LoyaltyCard":  # documented
        return errors.bad_parameter("loyaltyProgramIds", "loyaltyProgramIds needs entity=LoyaltyCard")
    if call.deployment.assumed["attributes-of-applications"] == "ignore":
        applications = None

    def wanted(attribute: Attribute) -> bool:
        connected = attribute.subscribed_applications_ids
        return (
            given.get("entity", attribute.entity) == attribute.entity
            and given.get("type", attribute.type) == attribute.type
            and (kind is None or (kind == "builtin") == attribute.builtin)
            and any(search in text.casefold() for text in (attribute.name, attribute.description, attribute.type))
            and (applications is None or not connected or not applications.isdisjoint(connected))
            and programs is None  # no attribute belongs to a loyalty program: the emulator has none
        )

    return wanted
