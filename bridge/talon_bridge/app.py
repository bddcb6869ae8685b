"""The bridge, composed: outbox, forwarder, doors and control in one ASGI app."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from talon_bridge.clock import SandboxClock
from talon_bridge.control.answers import problem
from talon_bridge.control.parts import Parts
from talon_bridge.control.routes import routes
from talon_bridge.delivery import TalonOne, warm_up
from talon_bridge.doors.engage import own_door
from talon_bridge.doors.front import App, Front
from talon_bridge.engage.computations import Computation
from talon_bridge.engage.engine import Engage
from talon_bridge.engage.misfit import Definitions
from talon_bridge.engage.store import open_store
from talon_bridge.forwarder import Forwarder
from talon_bridge.limiter import Limiter
from talon_bridge.outbox import open_outbox
from talon_bridge.outbox.protocol import Outbox, OutboxUnavailable, Retention
from talon_bridge.retention import keep_pruned
from talon_bridge.settings import Destination, Settings
from talon_bridge.tally import Tally


def create_app(
    settings: Settings,
    *,
    computations: Sequence[Computation] = (),
    outbox: Outbox | None = None,
    clock: Callable[[], float] = time.time,
) -> App:
    """The bridge as an ASGI app; its lifespan opens the outbox and delivers.

    `computations` are the audiences and computed traits of the config. `clock` gives Unix seconds.
    """
    box = outbox or open_outbox(settings.data, settings.lease, settings.request_timeout)

    def destination() -> Destination:
        return settings.destination

    tally = Tally()
    talon = TalonOne(settings.destination, settings.request_timeout)
    limiter = Limiter(settings.max_requests_per_second, time.monotonic)
    forwarder = Forwarder(box, talon, limiter, destination, settings, tally, clock)
    sandbox_clock = SandboxClock(clock)
    engage = Engage(
        open_store(settings.data), own_door(box, tally, clock), sandbox_clock, computations, _definitions(settings)
    )
    control = routes(Parts(box, forwarder, tally, settings, destination, clock, sandbox_clock, engage))

    reception = Starlette(
        routes=control,
        exception_handlers={HTTPException: _http_error, OutboxUnavailable: _unavailable},
        lifespan=_lifespan(settings, box, talon, forwarder, engage, clock),
    )
    reception.router.redirect_slashes = False  # a POST that is sent elsewhere loses its body in some clients
    return Front(box, tally, settings, destination, clock, reception)


def _lifespan(
    settings: Settings,
    box: Outbox,
    talon: TalonOne,
    forwarder: Forwarder,
    engage: Engage,
    clock: Callable[[], float],
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """What runs while the app does: each part from after what it needs until before that ends."""
    retention = Retention(settings.retention_age, settings.retention_size)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await box.open()
        try:
            await engage.start()
        except BaseException:
            await box.close()
            raise
        async with talon:
            await forwarder.start()
            warming = asyncio.create_task(warm_up(), name="warm up")
            pruning = asyncio.create_task(keep_pruned(box, retention, clock), name="retention")
            yield
            await warming
            pruning.cancel()
            await asyncio.gather(pruning, return_exceptions=True)
            await engage.stop()
            await forwarder.stop(settings.shutdown_grace - settings.clients_grace)
            await box.close()

    return lifespan


def _definitions(settings: Settings) -> Definitions | None:
    key = settings.management_key
    return None if key is None else Definitions(settings.destination.base_url, key, settings.request_timeout)


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
