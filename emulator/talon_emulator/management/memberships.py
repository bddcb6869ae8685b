"""The members of an audience, listed, imported and exported."""

from typing import Final

from talon_emulator import errors, profiles, uploads
from talon_emulator.audiences import Audience
from talon_emulator.calls import Call
from talon_emulator.deployments import Deployment
from talon_emulator.errors import Refusal
from talon_emulator.exchange import Answer
from talon_emulator.integration import view
from talon_emulator.management import changes, imports, lists, named
from talon_emulator.profiles import MAX_ID_LENGTH, Environment, Profile
from talon_emulator.store.protocol import BulkChange

COLUMN: Final = "profileintegrationid"
MAX_MEMBERS: Final = 10_000_000
_SORTS: Final = ("id", "created", "integrationId", "lastActivity")
_CSV: Final = ((b"content-type", b"application/csv"),)


async def get_audience_memberships(call: Call) -> Answer:
    """GET /v1/audiences/{audienceId}/memberships; `profileQuery` is a part of the integration ID (assumed)."""
    audience, page = named.audience(call), lists.asked(call)
    if audience is None:
        return errors.answer(errors.not_found("Audience"))
    if isinstance(page, Refusal):
        return errors.answer(page)
    store, deployment, part = call.server.store, call.deployment.id, page.query.get("profileQuery", "")
    if page.query.get("sort"):
        every = await store.list_members(deployment, audience.id, lists.MAX_SKIP, 0, part)
        ordered = lists.ordered(every, page, _SORTS)
        if isinstance(ordered, Refusal):
            return errors.answer(ordered)
        found = ordered[page.skip : page.skip + page.size + 1]
    else:
        found = await store.list_members(deployment, audience.id, page.size + 1, page.skip, part)
    shown = [view(profile, call.deployment) for profile in found[: page.size]]
    return lists.uncounted(shown, len(found) > page.size)


async def export_audiences_memberships(call: Call) -> Answer:
    """GET /v1/audiences/{audienceId}/memberships/export: every integration ID exactly as it is."""
    audience = named.audience(call)
    if audience is None:
        return errors.answer(errors.not_found("Audience"))
    members = await _members(call, audience)
    return Answer(200, uploads.render(COLUMN, [profile.integration_id for profile in members]), _CSV)


async def import_audiences_memberships(call: Call) -> Answer:
    """POST /v1/audiences/{audienceId}/memberships/import: the file replaces the list of members (documented).

    Who is not there yet is created as by `POST /v2/customer_audiences` (assumed).
    """
    audience = named.audience(call)
    if audience is None:
        return errors.answer(errors.not_found("Audience"))
    wanted = imports.column(call, COLUMN, MAX_MEMBERS, MAX_ID_LENGTH)
    if isinstance(wanted, Refusal):
        return errors.answer(wanted)
    kept = set(wanted)
    leaving = [member.integration_id for member in await _members(call, audience) if member.integration_id not in kept]
    moves = [(name, _move(call, audience, name, False)) for name in leaving]
    moves += [(name, _move(call, audience, name, True)) for name in wanted]
    environment: Environment = "sandbox" if audience.sandbox else "live"
    moved = await call.server.store.update_profiles(call.deployment.id, environment, moves)
    assert not isinstance(moved, Refusal), "to join or leave an audience is never refused"

    def change(stored: Deployment) -> Deployment:
        return changes.with_state(stored, last_import=stored.state.last_import + 1)

    outcome = await changes.change(call, change)
    assert isinstance(outcome, Deployment)
    return imports.answer(call, "AudienceMembership", outcome.state.last_import, len(wanted))


async def _members(call: Call, audience: Audience) -> tuple[Profile, ...]:
    return await call.server.store.list_members(call.deployment.id, audience.id, lists.MAX_SKIP, 0)


def _move(call: Call, audience: Audience, integration_id: str, joins: bool) -> BulkChange:
    def move(stored: Profile | None) -> Profile | None:
        return profiles.member(stored, integration_id, audience.id, joins, call.now)

    return move
