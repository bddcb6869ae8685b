"""The third-party host's handlers of audiences, which a platform knows by its own ids: made, renamed, deleted."""

from typing import Annotated, Any

import msgspec

from talon_emulator import audiences, body, errors
from talon_emulator.audiences import Audience, NewAudience
from talon_emulator.calls import Call, json_answer
from talon_emulator.clock import timestamp
from talon_emulator.deployments import Deployment, State
from talon_emulator.errors import Refusal
from talon_emulator.exchange import NO_CONTENT, Answer
from talon_emulator.store.protocol import DeploymentChange

Short = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class NewPlatformAudience(msgspec.Struct, frozen=True, rename="camel"):
    """What a platform sends to create an audience: its own id of it, and its name."""

    audience_id: Short
    audience_name: Short


class PlatformAudienceUpdate(msgspec.Struct, frozen=True, rename="camel"):
    """What a platform sends to rename one: the path says which; Segment sends the name alone (observed)."""

    audience_name: Short


_NEW = body.decoder(NewPlatformAudience)
_UPDATE = body.decoder(PlatformAudienceUpdate)


async def create_audience(call: Call, platform: str) -> Answer | Refusal:
    """POST /segment/audiences, POST /cdp/audiences: 201; 409 when the platform has one of this id (documented)."""
    given = body.decode(call.request.body, _NEW)
    if isinstance(given, Refusal):
        return given
    new = NewAudience(
        name=given.audience_name, integration=platform, integration_id=given.audience_id, created_in_3rd_party=True
    )
    sandbox, created, folds = is_sandbox(call), timestamp(call.now), ids_fold(call)

    def change(stored: Deployment) -> Deployment | Refusal:
        state = stored.state
        audience = audiences.create(state.audiences, new, state.last_audience + 1, sandbox, created, folds)
        if isinstance(audience, Refusal):
            # The sample says no more than the message (documented).
            return msgspec.structs.replace(audience, errors=())
        return with_audiences(stored, (*state.audiences, audience), audience.id)

    outcome = await apply(call, change)
    if isinstance(outcome, Refusal):
        return outcome
    return json_answer(view(outcome.state.audiences[-1], call.deployment.id), 201)


async def update_audience(call: Call, platform: str) -> Answer | Refusal:
    """PUT /segment/audiences/{audienceId}, PUT /cdp/audiences/{audienceId}: another name."""
    given = body.decode(call.request.body, _UPDATE)
    if isinstance(given, Refusal):
        return given
    name = given.audience_name
    renamed: list[Audience] = []

    def change(stored: Deployment) -> Deployment | Refusal:
        found = _of_path(call, platform, stored.state)
        if found is None:
            return errors.not_found("Audience")
        renamed[:] = [msgspec.structs.replace(found, name=name)]
        kept = (renamed[0] if other.id == found.id else other for other in stored.state.audiences)
        return with_audiences(stored, tuple(kept))

    outcome = await apply(call, change)
    return outcome if isinstance(outcome, Refusal) else json_answer(view(renamed[0], call.deployment.id))


async def delete_audience(call: Call, platform: str) -> Answer | Refusal:
    """DELETE /segment/audiences/{audienceId}, DELETE /cdp/audiences/{audienceId}: 204, memberships go with it."""
    deleted: list[int] = []

    def change(stored: Deployment) -> Deployment | Refusal:
        found = _of_path(call, platform, stored.state)
        if found is None:
            return errors.not_found("Audience")
        deleted[:] = [found.id]
        return with_audiences(stored, tuple(other for other in stored.state.audiences if other.id != found.id))

    outcome = await apply(call, change)
    if isinstance(outcome, Refusal):
        return outcome
    await call.server.store.clear_audience(call.deployment.id, deleted[0])
    return NO_CONTENT


def view(audience: Audience, account: int) -> dict[str, Any]:
    """Return an audience as the third-party host shows it (documented)."""
    return {
        "accountId": account,
        "created": audience.created,
        "id": audience.id,
        "name": audience.name,
        "integration": audience.integration,
        "integrationId": audience.integration_id,
    }


def by_external_id(call: Call, platform: str, state: State) -> dict[str, Audience]:
    """Return the platform's audiences in the environment of the key, by `spelled` external ids."""
    sandbox = is_sandbox(call)
    mine = (a for a in state.audiences if a.sandbox == sandbox and a.integration == platform)
    return {spelled(call, a.integration_id): a for a in mine if a.integration_id is not None}


def spelled(call: Call, external: str) -> str:
    """Return an external id as it is compared."""
    return external.casefold() if ids_fold(call) else external


def ids_fold(call: Call) -> bool:
    """Tell whether external ids are the same when they differ by case only."""
    return call.deployment.assumed["external-audience-id"] == "fold"


def is_sandbox(call: Call) -> bool:
    """Tell whether the key is one of the sandbox environment."""
    return call.application.environment == "sandbox"


def with_audiences(stored: Deployment, kept: tuple[Audience, ...], last: int | None = None) -> Deployment:
    """Return a deployment with these audiences; `last` is the id given last, if one was given."""
    number = stored.state.last_audience if last is None else last
    return msgspec.structs.replace(
        stored, state=msgspec.structs.replace(stored.state, audiences=kept, last_audience=number)
    )


async def apply(call: Call, change: DeploymentChange) -> Deployment | Refusal:
    """Change the deployment and serve it as it is then."""
    outcome = await call.server.store.change_deployment(call.deployment.id, change)
    if not isinstance(outcome, Refusal):
        call.server.directory.put(outcome)
    return outcome


def _of_path(call: Call, platform: str, state: State) -> Audience | None:
    return by_external_id(call, platform, state).get(spelled(call, call.path["audienceId"]))
