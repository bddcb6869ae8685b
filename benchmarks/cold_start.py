"""From starting a process to its first answer, as a multiple of a bare Starlette app's."""

import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

from benchmarks.throughput import Ratio

ROUNDS = 11
PATHS = {
    "starlette": ("/_emulator/health",),
    "emulator": ("/_emulator/health",),
    "pair": ("/_emulator/health", "/_bridge/health"),
}


def _once(name: str) -> float:
    """Seconds until every part has answered 200."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.servers", name]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            ports = process.stdout.readline().split()
            for port, path in zip(ports, PATHS[name], strict=True):
                with urllib.request.urlopen(f"http://127.0.0.1:{int(port)}{path}") as answer:
                    answer.read()
            return time.perf_counter() - began
        finally:
            process.kill()


def measure() -> Iterator[Ratio]:
    """Emulator and pair, the three taken in turn."""
    rounds = [{name: _once(name) for name in PATHS} for _ in range(ROUNDS)]
    bare = statistics.median(each["starlette"] for each in rounds)
    for name, goal in (("emulator", "<= 1.5"), ("pair", "<= 2.5")):
        own = statistics.median(each[name] for each in rounds)
        ratio = statistics.median(each[name] / each["starlette"] for each in rounds)
        yield Ratio(f"cold start: {name}", goal, ratio, f"{own * 1e3:.0f} ms of {bare * 1e3:.0f} ms")
