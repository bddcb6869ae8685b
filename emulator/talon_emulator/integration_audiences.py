"""The Integration API's handlers of audiences: made, renamed, deleted; filled and emptied; all members patched."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Final, Literal

import msgspec

from talon_emulator import audiences, body, errors, profiles
from talon_emulator.audiences import Audience, AudienceUpdate, NewAudience
from talon_emulator.calls import Call, json_answer
from talon_emulator.clock import timestamp
from talon_emulator.deployments import Deployment
from talon_emulator.errors import Problem, Refusal
from talon_emulator.exchange import NO_CONTENT, Answer
from talon_emulator.profiles import MAX_ID_LENGTH, Profile
from talon_emulator.store.protocol import BulkChange, DeploymentChange

MAX_ACTIONS: Final = 1000
_EVERYBODY: Final = 2**53
AudienceChange = Callable[[Audience], Audience | Refusal | None]  # None removes it


class Action(msgspec.Struct, frozen=True, rename="camel"):
    """One profile that joins or leaves one audience."""

    action: Literal["add", "delete"]
    profile_integration_id: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID_LENGTH)]
    audience_id: int


class Actions(msgspec.Struct, frozen=True):
    """The body: actions in the order in which they are applied."""

    data: tuple[Action, ...] | None = None


_NEW = body.decoder(NewAudience)
_UPDATE = body.decoder(AudienceUpdate)
_ACTIONS = body.decoder(Actions)
_ATTRIBUTES = body.decoder(dict[str, Any])


async def create_audience(call: Call) -> Answer:
    """POST /v2/audiences: 201."""
    new = body.decode(call.request.body, _NEW)
    if isinstance(new, Refusal):
        return errors.answer(new)
    wanted: NewAudience = new
    assumed, created = call.deployment.assumed, timestamp(call.now)
    sandbox, folds = _sandbox(call), assumed["external-audience-id"] == "fold"
    if wanted.sandbox is not None and assumed["audience-environment"] == "body":
        sandbox = wanted.sandbox

    def change(stored: Deployment) -> Deployment | Refusal:
        state = stored.state
        number = state.last_audience + 1
        audience = audiences.create(state.audiences, wanted, number, sandbox, created, folds)
        if isinstance(audience, Refusal):
            return audience
        state = msgspec.structs.replace(state, audiences=(*state.audiences, audience), last_audience=number)
        return msgspec.structs.replace(stored, state=state)

    outcome = await _change(call, change)
    if isinstance(outcome, Refusal):
        return errors.answer(outcome)
    return json_answer(audiences.view(outcome.state.audiences[-1], call.deployment.id), 201)


async def update_audience(call: Call) -> Answer:
    """PUT /v2/audiences/{audienceId}: another name, other Applications; native audiences too (assumed)."""
    update = body.decode(call.request.body, _UPDATE)
    if isinstance(update, Refusal):
        return errors.answer(update)
    wanted: AudienceUpdate = update
    audience = _audience(call)
    if isinstance(audience, Refusal):
        return errors.answer(audience)
    outcome = await _replace(call, audience.id, lambda stored: audiences.update(stored, wanted))
    if isinstance(outcome, Refusal):
        return errors.answer(outcome)
    updated = call.deployment.audience(audience.id)
    assert updated is not None
    return json_answer(audiences.view(updated, call.deployment.id))


async def delete_audience(call: Call) -> Answer:
    """DELETE /v2/audiences/{audienceId}: 204; its memberships go with it (documented)."""
    audience = _audience(call)
    if isinstance(audience, Refusal):
        return errors.answer(audience)
    outcome = await _replace(call, audience.id, lambda _: None)
    if isinstance(outcome, Refusal):
        return errors.answer(outcome)
    await call.server.store.clear_audience(call.deployment.id, audience.id)
    return NO_CONTENT


async def delete_audience_memberships(call: Call) -> Answer:
    """DELETE /v2/audiences/{audienceId}/memberships: 204, nobody is a member any more."""
    audience = _audience(call)
    if isinstance(audience, Refusal):
        return errors.answer(audience)
    await call.server.store.clear_audience(call.deployment.id, audience.id)
    return NO_CONTENT


async def update_customer_audiences(call: Call) -> Answer:
    """POST /v2/customer_audiences: 204; no rules run. An unknown audience refuses all with 404 (status documented)."""
    given = body.decode(call.request.body, _ACTIONS)
    if isinstance(given, Refusal):
        return errors.answer(given)
    actions: tuple[Action, ...] = given.data or ()
    if len(actions) > MAX_ACTIONS:
        return errors.answer(errors.invalid_data([errors.too_long("data", MAX_ACTIONS)]))
    unknown = _unknown(call, actions)
    if unknown:
        return errors.answer(errors.audience_not_found(unknown))
    changes: list[tuple[str, BulkChange]] = [
        (action.profile_integration_id, partial(_act, action, call)) for action in actions
    ]
    await call.server.store.update_profiles(call.deployment.id, call.application.environment, changes)
    return NO_CONTENT


async def update_members_attributes(call: Call) -> Answer:
    """PUT /v2/audience_customers/{audienceId}/attributes: 204; the body is the patch itself, for every member."""
    changes = body.decode(call.request.body, _ATTRIBUTES)
    if isinstance(changes, Refusal):
        return errors.answer(changes)
    audience = _audience(call)
    if isinstance(audience, Refusal):
        return errors.answer(audience)
    definitions = call.deployment.profile_definitions_of(call.application)
    changes = definitions.read(changes)
    problems = definitions.check(changes)
    if problems:
        return errors.answer(errors.invalid_data(errors.rebased(problems)))
    store, deployment = call.server.store, call.deployment.id
    members = await store.list_members(deployment, audience.id, _EVERYBODY, 0)
    patch: list[tuple[str, BulkChange]] = [
        (member.integration_id, partial(_patch, member.integration_id, changes, call)) for member in members
    ]
    await store.update_profiles(deployment, call.application.environment, patch)
    return NO_CONTENT


def _act(action: Action, call: Call, stored: Profile | None) -> Profile | None:
    joins = action.action == "add"
    return profiles.member(stored, action.profile_integration_id, action.audience_id, joins, call.now)


def _patch(integration_id: str, changes: dict[str, Any], call: Call, stored: Profile | None) -> Profile:
    return profiles.patch(stored, integration_id, changes, call.now)


def _sandbox(call: Call) -> bool:
    return call.application.environment == "sandbox"


def _known(call: Call, number: int) -> Audience | None:
    audience = call.deployment.audience(number)
    return audience if audience is not None and audience.sandbox == _sandbox(call) else None


def _audience(call: Call) -> Audience | Refusal:
    """Return the audience of the path, of the environment of the key."""
    number = call.path["audienceId"]
    audience = _known(call, int(number)) if number.isdecimal() and number.isascii() and len(number) < 20 else None
    return audience or errors.not_found("Audience")


def _unknown(call: Call, actions: tuple[Action, ...]) -> tuple[Problem, ...]:
    return tuple(
        errors.unknown_audience(action.audience_id, errors.pointer("data", index, "audienceId"))
        for index, action in enumerate(actions)
        if _known(call, action.audience_id) is None
    )


async def _replace(call: Call, number: int, change_one: AudienceChange) -> Deployment | Refusal:
    def change(stored: Deployment) -> Deployment | Refusal:
        kept = []
        for audience in stored.state.audiences:
            changed = change_one(audience) if audience.id == number else audience
            if isinstance(changed, Refusal):
                return changed
            if changed is not None:
                kept.append(changed)
        return msgspec.structs.replace(stored, state=msgspec.structs.replace(stored.state, audiences=tuple(kept)))

    return await _change(call, change)


async def _change(call: Call, change: DeploymentChange) -> Deployment | Refusal:
    outcome = await call.server.store.change_deployment(call.deployment.id, change)
    if not isinstance(outcome, Refusal):
        call.server.directory.put(outcome)
    return outcome
