"""The paths of the control API."""

from collections.abc import Awaitable, Callable
from functools import partial

from starlette.convertors import Convertor, register_url_convertor
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from talon_bridge.body import ClientGoneError
from talon_bridge.control import dead_letters, events, health, metrics, status
from talon_bridge.control.answers import ProblemError, problem
from talon_bridge.control.guard import Guard
from talon_bridge.control.parts import Parts

Handler = Callable[[Parts, Request], Awaitable[Response]]

TABLE: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/_bridge/health", health.health),
    ("GET", "/_bridge/ready", health.ready),
    ("GET", "/_bridge/idle", health.idle),
    ("GET", "/_bridge/status", status.show_status),
    ("GET", "/_bridge/events", events.list_events),
    ("GET", "/_bridge/events/{message_id:any_text}", events.show_event),
    ("GET", "/_bridge/dead-letters", dead_letters.list_dead_letters),
    ("POST", "/_bridge/dead-letters/replay", dead_letters.replay),
    ("POST", "/_bridge/dead-letters/discard", dead_letters.discard),
    ("POST", "/_bridge/dead-letters/{message_id:any_text}/replay", dead_letters.replay_one),
    ("POST", "/_bridge/dead-letters/{message_id:any_text}/discard", dead_letters.discard_one),
    ("GET", "/metrics", metrics.show_metrics),
)
OPEN = frozenset({"/_bridge/health", "/_bridge/ready"})  # asked without the control token


class _AnyText(Convertor[str]):
    """A part of a path with slashes and line breaks, where Starlette's own `path` stops: a messageId holds any."""

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("any_text", _AnyText())


def routes(parts: Parts) -> list[Route]:
    """Every path, each behind the guard (a mount around them would stop at a line break)."""
    allowed = (parts.settings.host, *parts.settings.allowed_hosts)
    made = []
    for method, path, handler in TABLE:
        token = None if path in OPEN else parts.settings.control_token
        guard = Middleware(Guard, allowed=allowed, token=token)
        made.append(Route(path, partial(_answered, handler, parts), methods=[method], middleware=[guard]))
    return made


async def _answered(handler: Handler, parts: Parts, request: Request) -> Response:
    try:
        return await handler(parts, request)
    except ProblemError as error:
        told = error.problem
        return problem(told.status, told.code, told.message, told.hint)
    except ClientGoneError:
        return Response(status_code=400)  # nobody reads it
