"""A server on a free port whose connections end with it."""

import asyncio
from collections.abc import Awaitable, Callable

Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def serve_streams(
    connected: Connected, listening: Callable[[int], None], stop: asyncio.Event, limit: int = 1 << 16
) -> None:
    """Serve until `stop`, then cut what is still connected; `listening` is told the port."""
    running: set[asyncio.Task[None]] = set()

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            await connected(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            running.discard(task)

    server = await asyncio.start_server(connection, "127.0.0.1", 0, limit=limit)
    listening(server.sockets[0].getsockname()[1])
    await stop.wait()
    server.close()
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
