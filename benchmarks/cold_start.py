"""From starting a process to its first answer, as a multiple of a bare Starlette app's."""

import json
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

from benchmarks.measurement import Measurement

ROUNDS = 11
LOCALTALON = [sys.executable, "-c", "from localtalon.cli import main; main()"]
COMMANDS = {
    "starlette": [sys.executable, "-m", "benchmarks.servers", "starlette"],
    "emulator": [*LOCALTALON, "emulator", "--port", "0", "--json"],
    "pair": [*LOCALTALON, "up", "--port", "0", "--json"],
}
PATHS = {"emulator": "/_emulator/health", "bridge": "/_bridge/health"}


def _once(name: str) -> float:
    """Seconds from starting the command until every part of it has answered 200."""
    began = time.perf_counter()
    with subprocess.Popen(COMMANDS[name], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            told = process.stdout.readline()
            for url in _urls(told):
                with urllib.request.urlopen(url) as answer:
                    answer.read()
            return time.perf_counter() - began
        finally:
            process.kill()


def _urls(told: bytes) -> list[str]:
    """The health pages of what a process says that it serves."""
    if not told.startswith(b"{"):
        return [f"http://127.0.0.1:{int(told)}/_emulator/health"]
    services = json.loads(told)
    return [services[part] + path for part, path in PATHS.items() if part in services]


def measure() -> Iterator[Measurement]:
    """Emulator and pair, the three taken in turn."""
    rounds = [{name: _once(name) for name in COMMANDS} for _ in range(ROUNDS)]
    bare = statistics.median(each["starlette"] for each in rounds)
    for name, goal in (("emulator", "<= 1.5"), ("pair", "<= 2.5")):
        own = statistics.median(each[name] for each in rounds)
        ratio = statistics.median(each[name] / each["starlette"] for each in rounds)
        yield Measurement(f"cold start: {name}", goal, ratio, f"{own * 1e3:.0f} ms of {bare * 1e3:.0f} ms")
