"""The Applications of a deployment, listed and shown."""

from typing import Any, Final

from talon_emulator import errors
from talon_emulator.calls import Call, json_answer
from talon_emulator.deployments import Application
from talon_emulator.errors import Refusal
from talon_emulator.exchange import Answer
from talon_emulator.management import lists, named

_SORTS: Final = ("id", "created", "modified", "name", "description", "timezone", "currency")


async def get_applications(call: Call) -> Answer:
    """GET /v1/applications: those that the key may name (assumed for this list)."""
    page = lists.asked(call)
    if isinstance(page, Refusal):
        return errors.answer(page)
    assert call.credential is not None
    allowed = call.credential.applications
    seen = (application for application in call.deployment.applications if not allowed or application.id in allowed)
    ordered = lists.ordered(seen, page, _SORTS)
    if isinstance(ordered, Refusal):
        return errors.answer(ordered)
    shown = [application_view(application, call.deployment.id) for application in page.cut(ordered)]
    return lists.counted(shown, len(ordered))


async def get_application(call: Call) -> Answer:
    """GET /v1/applications/{applicationId}."""
    application = named.application(call)
    if application is None:
        return errors.answer(errors.not_found("Application"))
    return json_answer(application_view(application, call.deployment.id))


def application_view(application: Application, account: int) -> dict[str, Any]:
    """Return an Application as the Management API shows it; settings that nothing here uses are neutral (assumed)."""
    return {
        "id": application.id,
        "created": application.created,
        "modified": application.modified,
        "accountId": account,
        "name": application.name,
        "description": application.description,
        "timezone": application.timezone,
        "currency": application.currency,
        "caseSensitivity": "sensitive",
        "attributes": {},
        "limits": [],
        "sandbox": application.environment == "sandbox",
        "loyaltyPrograms": [],
    }
