"""The emulator as an ASGI application: its parts put together, its life from open to close."""

from talon_emulator.calls import Server
from talon_emulator.clock import Clock, SystemClock
from talon_emulator.control.state import apply_seed
from talon_emulator.directory import Directory
from talon_emulator.door import Door, Receive, Scope, Send
from talon_emulator.exchange import Answer, Request
from talon_emulator.limits import chosen
from talon_emulator.metrics import Counters
from talon_emulator.operations import ALL
from talon_emulator.pipeline import faulted, limited, recorded, resolve, run, survived
from talon_emulator.routing import Routes
from talon_emulator.seed import SeedError
from talon_emulator.settings import Settings
from talon_emulator.store import Store, StoreUnavailable, open_store


class Emulator:
    """An ASGI 3 application. A server opens and closes it by the lifespan protocol; others call `open` and `close`."""

    def __init__(self, server: Server, door: Door) -> None:
        """Put a server behind a door."""
        self._server = server
        self._door = door
        self._opened = False

    async def open(self) -> None:
        """Open the store and put the configured deployment into effect; opening an open one does nothing.

        Raises StoreUnavailable when the store cannot be opened or what it holds contradicts the configured deployment.
        """
        if self._opened:
            return
        store, directory, settings = self._server.store, self._server.directory, self._server.settings
        await store.open()
        try:
            await directory.load(store)
            name = settings.deployment.name
            served = directory.named(name) or directory.put(await store.create_deployment(name))
            error = await apply_seed(store, directory, served, settings.deployment)
        except BaseException:
            await store.close()
            raise
        if isinstance(error, SeedError):
            await store.close()
            raise StoreUnavailable(f"the deployment {name!r} cannot be set up as configured: {error}")
        self._opened = True

    async def close(self) -> None:
        """Close the store."""
        self._opened = False
        await self._server.store.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "http":
            await self._door(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            raise NotImplementedError(f"no {scope['type']} here")

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self.open()
        except StoreUnavailable as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})


def create_app(settings: Settings, *, store: Store | None = None, clock: Clock | None = None) -> Emulator:
    """Build the application.

    Without a `store` the one that `settings.data` names is used; raises StoreUnavailable when it names none we have.
    """
    directory = Directory(clock or SystemClock(), settings.journal_size, chosen(settings.limits))
    server = Server(settings, store or open_store(settings.data), directory, Counters())
    routes = Routes(ALL)
    # A request passes these in this order.
    handle = recorded(limited(faulted(survived(run))))

    async def enter(request: Request) -> Answer:
        return await handle(resolve(server, routes, request))

    return Emulator(server, Door(enter, settings.max_body_bytes, settings.allowed_hosts))
