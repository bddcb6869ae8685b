"""The Management API's handlers: attribute definitions, Applications and their customers."""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from talon_emulator import attributes, body, errors, query
from talon_emulator.attributes import Attribute, NewAttribute
from talon_emulator.calls import Call, json_answer
from talon_emulator.clock import timestamp
from talon_emulator.deployments import Application, Deployment
from talon_emulator.errors import Refusal
from talon_emulator.exchange import Answer
from talon_emulator.integration import view
from talon_emulator.query import Query
from talon_emulator.store.protocol import DeploymentChange

T = TypeVar("T")

MAX_PAGE = 1000
MAX_SKIP = 2**53
_NEW_ATTRIBUTE = body.decoder(NewAttribute)
_ATTRIBUTE_SORTS = ("id", "created", "entity", "name", "title", "type", "description")
_APPLICATION_SORTS = ("id", "created", "modified", "name", "description", "timezone", "currency")


class Page(msgspec.Struct, frozen=True):
    """Which part of a list is wanted."""

    size: int
    skip: int

    def cut(self, items: Sequence[T]) -> Sequence[T]:
        """Return this part of a list."""
        return items[self.skip : self.skip + self.size]


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
        return _with_attributes(stored, (*stored.state.attributes, attribute))

    outcome = await _change(call, change)
    if isinstance(outcome, Refusal):
        if outcome.status == 409 and call.deployment.assumed["taken-attribute"] == "400":
            outcome = msgspec.structs.replace(outcome, status=400)
        return errors.answer(outcome)
    return json_answer(attribute_view(outcome.state.attributes[-1], call.deployment.id), 201)


async def get_attributes(call: Call) -> Answer:
    """GET /v1/attributes: always with `totalResultSize` (documented)."""
    parameters = query.parse(call.request.query)
    if isinstance(parameters, Refusal):
        return errors.answer(parameters)
    page = _page(parameters)
    if isinstance(page, Refusal):
        return errors.answer(page)
    kind = parameters.get("kind")
    if kind not in (None, "builtin", "custom"):
        return errors.answer(errors.bad_parameter("kind", "kind must be builtin or custom"))
    wanted = [attribute for attribute in call.deployment.attributes if _is_wanted(attribute, parameters)]
    ordered = _sorted(wanted, parameters, _ATTRIBUTE_SORTS)
    if isinstance(ordered, Refusal):
        return errors.answer(ordered)
    shown = [attribute_view(attribute, call.deployment.id) for attribute in page.cut(ordered)]
    return json_answer({"totalResultSize": len(ordered), "data": shown})


async def get_attribute(call: Call) -> Answer:
    """GET /v1/attributes/{attributeId}."""
    attribute = _attribute(call.deployment.attributes, call.path["attributeId"])
    if attribute is None:
        return errors.answer(errors.not_found("Attribute"))
    return json_answer(attribute_view(attribute, call.deployment.id))


async def update_attribute(call: Call) -> Answer:
    """PUT /v1/attributes/{attributeId}: the whole definition; entity, name and type never change (documented)."""
    new = body.decode(call.request.body, _NEW_ATTRIBUTE)
    if isinstance(new, Refusal):
        return errors.answer(new)
    definition: NewAttribute = new
    number = call.path["attributeId"]

    def change(stored: Deployment) -> Deployment | Refusal:
        old = _attribute(stored.state.attributes, number)
        if old is None:
            return errors.not_found("Attribute")
        updated = attributes.update(stored.state.attributes, old, definition)
        if isinstance(updated, Refusal):
            return updated
        return _with_attributes(stored, tuple(updated if a.id == old.id else a for a in stored.state.attributes))

    outcome = await _change(call, change)
    if isinstance(outcome, Refusal):
        return errors.answer(outcome)
    updated = _attribute(outcome.state.attributes, number)
    assert updated is not None
    return json_answer(attribute_view(updated, call.deployment.id))


async def get_applications(call: Call) -> Answer:
    """GET /v1/applications."""
    parameters = query.parse(call.request.query)
    if isinstance(parameters, Refusal):
        return errors.answer(parameters)
    page = _page(parameters)
    if isinstance(page, Refusal):
        return errors.answer(page)
    ordered = _sorted(call.deployment.applications, parameters, _APPLICATION_SORTS)
    if isinstance(ordered, Refusal):
        return errors.answer(ordered)
    shown = [application_view(application, call.deployment.id) for application in page.cut(ordered)]
    return json_answer({"totalResultSize": len(ordered), "data": shown})


async def get_application(call: Call) -> Answer:
    """GET /v1/applications/{applicationId}."""
    application = _application(call)
    if application is None:
        return errors.answer(errors.not_found("Application"))
    return json_answer(application_view(application, call.deployment.id))


async def get_application_customers(call: Call) -> Answer:
    """GET /v1/applications/{applicationId}/customers: the profiles of the Application's environment.

    All Applications of one environment share their profiles (documented); `integrationId` matches exactly (documented).
    """
    application = _application(call)
    if application is None:
        return errors.answer(errors.not_found("Application"))
    parameters = query.parse(call.request.query)
    if isinstance(parameters, Refusal):
        return errors.answer(parameters)
    page = _page(parameters)
    if isinstance(page, Refusal):
        return errors.answer(page)
    counted = query.boolean(parameters, "withTotalResultSize")
    if isinstance(counted, Refusal):
        return errors.answer(counted)
    store, deployment, environment = call.server.store, call.deployment.id, application.environment
    integration_id = parameters.get("integrationId")
    if integration_id is None:
        found: Sequence[Any] = await store.list_profiles(deployment, environment, page.size + 1, page.skip)
        more = len(found) > page.size
        total = await store.count_profiles(deployment, environment) if counted else 0
    else:
        profile = await store.find_profile(deployment, environment, integration_id)
        matching = [] if profile is None or profile.hidden else [profile]
        found, more, total = page.cut(matching), False, len(matching)
    shown = [view(profile, call.deployment) for profile in found[: page.size]]
    size = {"totalResultSize": total} if counted else {"hasMore": more}
    return json_answer({**size, "data": shown})


def attribute_view(attribute: Attribute, account: int) -> dict[str, Any]:
    """Return a definition as the Management API shows it."""
    shown = msgspec.to_builtins(attribute)
    del shown["builtin"]
    if attribute.event_type is None:
        del shown["eventType"]
    if attribute.entity != "CartItem":  # documented: the list concerns cart items only
        del shown["allowedSubscriptions"]
    return {"id": shown.pop("id"), "created": shown.pop("created"), "accountId": account, **shown}


def application_view(application: Application, account: int) -> dict[str, Any]:
    """Return an Application as the Management API shows it; settings that nothing here uses are neutral (assumed)."""
    return {
        "id": application.id,
        "created": application.created,
        "modified": application.modified,
        "accountId": account,
        "name": application.name,
        "description": application.description,
        "timezone": application.timezone,
        "currency": application.currency,
        "caseSensitivity": "sensitive",
        "attributes": {},
        "limits": [],
        "sandbox": application.environment == "sandbox",
        "loyaltyPrograms": [],
    }


async def _change(call: Call, change: DeploymentChange) -> Deployment | Refusal:
    outcome = await call.server.store.change_deployment(call.deployment.id, change)
    if not isinstance(outcome, Refusal):
        call.server.directory.put(outcome)
    return outcome


def _with_attributes(stored: Deployment, definitions: tuple[Attribute, ...]) -> Deployment:
    return msgspec.structs.replace(stored, state=msgspec.structs.replace(stored.state, attributes=definitions))


def _attribute(definitions: Sequence[Attribute], number: str) -> Attribute | None:
    return next((attribute for attribute in definitions if str(attribute.id) == number), None)


def _application(call: Call) -> Application | None:
    number = call.path["applicationId"]
    return next((a for a in call.deployment.applications if str(a.id) == number), None)


def _page(parameters: Query) -> Page | Refusal:
    size = query.integer(parameters, "pageSize", MAX_PAGE, 1, MAX_PAGE)
    skip = query.integer(parameters, "skip", 0, 0, MAX_SKIP)
    if isinstance(size, Refusal):
        return size
    return skip if isinstance(skip, Refusal) else Page(size, skip)


def _sorted(items: Sequence[T], parameters: Query, fields: tuple[str, ...]) -> Sequence[T] | Refusal:
    order = parameters.get("sort")
    if not order:
        return items
    field = order.removeprefix("-")
    if field not in fields:
        return errors.bad_parameter(
            "sort", "sort must be one of " + ", ".join(fields) + ", with or without a leading -"
        )
    return sorted(items, key=lambda item: getattr(item, field), reverse=order.startswith("-"))


def _is_wanted(attribute: Attribute, parameters: Query) -> bool:
    """Apply the documented filters; `applicationIds` is left out, as its effect is documented to be unreliable."""
    kind = "builtin" if attribute.builtin else "custom"
    search = parameters.get("search", "").casefold()
    return (
        parameters.get("entity", attribute.entity) == attribute.entity
        and parameters.get("type", attribute.type) == attribute.type
        and parameters.get("kind", kind) == kind
        and any(search in text.casefold() for text in (attribute.name, attribute.description, attribute.type))
    )
