"""Our own emulator and bridge as processes of their own, for verification: real sockets, real ends and restarts."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

# Nothing is slowed down: limits are for the checks that speak of them, and retries come at once.
_EMULATOR: Final = {"LIMITS": "off", "JOURNAL_SIZE": "100", "HOST": "127.0.0.1"}
_BRIDGE: Final = {
    "MAX_REQUESTS_PER_SECOND": "0",
    "FIRST_WAIT": "0.02",
    "REQUEST_TIMEOUT": "0.3",
    "HOST": "127.0.0.1",
}
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class NotStartedError(Exception):
    """A process ended before it was ready; the message is what it said."""


class Process:
    """One `localtalon` command that serves; `told` is the line of JSON that it printed when it was ready."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str], log: Path) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        try:
            with log.open("ab") as errors, _undisturbed():
                self._process = subprocess.Popen(  # noqa: S603 (ourselves)
                    [sys.executable, "-m", "localtalon", *arguments, "--json"],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    env={**os.environ, **environment},
                    start_new_session=True,  # Ctrl-C is for the one who verifies, who then ends this
                )
            assert self._process.stdout is not None
            line = self._process.stdout.readline()
        except BaseException:  # a signal, while nobody else knows of the process
            self.end(signal.SIGKILL)
            raise
        if not line:
            self.end()
            said = log.read_text("utf-8", "replace").strip()
            raise NotStartedError(said or f"localtalon {arguments[0]} ended without a word")
        self.told: dict[str, Any] = json.loads(line)

    def end(self, number: int = signal.SIGTERM) -> None:
        """End it, and wait until it has."""
        if self._process is None:
            return
        self._process.send_signal(number)
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Let signals wait until the end of the block: one amid the making of a process would leave it to nobody."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    struck: list[int] = []
    before = {each: signal.signal(each, lambda number, _: struck.append(number)) for each in _SIGNALS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    if struck:
        raise KeyboardInterrupt


class OwnPair:
    """An emulator and a bridge to it, with the settings of a config file, in a folder that goes with them.

    With `talon_one` there is no emulator, and the bridge delivers there. Use as a context; raises `NotStartedError`.
    """

    def __init__(self, config: Path | None, api_key: str, talon_one: str | None = None) -> None:
        self._config = [] if config is None else ["--config", str(config)]
        self._api_key = api_key
        self._talon_one = talon_one
        self._emulator: Process | None = None
        self._bridge: Process | None = None

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="localtalon-")
        try:
            if self._talon_one is None:
                self._emulator = self._start("emulator", "0", _named("EMULATOR", _EMULATOR))
            self._bridge = self._start_bridge("0")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in (self._bridge, self._emulator):
            if process is not None:
                process.end(signal.SIGKILL)  # nothing of it is wanted any more
        self._folder.cleanup()

    @property
    def talon_one_url(self) -> str:
        """The emulator, or what was given in its place."""
        if self._emulator is None:
            assert self._talon_one is not None
            return self._talon_one
        return str(self._emulator.told["emulator"])

    @property
    def bridge_url(self) -> str:
        """The bridge; a restart does not change it."""
        assert self._bridge is not None
        return str(self._bridge.told["bridge"])

    def restart(self) -> None:
        """Kill the bridge, and start it again on its port, with what it has on its disk."""
        port = self.bridge_url.rpartition(":")[2]
        assert self._bridge is not None
        self._bridge.end(signal.SIGKILL)
        self._bridge = None
        self._bridge = self._start_bridge(port)

    def _start_bridge(self, port: str) -> Process:
        destination = {"APPLICATION_DOMAIN": self.talon_one_url, "API_KEY": self._api_key}
        return self._start("bridge", port, _named("BRIDGE", _BRIDGE) | _named("DESTINATION", destination))

    def _start(self, part: str, port: str, environment: Mapping[str, str]) -> Process:
        folder = Path(self._folder.name)
        arguments = [part, *self._config, "--port", port, "--data", str(folder / part)]
        return Process(arguments, environment, folder / f"{part}.log")


def _named(section: str, settings: Mapping[str, str]) -> dict[str, str]:
    return {f"LOCALTALON_{section}_{name}": value for name, value in settings.items()}
