"""The Integration API's handler that updates up to a thousand profiles in one request."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final

import msgspec

from talon_emulator import body, errors, profiles, query
from talon_emulator.calls import Call, json_answer
from talon_emulator.errors import Problem, Refusal
from talon_emulator.exchange import NO_CONTENT, Answer
from talon_emulator.integration import ProfileView, view
from talon_emulator.profiles import MAX_ID_LENGTH, Profile
from talon_emulator.store.protocol import BulkChange

MAX_PROFILES: Final = 1000
IntegrationId = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID_LENGTH)]


class Update(msgspec.Struct, frozen=True, rename="camel"):
    """The update of one profile."""

    integration_id: IntegrationId
    attributes: dict[str, Any] | None = None


class Updates(msgspec.Struct, frozen=True, rename="camel"):
    """The body: updates in the order in which they are applied."""

    customer_profiles: tuple[Update, ...] | None = None


class State(msgspec.Struct, frozen=True, rename="camel"):
    """What one update made."""

    customer_profile: ProfileView


_UPDATES = body.decoder(Updates)


async def update_customer_profiles(call: Call) -> Answer:
    """PUT /v2/customer_profiles: 204, or with `silent=no` 200 and the profiles (documented). Rules never run here."""
    parameters = query.parse(call.request.query)
    if isinstance(parameters, Refusal):
        return errors.answer(parameters)
    silent = parameters.get("silent", "yes")  # a string, not a boolean (documented)
    if silent not in ("yes", "no"):
        return errors.answer(errors.bad_parameter("silent", "silent must be yes or no"))
    given = body.decode(call.request.body, _UPDATES)
    if isinstance(given, Refusal):
        return errors.answer(given)
    changes, wrong = _changes(given.customer_profiles or (), call)
    if wrong is not None and call.deployment.assumed["bulk-with-a-wrong-profile"] == "refuse":
        return errors.answer(wrong)
    environment = call.application.environment
    outcome = await call.server.store.update_profiles(call.deployment.id, environment, changes)
    if isinstance(outcome, Refusal):
        return errors.answer(outcome)
    if wrong is not None:
        return errors.answer(wrong)
    if silent == "yes":
        return NO_CONTENT
    states = [State(view(profile, call.deployment)) for profile in outcome if profile is not None]
    return json_answer({"integrationStates": states})


def _changes(updates: tuple[Update, ...], call: Call) -> tuple[list[tuple[str, BulkChange]], Refusal | None]:
    """Return the changes of the profiles that are right, and the refusal of the others."""
    if len(updates) > MAX_PROFILES:
        return [], errors.invalid_data([errors.too_long("customerProfiles", MAX_PROFILES)])
    definitions = call.deployment.profile_definitions_of(call.application)
    once = call.deployment.assumed["bulk-with-a-profile-twice"] == "refuse"
    seen: set[str] = set()
    wrong: list[Problem] = []
    changes: list[tuple[str, BulkChange]] = []
    for index, update in enumerate(updates):
        attributes = definitions.read(update.attributes or {})
        problems = errors.rebased(definitions.check(attributes), "customerProfiles", index, "attributes")
        if once and update.integration_id in seen:
            place = errors.pointer("customerProfiles", index, "integrationId")
            problems = (*problems, errors.bad_member("the profile is there twice", place))
        seen.add(update.integration_id)
        wrong.extend(problems)
        if not problems:
            changes.append((update.integration_id, partial(_patch, update.integration_id, attributes, call.now)))
    return changes, errors.invalid_data(wrong) if wrong else None


def _patch(integration_id: str, attributes: dict[str, Any], now: datetime, stored: Profile | None) -> Profile:
    return profiles.patch(stored, integration_id, attributes, now)
