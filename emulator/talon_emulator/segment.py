"""The handlers of the third-party host's `/segment` paths: what Segment's Talon.One destination calls."""

from typing import Any

import msgspec

from talon_emulator import body, errors, query, shapes, thirdparty
from talon_emulator.calls import Call, json_answer
from talon_emulator.errors import Refusal
from talon_emulator.exchange import Answer
from talon_emulator.integration import AudiencesChanges, IntegrationState, view
from talon_emulator.profiles import MAX_ID_LENGTH, Environment, Profile, update_profile


class ProfileUpdate(msgspec.Struct, frozen=True, rename="camel"):
    """The body of a profile update; Segment always sends `audiencesChanges`, often as `{}` (observed)."""

    attributes: dict[str, Any] | None = None
    audiences_changes: AudiencesChanges | None = None
    run_rule_engine: bool | None = None


_UPDATE = body.decoder(ProfileUpdate)


async def update_customer_profile(call: Call) -> Answer:
    """PUT /segment/v2/customer_profiles/{customerProfileId}: the deployment's own update, its options in the body.

    It never creates attributes: unknown ones refuse the update, or are left out when `skipNonExistingAttributes` says
    so; a value of the wrong type is refused either way (assumed: only undefined names are documented to be skipped).
    """
    outcome = await _updated(call)
    if isinstance(outcome, Refusal):
        return shapes.render(call.request.path, outcome)
    return json_answer(IntegrationState((), (), (), view(outcome, call.deployment)))


async def _updated(call: Call) -> Profile | Refusal:
    skips = _skips(call)
    if isinstance(skips, Refusal):
        return skips
    integration_id = call.path["integrationId"]
    if len(integration_id) > MAX_ID_LENGTH:
        return errors.integration_id_too_long(MAX_ID_LENGTH)
    update = body.decode(call.request.body, _UPDATE)
    if isinstance(update, Refusal):
        return update
    sent: dict[str, Any] = update.attributes or {}
    runs = update.run_rule_engine or False
    deployment = call.deployment

    def change(stored: Profile | None) -> Profile | Refusal:
        definitions = deployment.profile_definitions
        changes = definitions.defined(sent) if skips else sent
        return update_profile(stored, integration_id, changes, definitions, call.now, runs)

    return await call.server.store.update_profile(deployment.id, _environment(call), integration_id, change)


def _skips(call: Call) -> bool | Refusal:
    """Tell whether undefined attributes are to be left out, once it is clear which deployment is meant."""
    destination = thirdparty.destination(call.request)
    if isinstance(destination, Refusal):
        return destination
    parameters = query.parse(call.request.query)
    if isinstance(parameters, Refusal):
        return parameters
    return query.boolean(parameters, "skipNonExistingAttributes")


def _environment(call: Call) -> Environment:
    assert call.credential is not None
    assert call.credential.application is not None
    return call.credential.application.environment
