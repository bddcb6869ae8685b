"""The API calls of an Application, from the journal: listed, and summed up as its health."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, Literal
from uuid import NAMESPACE_URL, uuid5

import msgspec

from talon_emulator import errors, query
from talon_emulator.calls import Call, json_answer
from talon_emulator.clock import timestamp
from talon_emulator.deployments import Application
from talon_emulator.errors import Refusal
from talon_emulator.exchange import Answer
from talon_emulator.journal import Entry
from talon_emulator.management import lists, named
from talon_emulator.management.lists import Page

RECENT: Final = timedelta(minutes=5)
_METHODS: Final = ("get", "put", "post", "delete", "patch")
_SORTS: Final = ("time", "status", "method", "requestUri")
_NEVER: Final = "0001-01-01T00:00:00Z"  # Go's zero time (assumed)

Summary = Literal["OK", "WARNING", "ERROR", "CRITICAL", "NONE"]
Wanted = Callable[[Entry], bool]


class AccessLogEntry(msgspec.Struct, frozen=True, rename="camel"):
    """One call as the Management API shows it."""

    uuid: str
    status: int
    method: str
    request_uri: str
    time: str
    request_payload: str
    response_payload: str


async def get_access_logs(call: Call) -> Answer:
    """GET /v1/applications/{applicationId}/access_logs/no_total: the newest first (assumed), as far as kept."""
    application, page = named.application(call), lists.asked(call)
    if application is None:
        return errors.answer(errors.not_found("Application"))
    if isinstance(page, Refusal):
        return errors.answer(page)
    wanted = _filter(application, page)
    if isinstance(wanted, Refusal):
        return errors.answer(wanted)
    journal = call.deployment.journal
    entries = journal.latest(wanted, journal.last if page.query.get("sort") else page.skip + page.size + 1)
    ordered = lists.ordered((_shown(entry, call.deployment.id) for entry in entries), page, _SORTS)
    if isinstance(ordered, Refusal):
        return errors.answer(ordered)
    return lists.uncounted(page.cut(ordered), len(ordered) > page.skip + page.size)


async def get_application_api_health(call: Call) -> Answer:
    """GET /v1/applications/{applicationId}/health_report: of the calls of the last five minutes (documented)."""
    application = named.application(call)
    if application is None:
        return errors.answer(errors.not_found("Application"))
    journal, since = call.deployment.journal, call.now - RECENT
    mine = journal.latest(lambda entry: entry.application == application.id, journal.last)
    failures = [entry.kind == "bad" for entry in mine if entry.at >= since]
    last_used = timestamp(mine[0].at) if mine else _NEVER
    return json_answer({"summary": summary(len(failures), sum(failures)), "lastUsed": last_used})


def summary(calls: int, failed: int) -> Summary:
    """Sum up how many calls failed in one word (documented)."""
    if not calls:
        return "NONE"
    if not failed:
        return "OK"
    if failed == calls:
        return "CRITICAL"
    return "ERROR" if failed * 2 > calls else "WARNING"


def _filter(application: Application, page: Page) -> Wanted | Refusal:
    since, until = query.moment(page.query, "rangeStart"), query.moment(page.query, "rangeEnd")
    if isinstance(since, Refusal):
        return since
    if isinstance(until, Refusal):
        return until
    pattern = _pattern(page.query.get("path", ""))
    if isinstance(pattern, Refusal):
        return pattern
    method, status = page.query.get("method"), page.query.get("status")
    if method not in (None, *_METHODS):
        return errors.bad_parameter("method", "method must be one of " + ", ".join(_METHODS))
    if status not in (None, "success", "error"):
        return errors.bad_parameter("status", "status must be success or error")
    kind = None if status is None else "good" if status == "success" else "bad"

    def wanted(entry: Entry) -> bool:
        return (
            entry.application == application.id
            and since <= entry.at <= until
            and (method is None or entry.method.lower() == method)
            and (kind is None or entry.kind == kind)
            and pattern.search(entry.path) is not None
        )

    return wanted


def _pattern(given: str) -> Any:
    """Compile a regular expression with the engine of Go's family, whose time does not explode."""
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(given, options)
    except (re2.error, UnicodeError) as error:
        told = error.args[0] if error.args else "it cannot be read"
        said = told.decode("utf-8", "replace") if isinstance(told, bytes) else told
        return errors.bad_parameter("path", f"path is no regular expression: {said}")


def _shown(entry: Entry, deployment: int) -> AccessLogEntry:
    return AccessLogEntry(
        uuid=str(uuid5(NAMESPACE_URL, f"{deployment}/{entry.sequence}/{timestamp(entry.at)}")),
        status=entry.status,
        method=entry.method,
        request_uri=entry.path + (f"?{entry.query}" if entry.query else ""),
        time=timestamp(entry.at),
        request_payload=entry.request.decode("utf-8", "replace"),
        response_payload=entry.answer.decode("utf-8", "replace"),
    )
