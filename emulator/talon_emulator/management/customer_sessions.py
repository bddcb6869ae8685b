"""Customer sessions of an Application, listed, searched and shown."""

from collections.abc import Callable
from typing import Any, Final, get_args

from talon_emulator import errors, query, sessions
from talon_emulator.calls import Call, json_answer
from talon_emulator.errors import Refusal
from talon_emulator.exchange import Answer
from talon_emulator.management import lists, named, records, searches
from talon_emulator.management.lists import Page
from talon_emulator.records import Record
from talon_emulator.sessions import SessionState
from talon_emulator.store.protocol import RecordMatching

PARTIAL: Final = 3  # characters; shorter texts are compared as a whole (documented)
_STATES: Final = get_args(SessionState)


async def get_application_sessions(call: Call) -> Answer:
    """GET /v1/applications/{applicationId}/sessions: the newest first (assumed)."""
    application, page = named.application(call), lists.asked(call)
    if application is None:
        return errors.answer(errors.not_found("Application"))
    if isinstance(page, Refusal):
        return errors.answer(page)
    wanted = _filter(page)
    if isinstance(wanted, Refusal):
        return errors.answer(wanted)
    found = await records.listed(call, "session", application, page, wanted)
    if isinstance(found, Refusal):
        return errors.answer(found)
    numbers = await records.whose(call, application, found[0])
    return lists.uncounted([_view(record, numbers) for record in found[0]], found[1])


async def get_application_session(call: Call) -> Answer:
    """GET /v1/applications/{applicationId}/sessions/{sessionId}: by its number (documented)."""
    application = named.application(call)
    if application is None:
        return errors.answer(errors.not_found("Application"))
    number = named.number(call, "sessionId")
    found = await call.server.store.list_records(
        call.deployment.id, "session", application.id, 1, 0, lambda record: record.id == number
    )
    if not found:
        return errors.answer(errors.not_found("Customer session"))
    return json_answer(_view(found[0], await records.whose(call, application, found)))


async def search_application_sessions(call: Call) -> Answer:
    """POST /v1/applications/{applicationId}/sessions_search: those of the customers that are searched for."""
    application, page, search = named.application(call), lists.asked(call), searches.read(call)
    if application is None:
        return errors.answer(errors.not_found("Application"))
    if isinstance(page, Refusal):
        return errors.answer(page)
    if isinstance(search, Refusal):
        return errors.answer(search)
    total = query.boolean(page.query, "withTotalResultSize")
    if isinstance(total, Refusal):
        return errors.answer(total)
    customers = await records.of_customers(call, application, search)
    found = await call.server.store.list_records(
        call.deployment.id, "session", application.id, lists.MAX_SKIP, 0, lambda record: record.profile in customers
    )
    shown = page.cut(found)
    numbers = await records.whose(call, application, shown)
    data = [_view(record, numbers) for record in shown]
    return lists.counted(data, len(found)) if total else lists.uncounted(data, len(found) > page.skip + page.size)


def _filter(page: Page) -> RecordMatching | Refusal:
    """Read the documented filters; no session here has a store, so none is found by one."""
    in_time, partial = records.created_in_time(page), query.boolean(page.query, "partialMatch")
    if isinstance(in_time, Refusal):
        return in_time
    if isinstance(partial, Refusal):
        return partial
    state = page.query.get("state")
    if state not in (None, *_STATES):
        return errors.bad_parameter("state", "state must be one of " + ", ".join(_STATES))
    has = {name: _text(page.query.get(name), partial) for name in ("integrationId", "profile", "coupon", "referral")}
    of_store = _text(page.query.get("storeIntegrationId"), partial)

    def wanted(record: Record) -> bool:
        if not (in_time(record) and has["integrationId"](record.key) and has["profile"](record.profile)):
            return False
        session = sessions.from_record(record)
        return (
            (state is None or session.state == state)
            and ("coupon" not in page.query or any(map(has["coupon"], session.coupon_codes)))
            and has["referral"](session.referral_code)
            and of_store("")
        )

    return wanted


def _text(asked: str | None, partial: bool) -> Callable[[str], bool]:
    if asked is None:
        return lambda text: True
    if partial and len(asked) >= PARTIAL:
        folded = asked.casefold()
        return lambda text: folded in text.casefold()
    return lambda text: text == asked


def _view(record: Record, numbers: dict[str, int]) -> dict[str, Any]:
    """Return a session as the Management API shows it; no rules run here, so nothing is discounted."""
    session = sessions.from_record(record)
    shown = sessions.view(session, record.id)
    members = ("integrationId", "coupon", "referral", "state", "cartItems", "total", "attributes")
    view = {
        **records.given(record, numbers),
        **{name: shown[name] for name in members},
        "discounts": {},
        "totalDiscounts": 0,
    }
    if record.profile:
        view["profileintegrationid"] = record.profile
    return view
