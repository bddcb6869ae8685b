"""The bridge's own API under `/_bridge/`: what came in, what became of it, whether all is done."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from starlette.convertors import Convertor, register_url_convertor
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from talon_bridge import codec, events
from talon_bridge.forwarder import Forwarder
from talon_bridge.limiter import Limiter
from talon_bridge.mapping import plan
from talon_bridge.outbox.protocol import Attempt, Entry, Outbox, Report, State
from talon_bridge.settings import Destination
from talon_bridge.settlement import report_of

MAX_LISTED = 1000
LONGEST_IDLE_WAIT = 600.0
_FILTERS = ("limit", "state", "userId")


class _AnyText(Convertor[str]):
    """A rest of a path with line breaks in it, which Starlette's own `path` stops at: a messageId may hold any."""

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("any_text", _AnyText())


def answer(value: Any, status: int = 200) -> Response:
    """A JSON answer, numbers digit for digit."""
    return Response(codec.encode(value), status, media_type="application/json")


def problem(status: int, code: str, message: str, hint: str) -> Response:
    """An error of the control API."""
    return answer({"error": {"code": code, "message": message, "hint": hint}}, status)


class Control:
    """The handlers; `routes` makes their table."""

    def __init__(
        self, outbox: Outbox, forwarder: Forwarder, limiter: Limiter, destination: Callable[[], Destination]
    ) -> None:
        self._outbox = outbox
        self._forwarder = forwarder
        self._limiter = limiter
        self._destination = destination

    def routes(self, guards: Sequence[Middleware]) -> list[Route]:
        """Every path of the control API, each behind the guards (a mount around them would stop at a line break)."""
        table = {
            "/_bridge/health": self.health,
            "/_bridge/ready": self.ready,
            "/_bridge/idle": self.idle,
            "/_bridge/events": self.events,
            "/_bridge/events/{message_id:any_text}": self.event,
            "/metrics": self.metrics,
        }
        return [Route(path, handler, middleware=guards) for path, handler in table.items()]

    async def health(self, request: Request) -> Response:
        """The process lives."""
        return answer({"status": "ok"})

    async def ready(self, request: Request) -> Response:
        """The outbox answers."""
        return answer({"status": "ready", "counts": dict(await self._outbox.counts())})

    async def idle(self, request: Request) -> Response:
        """200 once everything accepted is settled; 409 with the counts when that takes over `timeout` seconds."""
        unknown = _unknown(request, ("timeout",))
        if unknown is not None:
            return unknown
        text = request.query_params.get("timeout", "0")
        try:
            timeout = float(text)
        except ValueError:
            timeout = -1.0
        if not 0 <= timeout <= LONGEST_IDLE_WAIT:
            hint = f"give seconds from 0 to {LONGEST_IDLE_WAIT:g}"
            return problem(400, "bad_timeout", f"timeout is {text!r}", hint)
        if await self._forwarder.idle(timeout):
            return answer({"idle": True})
        counts = dict(await self._outbox.counts())
        return answer({"idle": False, "counts": counts, "pausedFor": self._limiter.closed_for}, 409)

    async def events(self, request: Request) -> Response:
        """The newest events first; `limit`, `state` and `userId` narrow the list."""
        query = request.query_params
        unknown = _unknown(request, _FILTERS)
        if unknown is not None:
            return unknown
        limit, state = query.get("limit", "100"), query.get("state")
        if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:9]) <= MAX_LISTED):
            return problem(400, "bad_filter", f"limit is {limit!r}", f"give a number from 1 to {MAX_LISTED}")
        if state is not None and state not in set(State):
            return problem(400, "bad_filter", f"state is {state!r}", f"give one of {', '.join(State)}")
        found = await self._outbox.recent(int(limit), State(state) if state else None, query.get("userId"))
        return answer({"events": [self._explained(entry) for entry in found]})

    async def event(self, request: Request) -> Response:
        """One event by its messageId, explained, with its attempts and the call as it was received."""
        message_id = request.path_params["message_id"]
        entry = await self._outbox.find(message_id)
        if entry is None:
            hint = "events are listed at /_bridge/events; a messageId is exact"
            return problem(404, "unknown_event", f"no event has the messageId {message_id!r}", hint)
        return answer({**self._explained(entry), "event": codec.value(entry.event.body)})

    async def metrics(self, request: Request) -> Response:
        """Counts of events by state and the work in hand, for Prometheus."""
        from prometheus_client import CollectorRegistry, Gauge, generate_latest

        registry = CollectorRegistry()
        gauge = Gauge("localtalon_bridge_events", "Events in the outbox by state", ["state"], registry=registry)
        for state, count in (await self._outbox.counts()).items():
            gauge.labels(state.value).set(count)
        paused = Gauge("localtalon_bridge_paused_seconds", "Until the destination is asked again", registry=registry)
        paused.set(self._limiter.closed_for)
        return Response(generate_latest(registry), media_type="text/plain; version=0.0.4")

    def _explained(self, entry: Entry) -> dict[str, Any]:
        """An entry as the API shows it; an unsettled one is mapped with today's settings, as its delivery would."""
        report = entry.report
        if report is None:
            report = report_of(plan(events.read(entry.event.body, entry.event.type), self._destination()))
        return explained(entry, report)


def _unknown(request: Request, known: tuple[str, ...]) -> Response | None:
    """The refusal of a query parameter that is not known, or None."""
    for name in request.query_params:
        if name not in known:
            return problem(400, "unknown_parameter", f"there is no {name!r} here", f"there is {', '.join(known)}")
    return None


def explained(entry: Entry, report: Report) -> dict[str, Any]:
    """The explanation of an event as JSON members."""
    return {
        "messageId": entry.event.message_id,
        "type": entry.event.type,
        "userId": entry.event.user_id,
        "receivedAt": events.rfc3339(entry.event.received_at),
        "timestamp": entry.event.timestamp,
        "state": entry.state,
        "reason": report.reason,
        "warnings": report.warnings,
        "request": {"method": "PUT", "path": report.path} if report.path else None,
        "traits": report.traits,
        "attempts": [_attempt(attempt) for attempt in entry.attempts],
        "duplicates": _duplicates(entry),
        "notBefore": events.rfc3339(entry.not_before) if entry.not_before else None,
        "self": "/_bridge/events/" + quote(entry.event.message_id, safe=""),
    }


def _duplicates(entry: Entry) -> dict[str, Any] | None:
    """Later calls with the same messageId, which were acknowledged and left out (DEL-3)."""
    if entry.duplicate_at is None:
        return None
    return {"rule": "DEL-3", "count": entry.duplicates, "last": events.rfc3339(entry.duplicate_at)}


def _attempt(attempt: Attempt) -> dict[str, Any]:
    told: dict[str, Any] = {"at": events.rfc3339(attempt.at), "status": attempt.status}
    return {**told, "error": attempt.error} if attempt.error else told
