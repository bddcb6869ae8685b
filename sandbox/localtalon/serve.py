"""ASGI apps on sockets of their own, in one event loop, from start-up to a clean end."""

import asyncio
import contextlib
import errno
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping, Sequence
from typing import Any

import uvicorn

ASGIApp = Callable[..., Any]


_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (named, not bound)


class PortTakenError(Exception):
    """The address cannot be bound; the message says which, and how to choose another."""


class StartError(Exception):
    """An app says that it cannot start; the message is its own."""


class Service:
    """One app on one bound socket. `name` is for messages; `grace` is how many seconds a stop waits for its clients.

    `protocol` is uvicorn's `http`: httptools, or a class on top of it. h11 is slower and laxer (measured: it accepts
    CL+TE and bare LF).
    """

    def __init__(
        self,
        name: str,
        app: ASGIApp,
        bound: socket.socket,
        protocol: type[asyncio.Protocol] | str = "httptools",
        grace: float = 10.0,
    ) -> None:
        self.name = name
        self.app = app
        self.socket = bound
        self.protocol = protocol
        self.grace = grace

    @property
    def url(self) -> str:
        """Where clients reach it."""
        host, port = self.socket.getsockname()[:2]
        host = _LOOPBACK.get(host, host)  # bound to every address, it is reached here by the loopback one
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def bind(host: str, port: int, name: str, option: str) -> socket.socket:
    """A listening socket; port 0 lets the system choose. `option` is what the user would change."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sets TCP_NODELAY; without it each answer waits some 40 ms (measured).
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except (OverflowError, TypeError, UnicodeError) as error:
        bound.close()
        raise PortTakenError(f"the {name} cannot listen on {host!r}, port {port}: {error}") from None
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            what = f"port {port} on {host}, meant for the {name}, is taken"
            raise PortTakenError(f"{what}; choose another with {option} PORT ({option} 0 takes any free one)") from None
        raise PortTakenError(f"the {name} cannot listen on {host}:{port}: {error.strerror}") from None
    bound.listen(2048)
    bound.setblocking(False)
    return bound


def uvicorn_config(service: Service) -> uvicorn.Config:
    """How uvicorn speaks HTTP for a service."""
    return uvicorn.Config(
        service.app,
        http=service.protocol,
        ws="none",
        lifespan="off",  # run by `lifespan` below, so that a failing start keeps its exception
        log_config=None,
        access_log=False,
        proxy_headers=False,  # who asks is of no interest here
        server_header=False,
        timeout_graceful_shutdown=service.grace,  # type: ignore[arg-type]  # a fraction does as well
    )


class _Server(uvicorn.Server):
    """uvicorn's server, telling when it accepts connections, and leaving signals to us."""

    def __init__(self, service: Service) -> None:
        super().__init__(uvicorn_config(service))
        self.accepting = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.accepting.set()


@contextlib.asynccontextmanager
async def lifespan(app: ASGIApp) -> AsyncIterator[None]:
    """Run an app's lifespan around a block; what its start-up raises is raised here as it was."""
    incoming: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
    answered: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
    running = asyncio.ensure_future(app(scope, incoming.get, answered.put))

    async def step(kind: str) -> None:
        await incoming.put({"type": kind})
        answer = asyncio.ensure_future(answered.get())
        await asyncio.wait({answer, running}, return_when=asyncio.FIRST_COMPLETED)
        if answer.done() and answer.result()["type"] == f"{kind}.complete":
            return
        await running  # raises what went wrong, as far as the app lets it out
        if answer.done():
            raise StartError(answer.result().get("message", f"{kind} failed"))
        answer.cancel()  # an app that just returns has no lifespan

    await step("lifespan.startup")
    try:
        yield
    finally:
        await step("lifespan.shutdown")
        await running


async def serve(services: Sequence[Service], stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Serve until `stop`; the last service is stopped first. `ready` is called once all accept connections."""
    async with contextlib.AsyncExitStack() as stack:
        for service in services:
            await stack.enter_async_context(lifespan(service.app))
            await stack.enter_async_context(_accepting(service))
        ready()
        await stop.wait()


@contextlib.asynccontextmanager
async def _accepting(service: Service) -> AsyncIterator[None]:
    server = _Server(service)
    running = asyncio.create_task(server.serve(sockets=[service.socket]), name=service.name)
    await server.accepting.wait()
    try:
        yield
    finally:
        server.should_exit = True
        await running


def run_until_signalled(services: Sequence[Service], ready: Callable[[], None]) -> None:
    """Serve in this thread until SIGINT or SIGTERM; a second signal ends the process at once."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()

        def on_signal(number: int) -> None:
            loop.remove_signal_handler(number)
            stop.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, on_signal, number)
        await serve(services, stop, ready)

    run(main())


def run(main: Any) -> None:
    """Run a coroutine on the fastest loop there is."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)
