"""Stores by what names them, and emulators that are processes of their own."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import httpx

from emulator_support import Emulator
from talon_emulator.store import Store, open_store

T = TypeVar("T")

_SERVE = """
import sys, uvicorn
from emulator_support import SEED
from talon_emulator.app import create_app
from talon_emulator.settings import Settings

class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print(self.servers[0].sockets[0].getsockname()[1], flush=True)

app = create_app(Settings(deployment=SEED, data=sys.argv[1]))
Server(uvicorn.Config(app, port=0, log_config=None, ws="none", lifespan="on")).run()
"""


class Process(Emulator):
    """An emulator that is a process of its own."""

    def __init__(self, port: int, client: httpx.Client, process: subprocess.Popen[str]) -> None:
        """Talk to `process`, which listens at `port`."""
        super().__init__(f"http://127.0.0.1:{port}", client)
        self._process = process

    def kill(self) -> None:
        """End it as nothing can prevent."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


@contextmanager
def process(data: str) -> Iterator[Process]:
    """Serve SEED from a process of its own, on the store that `data` names, until the block ends."""
    command = [sys.executable, "-c", _SERVE, data]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as started:
        assert started.stdout is not None
        try:
            port = int(started.stdout.readline())
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
                yield Process(port, client, started)
        finally:
            started.terminate()


@contextmanager
def processes(data: str, number: int = 2) -> Iterator[list[Process]]:
    """Serve SEED from several processes on one store."""
    with ExitStack() as stack:
        yield [stack.enter_context(process(data)) for _ in range(number)]


def using(data: str | None, work: Callable[[Store], Awaitable[T]]) -> T:
    """Do some work with an open store."""

    async def run() -> T:
        store = open_store(data)
        await store.open()
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())
