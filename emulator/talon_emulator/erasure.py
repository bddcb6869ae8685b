"""What else is forgotten with a customer: the attribute values of the sessions and events that are the customer's."""

from collections.abc import Callable
from typing import Final

from talon_emulator import errors, events, sessions
from talon_emulator.calls import Call
from talon_emulator.errors import Refusal
from talon_emulator.records import Kind, Record

_ALL: Final = 2**53
_ERASE: Final[dict[Kind, Callable[[Record], Record]]] = {"session": sessions.erase, "event": events.erase}


async def forget_activity(call: Call, integration_id: str) -> None:
    """Erase across the Applications of the key's environment (documented); what happened stays, without attributes."""
    store, deployment, environment = call.server.store, call.deployment.id, call.application.environment

    def is_theirs(record: Record) -> bool:
        return record.profile == integration_id

    for application in call.deployment.applications:
        if application.environment != environment:
            continue
        for kind, erase in _ERASE.items():

            def change(stored: Record | None, erase: Callable[[Record], Record] = erase) -> Record | Refusal:
                return erase(stored) if stored else errors.not_found("Record")

            for record in await store.list_records(deployment, kind, application.id, _ALL, 0, is_theirs):
                await store.update_record(deployment, kind, application.id, record.key, change)
