"""The emulator as an ASGI application: its parts put together, its life from open to close."""

from functools import partial

from talon_emulator.calls import Server
from talon_emulator.clock import Clock, SystemClock
from talon_emulator.control.state import apply_seed
from talon_emulator.directory import Directory
from talon_emulator.door import Door, Handle, Receive, Scope, Send
from talon_emulator.exchange import Answer, Request
from talon_emulator.limits import chosen
from talon_emulator.metrics import Counters
from talon_emulator.operations import ALL
from talon_emulator.pipeline import catch_up, faulted, limited, max_body, recorded, resolve, run, survived
from talon_emulator.routing import Routes
from talon_emulator.seed import SeedError
from talon_emulator.settings import Settings
from talon_emulator.store import NameTaken, SharedStore, Store, StoreUnavailable, open_store


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
            error = await _serve_configured(self._server)
        except BaseException:
            await store.close()
            raise
        if isinstance(error, SeedError):
            await store.close()
            name = settings.deployment.name
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

    arrive = _behind_others(server, server.store, enter) if isinstance(server.store, SharedStore) else enter
    return Emulator(server, Door(arrive, partial(max_body, settings), settings.allowed_hosts))


def _behind_others(server: Server, store: SharedStore, enter: Handle) -> Handle:
    """Let a request in only when what other processes changed before it is known here."""

    async def arrive(request: Request) -> Answer:
        refused = await catch_up(server, store, request)
        if refused is not None:
            return refused
        if server.directory.named(server.settings.deployment.name) is None:
            # Another process, for which it is one of many, deleted it.
            await _serve_configured(server)
        return await enter(request)

    return arrive


async def _serve_configured(server: Server) -> SeedError | None:
    """Put the configured deployment into effect, making it when it is not there."""
    store, directory, wanted = server.store, server.directory, server.settings.deployment
    served = directory.named(wanted.name)
    if served is None:
        try:
            served = directory.put(await store.create_deployment(wanted.name))
        except NameTaken:
            await directory.load(store)
            served = directory.named(wanted.name)
            assert served is not None, "what was made meanwhile is gone already"
    return await apply_seed(store, directory, served, wanted)
