"""A service that comes and goes in a loop which runs on: up and down in a few milliseconds."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from uvicorn.server import ServerState

from localtalon.serve import Service, lifespan, uvicorn_config


class Hosted:
    """A service, while it runs. Its methods are called in the loop that it runs in."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._stack = contextlib.AsyncExitStack()

    async def open(self) -> None:
        """Start the app, and accept connections."""
        try:
            await self._stack.enter_async_context(lifespan(self._service.app))
            await self._stack.enter_async_context(_listening(self._service))
        except BaseException:
            self._service.socket.close()
            await self._stack.aclose()
            raise

    async def close(self) -> None:
        """Cut off whoever is connected, and end the app."""
        await self._stack.aclose()


@contextlib.asynccontextmanager
async def _listening(service: Service) -> AsyncIterator[None]:
    """Accept connections as uvicorn does, without its server: that one takes a tenth of a second to stop."""
    config, state, loop = uvicorn_config(service), ServerState(), asyncio.get_running_loop()
    config.load()

    def connection() -> asyncio.Protocol:
        made: asyncio.Protocol = config.http_protocol_class(  # type: ignore[call-arg]
            config=config, server_state=state, app_state={}, _loop=loop
        )
        return made

    server = await loop.create_server(connection, sock=service.socket)
    try:
        yield
    finally:
        server.close()
        for each in list(state.connections):
            each.shutdown()
        tasks = list(state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for each in list(state.connections):
            each.transport.abort()
