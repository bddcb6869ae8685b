"""The third-party host's handler of profile updates, the same one for Segment and for other data platforms."""

from typing import Any

import msgspec
from msgspec import UNSET

from talon_emulator import body, errors, profiles
from talon_emulator.calls import Call, json_answer
from talon_emulator.errors import Refusal
from talon_emulator.exchange import Answer
from talon_emulator.integration import AudiencesChanges, IntegrationState, Moves, known_moves, view
from talon_emulator.profiles import MAX_ID_LENGTH, Profile, update_profile
from talon_emulator.sessions import Sales
from talon_emulator.thirdparty_calls import SEGMENT, skips_undefined


class ProfileUpdate(msgspec.Struct, frozen=True, rename="camel"):
    """The body of a profile update; Segment always sends `audiencesChanges`, often as `{}` (observed)."""

    attributes: dict[str, Any] | None = None
    audiences_changes: AudiencesChanges | None = None
    run_rule_engine: bool | None = None


_UPDATE = body.decoder(ProfileUpdate)


async def update_customer_profile(call: Call, platform: str) -> Answer | Refusal:
    """PUT /segment/v2/customer_profiles/{customerProfileId}, PUT /cdp/customer_profile/{customerProfileId}.

    The deployment's own update, its options in the body. It never creates attributes: unknown ones refuse the update,
    or are left out when `skipNonExistingAttributes` says so.
    """
    skips = skips_undefined(call)
    if isinstance(skips, Refusal):
        return skips
    update = body.decode(call.request.body, _UPDATE)
    if isinstance(update, Refusal):
        return update
    sent: dict[str, Any] = update.attributes or {}
    changes = call.deployment.profile_definitions_of(call.application).defined(sent) if skips else sent
    runs = update.run_rule_engine or False
    given = update.audiences_changes
    if platform != SEGMENT and given is not None and (given.adds or given.deletes):
        runs = True  # documented for customer data platforms
    outcome = await updated(call, changes, moves_of(call, given, runs), runs)
    return outcome if isinstance(outcome, Refusal) else answer(call, outcome, runs)


def moves_of(call: Call, given: AudiencesChanges | None, runs: bool) -> Moves | Refusal | None:
    """Return what `audiencesChanges` stand for; without the Rule Engine they are not applied here (documented)."""
    return None if given is None or not runs else known_moves(given, call, runs)


async def updated(call: Call, changes: dict[str, Any], moves: Moves | Refusal | None, runs: bool) -> Profile | Refusal:
    """Update the profile of the path."""
    integration_id = call.path["integrationId"]
    if len(integration_id) > MAX_ID_LENGTH:
        return errors.integration_id_too_long(MAX_ID_LENGTH)
    if isinstance(moves, Refusal):
        return moves
    wanted: Moves | None = moves
    assert call.operation is not None
    if call.operation.security == SEGMENT:
        definitions = call.deployment.profile_definitions_of(call.application)
    else:
        definitions = call.deployment.definitions_of("CustomerProfile", call.application)

    def change(stored: Profile | None) -> Profile | Refusal:
        profile = update_profile(stored, integration_id, changes, definitions, call.now, runs)
        return profile if wanted is None or isinstance(profile, Refusal) else profiles.move(profile, *wanted)

    environment = call.application.environment
    return await call.server.store.update_profile(call.deployment.id, environment, integration_id, change)


async def answer_kept(call: Call, integration_id: str, **kept: Any) -> Answer:
    """Answer with what was kept of a customer, and with the customer: created if need be (documented), active now.

    No rules run here, so nothing comes of it.
    """
    state: dict[str, Any] = {"effects": (), "createdCoupons": (), "createdReferrals": (), **kept}
    if integration_id:

        def change(stored: Profile | None) -> Profile:
            return profiles.patch(stored, integration_id, {}, call.now, active=True)

        environment = call.application.environment
        profile = await call.server.store.update_profile(call.deployment.id, environment, integration_id, change)
        assert isinstance(profile, Profile)
        state["customerProfile"] = view(profile, call.deployment)
    return json_answer(state)


async def count_sales(call: Call, sales: Sales) -> None:
    """Count a session that was closed, or taken back, with its customer."""

    def change(stored: Profile | None) -> Profile:
        profile = stored or profiles.patch(None, sales.profile_id, {}, call.now)
        return profiles.sell(profile, sales.sessions, sales.amount)

    environment = call.application.environment
    await call.server.store.update_profile(call.deployment.id, environment, sales.profile_id, change)


def answer(call: Call, profile: Profile, runs: bool) -> Answer:
    """Answer with the profile, as the deployment's own update does."""
    shows = runs or call.deployment.assumed["profile-without-rules"] == "present"
    return json_answer(IntegrationState((), (), (), view(profile, call.deployment) if shows else UNSET))
