"""Customers, listed, found and shown: those of an Application, and those of a whole deployment.

All Applications of one environment share their profiles (documented). Who was only ever added to an audience is shown
to no Application (documented) and in no list; by his number he is found in the deployment (assumed). The Applications
of a Management key confine it where a path names one; what concerns the whole deployment it sees whole (assumed).
"""

from talon_emulator import errors, query
from talon_emulator.calls import Call, json_answer
from talon_emulator.errors import Refusal
from talon_emulator.exchange import Answer
from talon_emulator.integration import view
from talon_emulator.management import lists, named, searches
from talon_emulator.management.lists import Page
from talon_emulator.profiles import Environment
from talon_emulator.store.protocol import Matching


async def get_customer_profiles(call: Call) -> Answer:
    """GET /v1/customers/no_total: those of the live environment unless `sandbox` is true (documented)."""
    page = lists.asked(call)
    if isinstance(page, Refusal):
        return errors.answer(page)
    return await _in_deployment(call, page, None)


async def search_customers(call: Call) -> Answer:
    """POST /v1/customer_search/no_total."""
    page, search = lists.asked(call), searches.read(call)
    if isinstance(page, Refusal):
        return errors.answer(page)
    if isinstance(search, Refusal):
        return errors.answer(search)
    return await _in_deployment(call, page, search)


async def get_customer_profile(call: Call) -> Answer:
    """GET /v1/customers/{customerId}."""
    number = named.number(call, "customerId")
    profile = await call.server.store.find_profile_by_number(call.deployment.id, number)
    if profile is None:
        return errors.answer(errors.not_found("Customer profile"))
    return json_answer(view(profile, call.deployment))


async def get_application_customers(call: Call) -> Answer:
    """GET /v1/applications/{applicationId}/customers; `integrationId` matches exactly (documented)."""
    application, page = named.application(call), lists.asked(call)
    if application is None:
        return errors.answer(errors.not_found("Application"))
    if isinstance(page, Refusal):
        return errors.answer(page)
    integration_id = page.query.get("integrationId")
    if integration_id is None:
        return await _in_application(call, page, application.environment, None)
    total = query.boolean(page.query, "withTotalResultSize")
    if isinstance(total, Refusal):
        return errors.answer(total)
    found = await call.server.store.find_profile(call.deployment.id, application.environment, integration_id)
    profiles = () if found is None or found.hidden else (found,)
    shown = [view(profile, call.deployment) for profile in page.cut(profiles)]
    return lists.counted(shown, len(profiles)) if total else lists.uncounted(shown, False)


async def get_application_customer(call: Call) -> Answer:
    """GET /v1/applications/{applicationId}/customers/{customerId}; who recommended him is never known here."""
    application = named.application(call)
    if application is None:
        return errors.answer(errors.not_found("Application"))
    number = named.number(call, "customerId")
    profile = await call.server.store.find_profile_by_number(call.deployment.id, number)
    if profile is None or profile.hidden or profile.environment != application.environment:
        return errors.answer(errors.not_found("Customer profile"))
    return json_answer(view(profile, call.deployment))


async def search_application_customers(call: Call) -> Answer:
    """POST /v1/applications/{applicationId}/customer_search."""
    application, page, search = named.application(call), lists.asked(call), searches.read(call)
    if application is None:
        return errors.answer(errors.not_found("Application"))
    if isinstance(page, Refusal):
        return errors.answer(page)
    if isinstance(search, Refusal):
        return errors.answer(search)
    return await _in_application(call, page, application.environment, search)


async def _in_deployment(call: Call, page: Page, matching: Matching | None) -> Answer:
    sandbox = query.boolean(page.query, "sandbox")
    if isinstance(sandbox, Refusal):
        return errors.answer(sandbox)
    return await _listed(call, page, "sandbox" if sandbox else "live", matching, False)


async def _in_application(call: Call, page: Page, environment: Environment, matching: Matching | None) -> Answer:
    total = query.boolean(page.query, "withTotalResultSize")
    if isinstance(total, Refusal):
        return errors.answer(total)
    return await _listed(call, page, environment, matching, total)


async def _listed(call: Call, page: Page, environment: Environment, matching: Matching | None, total: bool) -> Answer:
    store, deployment = call.server.store, call.deployment.id
    found = await store.list_profiles(deployment, environment, page.size + 1, page.skip, matching=matching)
    shown = [view(profile, call.deployment) for profile in found[: page.size]]
    if not total:
        return lists.uncounted(shown, len(found) > page.size)
    return lists.counted(shown, await store.count_profiles(deployment, environment, matching))
