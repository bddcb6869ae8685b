"""The bridge, composed: outbox, forwarder, ingress and control in one ASGI app."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount

from talon_bridge.control import Control, problem
from talon_bridge.delivery import TalonOne, warm_up
from talon_bridge.forwarder import Forwarder
from talon_bridge.hosts import ASGIApp, HostGuard
from talon_bridge.ingress import Ingress
from talon_bridge.limiter import Limiter
from talon_bridge.outbox import open_outbox
from talon_bridge.outbox.protocol import Outbox, OutboxUnavailable
from talon_bridge.outcome import Policy
from talon_bridge.settings import Destination, Settings


def create_app(
    settings: Settings, *, outbox: Outbox | None = None, clock: Callable[[], float] = time.time
) -> Starlette:
    """The bridge as an ASGI app; its lifespan opens the outbox and delivers. `clock` gives Unix seconds."""
    box = outbox or open_outbox(settings.data)

    def destination() -> Destination:
        return settings.destination

    talon = TalonOne(settings.destination, settings.request_timeout)
    limiter = Limiter(settings.max_requests_per_second, time.monotonic)
    policy = Policy(settings.retry_window, settings.request_timeout, settings.first_wait, settings.probe_every)
    forwarder = Forwarder(box, talon, limiter, destination, policy, clock)
    ingress = Ingress(box, forwarder.accept, settings.write_keys, clock)
    control = Control(box, forwarder, limiter, destination)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await box.open()
        async with talon:
            await forwarder.start(settings.max_concurrent_requests)
            warming = asyncio.create_task(warm_up(), name="warm up")
            yield
            await warming
            await forwarder.stop(settings.shutdown_grace)
            await box.close()

    def guarded(app: ASGIApp) -> HostGuard:
        return HostGuard(app, (settings.host, *settings.allowed_hosts), _wrong_host)

    app = Starlette(
        routes=[Mount("/v1", app=ingress), *control.routes([Middleware(guarded)])],
        exception_handlers={HTTPException: _http_error, OutboxUnavailable: _unavailable},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # a POST that is sent elsewhere loses its body in some clients
    return app


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    hint = "events go to /v1/, questions to /_bridge/"
    answer = problem(
        error.status_code, error.detail.lower().replace(" ", "_"), f"{request.url.path}: {error.detail}", hint
    )
    answer.headers.update(error.headers or {})  # a 405 says what is allowed
    return answer


async def _unavailable(request: Request, error: Exception) -> Response:
    return problem(503, "unavailable", str(error), "ask again in a moment; what was accepted is safe")


def _wrong_host(host: str) -> Response:
    hint = "ask under an address or localhost, or add the name to bridge.allowed_hosts"
    return problem(421, "wrong_host", f"this bridge does not answer to the name {host!r}", hint)
