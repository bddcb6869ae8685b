"""Sessions and events of an Application as the Management API lists them: when, in which order, whose."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from talon_emulator import query
from talon_emulator.calls import Call
from talon_emulator.deployments import Application
from talon_emulator.errors import Refusal
from talon_emulator.management import lists
from talon_emulator.management.lists import Page
from talon_emulator.records import Kind, Record
from talon_emulator.store.protocol import Matching, RecordMatching

_SORTS: Final = ("id", "created")


def created_in_time(page: Page) -> RecordMatching | Refusal:
    """Read `createdBefore` and `createdAfter`; either may be missing."""
    before = query.optional_moment(page.query, "createdBefore")
    after = query.optional_moment(page.query, "createdAfter")
    if isinstance(before, Refusal):
        return before
    if isinstance(after, Refusal):
        return after

    def matching(record: Record) -> bool:
        if before is None and after is None:
            return True
        created = datetime.fromisoformat(record.created)
        return (before is None or created < before) and (after is None or created > after)

    return matching


async def listed(
    call: Call, kind: Kind, application: Application, page: Page, matching: RecordMatching
) -> tuple[Sequence[Record], bool] | Refusal:
    """Return the part of the matching records that is asked for, the newest first, and whether there is more."""
    store, deployment = call.server.store, call.deployment.id
    if page.query.get("sort"):
        every = await store.list_records(deployment, kind, application.id, lists.MAX_SKIP, 0, matching)
        found = lists.ordered(every, page, _SORTS)
        if isinstance(found, Refusal):
            return found
        found = found[page.skip : page.skip + page.size + 1]
    else:
        found = await store.list_records(deployment, kind, application.id, page.size + 1, page.skip, matching)
    return found[: page.size], len(found) > page.size


async def whose(call: Call, application: Application, records: Iterable[Record]) -> dict[str, int]:
    """Return the numbers of the customers of records by their integration IDs."""
    numbers = {}
    for integration_id in {record.profile for record in records if record.profile}:
        profile = await call.server.store.find_profile(call.deployment.id, application.environment, integration_id)
        if profile is not None:
            numbers[integration_id] = profile.id
    return numbers


async def of_customers(call: Call, application: Application, matching: Matching) -> frozenset[str]:
    """Return the integration IDs of the customers that match."""
    store, environment = call.server.store, application.environment
    found = await store.list_profiles(call.deployment.id, environment, lists.MAX_SKIP, 0, matching=matching)
    return frozenset(profile.integration_id for profile in found)


def given(record: Record, numbers: dict[str, int]) -> dict[str, Any]:
    """Return what sessions and events are shown with alike."""
    shown: dict[str, Any] = {"id": record.id, "created": record.created, "applicationId": record.application}
    if record.profile in numbers:
        shown["profileId"] = numbers[record.profile]
    return shown
