"""Audiences as a deployment keeps them: made, renamed and found; who is a member is kept with the profiles."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

import msgspec

from talon_emulator import errors
from talon_emulator.clock import timestamp
from talon_emulator.errors import Refusal

Name = Annotated[str, msgspec.Meta(min_length=1)]
ExternalId = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class NewAudience(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What a client sends to create an audience; one without an `integrationId` is native (documented)."""

    name: Name
    sandbox: bool | None = None
    description: str | None = None
    subscribed_applications_ids: tuple[int, ...] | None = None
    integration: str | None = None
    integration_id: ExternalId | None = None
    created_in_3rd_party: bool | None = msgspec.field(default=None, name="createdIn3rdParty")
    last_update: Moment | None = None


class AudienceUpdate(msgspec.Struct, frozen=True, rename="camel"):
    """What a client sends to update an audience; Applications that are not sent stay as they were (assumed)."""

    name: Name
    subscribed_applications_ids: tuple[int, ...] | None = None


class Audience(msgspec.Struct, frozen=True):
    """An audience of one environment; `created` is RFC 3339, ids are never used again in a deployment."""

    id: int
    sandbox: bool
    created: str
    name: str
    description: str = ""
    applications: tuple[int, ...] = ()
    integration: str = ""
    integration_id: str | None = None
    created_in_3rd_party: bool = False
    last_update: datetime | None = None


def create(
    existing: Iterable[Audience], new: NewAudience, number: int, sandbox: bool, created: str, folds: bool = False
) -> Audience | Refusal:
    """Turn a new audience into one of the deployment, or refuse it.

    409 when the environment has one with the same integration and integrationId (documented; that no integration is an
    integration of its own is assumed). Both are compared exactly, or without regard to case when `folds` says so.
    """
    refusal = _check(new.subscribed_applications_ids)
    if refusal is not None:
        return refusal
    external = new.integration_id
    if external is not None:
        identity = _identity(new.integration or "", external, folds)
        for other in existing:
            if other.sandbox == sandbox and _identity(other.integration, other.integration_id, folds) == identity:
                return errors.audience_exists(external)
    return Audience(
        id=number,
        sandbox=sandbox,
        created=created,
        name=new.name,
        description=new.description or "",
        applications=new.subscribed_applications_ids or (),
        integration=new.integration or "",
        integration_id=new.integration_id,
        created_in_3rd_party=new.created_in_3rd_party or False,
        last_update=new.last_update,
    )


def update(old: Audience, wanted: AudienceUpdate) -> Audience | Refusal:
    """Rename an audience and connect it to Applications."""
    refusal = _check(wanted.subscribed_applications_ids)
    if refusal is not None:
        return refusal
    given = wanted.subscribed_applications_ids
    return msgspec.structs.replace(old, name=wanted.name, applications=old.applications if given is None else given)


def view(audience: Audience, account: int) -> dict[str, Any]:
    """Return an audience as both APIs show it; what a native one has no value for is left out (assumed)."""
    shown = {
        "accountId": account,
        "id": audience.id,
        "created": audience.created,
        "name": audience.name,
        "sandbox": audience.sandbox,
        "description": audience.description,
        "subscribedApplicationsIds": audience.applications,
        "createdIn3rdParty": audience.created_in_3rd_party,
    }
    if audience.integration:
        shown["integration"] = audience.integration
    if audience.integration_id is not None:
        shown["integrationId"] = audience.integration_id
    if audience.last_update is not None:
        shown["lastUpdate"] = timestamp(audience.last_update)
    return shown


def _identity(integration: str, integration_id: str | None, folds: bool) -> tuple[str, str | None]:
    if folds and integration_id is not None:
        return integration.casefold(), integration_id.casefold()
    return integration, integration_id


def _check(applications: tuple[int, ...] | None) -> Refusal | None:
    """Refuse an Application that is there twice (documented); that each exists is not asked (assumed)."""
    given = applications or ()
    for index, number in enumerate(given):
        if number in given[:index]:
            place = errors.pointer("subscribedApplicationsIds", index)
            return errors.invalid_data([errors.bad_member(f"{number} is there twice", place)])
    return None
