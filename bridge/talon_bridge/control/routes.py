"""The paths of the control API."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from starlette.convertors import Convertor, register_url_convertor
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from talon_bridge.body import ClientGoneError
from talon_bridge.control import (
    clocks,
    dead_letters,
    engage,
    engage_members,
    engage_syncs,
    events,
    health,
    metrics,
    status,
)
from talon_bridge.control.answers import ProblemError, problem
from talon_bridge.control.engage_answers import refusal
from talon_bridge.control.guard import Guard
from talon_bridge.control.parts import Parts
from talon_bridge.engage.problems import EngageError
from talon_bridge.engage.store.protocol import StoreUnavailable

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
    ("GET", "/_bridge/clock", clocks.show_clock),
    ("POST", "/_bridge/clock/freeze", clocks.freeze),
    ("POST", "/_bridge/clock/set", clocks.set_clock),
    ("POST", "/_bridge/clock/advance", clocks.advance),
    ("POST", "/_bridge/clock/real", clocks.real),
    ("GET", "/_bridge/engage", engage.list_computations),
    ("GET", "/_bridge/engage/{kind}/{id:any_text}/syncs", engage_syncs.list_syncs),
    ("GET", "/_bridge/engage/{kind}/{id:any_text}/syncs/{number:any_text}/refused", engage_syncs.list_refused),
    ("GET", "/_bridge/engage/{kind}/{id:any_text}/syncs/{number:any_text}", engage_syncs.show_sync),
    ("POST", "/_bridge/engage/{kind}/{id:any_text}/sync", engage_syncs.sync),
    ("POST", "/_bridge/engage/{kind}/{id:any_text}/run", engage_syncs.run),
    ("GET", "/_bridge/engage/{kind}/{id:any_text}/members", engage_members.list_members),
    ("POST", "/_bridge/engage/{kind}/{id:any_text}/members", engage_members.change_members),
    ("GET", "/_bridge/engage/{kind}/{id:any_text}", engage.show),
    ("PUT", "/_bridge/engage/{kind}/{id:any_text}", engage.define),
    ("DELETE", "/_bridge/engage/{kind}/{id:any_text}", engage.forget),
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
    handlers: dict[str, dict[str, Handler]] = {}
    for method, path, handler in TABLE:
        handlers.setdefault(path, {})[method] = handler
    made = []
    for path, by_method in handlers.items():
        token = None if path in OPEN else parts.settings.control_token
        guard = Middleware(Guard, allowed=allowed, token=token)
        made.append(Route(path, partial(_answered, by_method, parts), methods=list(by_method), middleware=[guard]))
    return made


async def _answered(handlers: dict[str, Handler], parts: Parts, request: Request) -> Response:
    handler = handlers["GET" if request.method == "HEAD" else request.method]
    try:
        return await handler(parts, request)
    except ProblemError as error:
        told = error.problem
        return problem(told.status, told.code, told.message, told.hint)
    except EngageError as error:
        return refusal(error)
    except StoreUnavailable as error:
        return problem(503, "unavailable", str(error), "ask again in a moment; what was decided is safe")
    except asyncio.CancelledError:  # the server stops, and has waited for its clients as long as it may
        return problem(503, "stopping", "the bridge is stopping", "ask again once it runs; what was decided is safe")
    except ClientGoneError:
        return Response(status_code=400)  # nobody reads it
