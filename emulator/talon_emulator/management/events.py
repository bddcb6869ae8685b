"""Events of an Application, listed; and the types there are among them."""

from typing import Any, Final

from talon_emulator import errors, events
from talon_emulator.calls import Call
from talon_emulator.deployments import Application
from talon_emulator.errors import Refusal
from talon_emulator.exchange import Answer
from talon_emulator.management import lists, named, records
from talon_emulator.management.lists import Page
from talon_emulator.profiles import Profile
from talon_emulator.records import Record
from talon_emulator.store.protocol import RecordMatching

# No event here is part of a session, or has to do with a code, a rule, a campaign or an effect.
_NOWHERE: Final = ("session", "couponCode", "referralCode", "ruleQuery", "campaignQuery", "effectType")
# The attributes of a customer that hold these are assumed to be the built-in ones.
_OF_CUSTOMER: Final = {"customerName": "Name", "customerEmail": "Email"}


async def get_application_events(call: Call) -> Answer:
    """GET /v1/applications/{applicationId}/events/no_total: the newest first (assumed)."""
    application, page = named.application(call), lists.asked(call)
    if application is None:
        return errors.answer(errors.not_found("Application"))
    if isinstance(page, Refusal):
        return errors.answer(page)
    wanted = await _filter(call, application, page)
    if isinstance(wanted, Refusal):
        return errors.answer(wanted)
    found = await records.listed(call, "event", application, page, wanted)
    if isinstance(found, Refusal):
        return errors.answer(found)
    numbers = await records.whose(call, application, found[0])
    return lists.uncounted([_view(record, numbers) for record in found[0]], found[1])


async def get_application_event_types(call: Call) -> Answer:
    """GET /v1/applications/{applicationId}/event_types: each type of the events that came, once, in order."""
    application, page = named.application(call), lists.asked(call)
    if application is None:
        return errors.answer(errors.not_found("Application"))
    if isinstance(page, Refusal):
        return errors.answer(page)
    order = page.query.get("sort", "")
    if order.removeprefix("-") not in ("", "type"):
        return errors.answer(errors.bad_parameter("sort", "sort must be type, with or without a leading -"))
    found = await call.server.store.list_records(call.deployment.id, "event", application.id, lists.MAX_SKIP, 0)
    types = sorted({events.from_record(record).type for record in found}, reverse=order.startswith("-"))
    return lists.counted(page.cut(types), len(types))


async def _filter(call: Call, application: Application, page: Page) -> RecordMatching | Refusal:
    in_time = records.created_in_time(page)
    if isinstance(in_time, Refusal):
        return in_time
    kinds, profile = page.query.get("type"), page.query.get("profile")
    types = None if kinds is None else kinds.split(",")
    asked = {
        name: page.query[parameter].casefold() for parameter, name in _OF_CUSTOMER.items() if parameter in page.query
    }

    def is_meant(customer: Profile) -> bool:
        values = customer.values()
        return all(part in str(values.get(name, "")).casefold() for name, part in asked.items())

    customers = await records.of_customers(call, application, is_meant) if asked else None
    nowhere = any(page.query.get(name) for name in _NOWHERE)

    def wanted(record: Record) -> bool:
        return (
            not nowhere
            and in_time(record)
            and (profile is None or record.profile == profile)
            and (customers is None or record.profile in customers)
            and (types is None or events.from_record(record).type in types)
        )

    return wanted


def _view(record: Record, numbers: dict[str, int]) -> dict[str, Any]:
    """Return an event as the Management API shows it; no rules run here, so it had no effects."""
    event = events.from_record(record)
    return {**records.given(record, numbers), "type": event.type, "attributes": event.attributes, "effects": []}
