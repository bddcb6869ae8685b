"""The bridge, composed: outbox, forwarder, doors and control in one ASGI app."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from talon_bridge.control.answers import problem
from talon_bridge.control.parts import Parts
from talon_bridge.control.routes import routes
from talon_bridge.delivery import TalonOne, warm_up
from talon_bridge.doors.front import App, Front
from talon_bridge.forwarder import Forwarder
from talon_bridge.limiter import Limiter
from talon_bridge.outbox import open_outbox
from talon_bridge.outbox.protocol import Outbox, OutboxUnavailable, Retention
from talon_bridge.retention import keep_pruned
from talon_bridge.settings import Destination, Settings
from talon_bridge.tally import Tally


def create_app(settings: Settings, *, outbox: Outbox | None = None, clock: Callable[[], float] = time.time) -> App:
    """The bridge as an ASGI app; its lifespan opens the outbox and delivers. `clock` gives Unix seconds."""
    box = outbox or open_outbox(settings.data, settings.lease, settings.request_timeout)

    def destination() -> Destination:
        return settings.destination

    tally = Tally()
    talon = TalonOne(settings.destination, settings.request_timeout)
    limiter = Limiter(settings.max_requests_per_second, time.monotonic)
    forwarder = Forwarder(box, talon, limiter, destination, settings, tally, clock)
    retention = Retention(settings.retention_age, settings.retention_size)
    control = routes(Parts(box, forwarder, tally, settings, destination, clock))

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await box.open()
        async with talon:
            await forwarder.start()
            warming = asyncio.create_task(warm_up(), name="warm up")
            pruning = asyncio.create_task(keep_pruned(box, retention, clock), name="retention")
            yield
            await warming
            pruning.cancel()
            await asyncio.gather(pruning, return_exceptions=True)
            await forwarder.stop(settings.shutdown_grace - settings.clients_grace)
            await box.close()

    reception = Starlette(
        routes=control,
        exception_handlers={HTTPException: _http_error, OutboxUnavailable: _unavailable},
        lifespan=lifespan,
    )
    reception.router.redirect_slashes = False  # a POST that is sent elsewhere loses its body in some clients
    return Front(box, tally, settings, destination, clock, reception)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    hint = "events go to /v1/, /destination or /webhook, questions to /_bridge/"
    answer = problem(
        error.status_code, error.detail.lower().replace(" ", "_"), f"{request.url.path}: {error.detail}", hint
    )
    answer.headers.update(error.headers or {})  # a 405 says what is allowed
    return answer


async def _unavailable(request: Request, error: Exception) -> Response:
    return problem(503, "unavailable", str(error), "ask again in a moment; what was accepted is safe")
