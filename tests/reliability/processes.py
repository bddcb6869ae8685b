"""The product's own processes: bridges that are killed, paused and started again, and an emulator."""

import contextlib
import json
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from bridge_support import API_KEY, PATIENCE
from reliability.workload import NAMES, TYPES, UNDEFINED

_RUN = [sys.executable, "-c", "from localtalon.cli import main; main()"]
MANAGEMENT_KEY = "b2" * 32
QUICK: Mapping[str, Any] = {
    "max_requests_per_second": 0,
    "first_wait": 0.02,
    "probe_every": 0.1,
    "request_timeout": 1.0,
    "retry_window": 600,
}


class NotReady(Exception):
    """The process ended, or was not ready in time; the message is what it said."""


class Process:
    """A command of the product with a config of its own, which can be run again and again.

    `ready` is what its line said, `started` and `ready_at` are by the monotonic clock.
    """

    def __init__(self, place: Path, command: str, config: Mapping[str, Any]) -> None:
        """Write the config; start nothing yet."""
        place.mkdir(parents=True, exist_ok=True)
        self.command = command
        self.config = place / "localtalon.toml"
        self.errors = place / "stderr.txt"
        self.config.write_text(toml(config))
        self.url = ""
        self.started = self.ready_at = 0.0
        self.runs = 0
        self._process: subprocess.Popen[str] | None = None
        self._up = threading.Condition()

    @property
    def pid(self) -> int:
        """The number of the running process."""
        assert self._process is not None
        return self._process.pid

    def start(self, patience: float = 60.0) -> None:
        """Run it, and return once it is ready."""
        self.started = time.monotonic()
        command = [*_RUN, self.command, "--config", str(self.config), "--port", "0", "--json"]
        with self.errors.open("a") as errors:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        assert self._process.stdout is not None
        readable, _, _ = select.select([self._process.stdout], [], [], patience)
        line = self._process.stdout.readline() if readable else ""
        self.ready_at = time.monotonic()
        if not line:
            self.kill()
            raise NotReady(self.errors.read_text())
        with self._up:
            self.url = json.loads(line)[self.command]
            self.runs += 1
            self._up.notify_all()

    def where(self, patience: float = 60.0) -> str:
        """Its URL, waiting until it has one."""
        with self._up:
            assert self._up.wait_for(lambda: self.url, patience), self.errors.read_text()
            return self.url

    def signal(self, number: int) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it as nothing can prevent."""
        self.signal(signal.SIGKILL)
        self.wait()

    def wait(self, patience: float = PATIENCE) -> int:
        """Its exit code, once it has ended."""
        assert self._process is not None
        self.url = ""
        code = self._process.wait(patience)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return code

    def stop(self) -> int:
        """End it cleanly; gives the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def end(self) -> None:
        """Make sure that it does not run."""
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.signal(signal.SIGCONT)
                self.kill()

    def peak_memory(self) -> int:
        """The most memory that it ever had, in bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))

    def said(self) -> str:
        """What it wrote to standard error, in all its runs."""
        return self.errors.read_text()


class BridgeProcess(Process):
    """A bridge, and what its users ask of it."""

    def get(self, path: str, timeout: float = PATIENCE + 10) -> Any:
        """Ask its control API."""
        return httpx.get(self.where() + path, timeout=timeout, trust_env=False).json()

    def post(self, path: str, body: Any) -> httpx.Response:
        """Tell its control API."""
        return httpx.post(self.where() + path, json=body, timeout=PATIENCE, trust_env=False)

    def idle(self, patience: float = 60.0) -> bool:
        """Whether everything accepted gets settled in time; it is asked again while its outbox is away."""
        url, give_up = f"{self.where()}/_bridge/idle?timeout={patience}", time.monotonic() + patience
        while True:
            status = httpx.get(url, timeout=patience + 10, trust_env=False).status_code
            if status != 503 or time.monotonic() > give_up:
                return status == 200

    def is_idle(self) -> bool:
        """Whether nothing is left to do just now; not so while it is down."""
        try:
            return self.idle(0)
        except (httpx.TransportError, httpx.InvalidURL):
            return False

    def counts(self) -> dict[str, int]:
        """How many events are in which state."""
        counts: dict[str, int] = self.get("/_bridge/ready")["counts"]
        return counts

    def event(self, message_id: str) -> dict[str, Any]:
        """One event, explained."""
        told: dict[str, Any] = self.get(f"/_bridge/events/{message_id}")
        return told

    def dead(self) -> dict[str, dict[str, Any]]:
        """The dead letters by messageId."""
        found: dict[str, dict[str, Any]] = {}
        query = "/_bridge/dead-letters?limit=1000"
        after = ""
        while True:
            page = self.get(query + after)
            found.update((letter["messageId"], letter) for letter in page["deadLetters"])
            if page["next"] is None:
                return found
            after = f"&after={page['next']}"

    def replay(self, force: bool = False, **which: Any) -> int:
        """Let the dead letters that fit wait again, all without a filter; says how many."""
        whole: dict[str, Any] = {} if which else {"all": True}
        asked: dict[str, Any] = {"force": force, "filter": which, **whole}
        replayed, left = 0, 1
        while left:
            told = self.post("/_bridge/dead-letters/replay", asked).json()
            replayed, left = replayed + told["replayed"], told["left"]
            asked = {"force": force, "filter": {**which, "settledUntil": told["settledUntil"]}, **whole}
        return replayed


def bridge(place: Path, target: str, data: str | None, **changed: Any) -> BridgeProcess:
    """A bridge that is not running yet. `changed` are keys of `[bridge]`; those in `destination` are that section's."""
    destination = {
        "api_key": API_KEY,
        "application_domain": target,
        "custom_attributes": [*NAMES, UNDEFINED],
        **changed.pop("destination", {}),
    }
    settings = {**QUICK, **({} if data is None else {"data": data}), **changed}
    if (data or "").startswith("postgres"):
        settings = {"lease": 2.5 * settings["request_timeout"], **settings}
    return BridgeProcess(place, "bridge", {"bridge": settings, "destination": destination})


@contextmanager
def running(process: BridgeProcess) -> Iterator[BridgeProcess]:
    """The bridge, started; whatever became of it, nothing of it runs after the block."""
    try:
        process.start()
        yield process
    finally:
        process.end()


class EmulatorProcess(Process):
    """An emulator, and what the tests ask of it."""

    def fault(self, **fault: Any) -> None:
        """Make a fault."""
        answer = httpx.post(f"{self.url}/_emulator/faults", json=fault, trust_env=False)
        assert answer.status_code in (200, 201), answer.text

    def well(self) -> None:
        """End all faults."""
        httpx.delete(f"{self.url}/_emulator/faults", trust_env=False).raise_for_status()

    def define(self, name: str, kind: str) -> None:
        """Define an attribute of customer profiles."""
        body: dict[str, Any] = {"entity": "CustomerProfile", "name": name, "title": name, "type": kind}
        body |= {"description": name, "suggestions": [], "editable": True}
        headers = {"Authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}"}
        answer = httpx.post(f"{self.url}/v1/attributes", json=body, headers=headers, trust_env=False)
        assert answer.status_code == 201, answer.text

    def profiles(self) -> dict[str, dict[str, Any]]:
        """The attributes of all profiles."""
        export = httpx.get(f"{self.url}/_emulator/export", timeout=PATIENCE, trust_env=False).json()
        return {each["integration_id"]: each["attributes"] for each in export["profiles"]}


@contextmanager
def emulator(place: Path, **changed: Any) -> Iterator[EmulatorProcess]:
    """An emulator without limits in which the attributes of the workload are defined; `changed` is of `[emulator]`."""
    application = {"id": 1, "name": "Shop", "api_keys": [{"title": "bridge", "key": API_KEY}]}
    deployment = {
        "name": "shop",
        "applications": [application],
        "management_keys": [{"name": "ci", "key": MANAGEMENT_KEY}],
        "attributes": [{"name": name, "type": kind} for name, kind in TYPES.items()],
    }
    process = EmulatorProcess(place, "emulator", {"emulator": {"limits": "off", **changed}, "deployment": deployment})
    try:
        process.start()
        yield process
    finally:
        process.end()


def toml(document: Mapping[str, Any]) -> str:
    """A document as TOML: sections of plain values, tables inline."""
    lines: list[str] = []
    for section, members in document.items():
        lines += [f"[{section}]", *(f"{name} = {_inline(value)}" for name, value in members.items())]
    return "\n".join([*lines, ""])


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_inline(member)}" for name, member in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return json.dumps(value)
