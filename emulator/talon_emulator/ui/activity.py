"""The Campaign Manager's pages of what customers did: the sessions and the events of an Application."""

from collections.abc import Callable
from typing import Any

from talon_emulator import body, events, query, sessions
from talon_emulator.calls import Call
from talon_emulator.deployments import Application
from talon_emulator.errors import Refusal
from talon_emulator.exchange import Answer
from talon_emulator.records import Kind, Record
from talon_emulator.ui.pages import PAGE_SIZE, customer_link, find, page, refused

Show = Callable[[Record], dict[str, Any]]


async def session_list(call: Call) -> Answer:
    """GET /applications/{applicationId}/sessions: the customer sessions, newest first."""

    def show(record: Record) -> dict[str, Any]:
        session = sessions.from_record(record)
        total = session.cart_item_total + session.additional_cost_total
        return {"session": session, "total": _text(total), "attributes": _attributes(session.attributes)}

    return await _listed(call, "session", "sessions.html", show)


async def event_list(call: Call) -> Answer:
    """GET /applications/{applicationId}/events: the events, newest first."""

    def show(record: Record) -> dict[str, Any]:
        event = events.from_record(record)
        return {"event": event, "number": record.id, "attributes": _attributes(event.attributes)}

    return await _listed(call, "event", "events.html", show)


async def _listed(call: Call, kind: Kind, template: str, show: Show) -> Answer:
    found = find(call)
    if isinstance(found, Answer):
        return found
    application, parameters = found
    skip = query.integer(parameters, "skip", 0, 0, 2**53)
    if isinstance(skip, Refusal):
        return refused(call, skip)
    # One more than the page shows tells whether there is an older one.
    records = await call.server.store.list_records(call.deployment.id, kind, application.id, PAGE_SIZE + 1, skip)
    rows = [{**_customer(application, record), **show(record)} for record in records[:PAGE_SIZE]]
    return page(
        template,
        call,
        application=application,
        rows=rows,
        skip=skip,
        newer=max(skip - PAGE_SIZE, 0) if skip and rows else None,
        older=skip + PAGE_SIZE if len(records) > PAGE_SIZE else None,
    )


def _customer(application: Application, record: Record) -> dict[str, Any]:
    return {"customer": record.profile, "link": customer_link(application, record.profile)}


def _attributes(values: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, _text(value)) for name, value in sorted(values.items())]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else body.ENCODER.encode(value).decode()
