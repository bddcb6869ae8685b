"""Engage: an audience of a million from a CSV file, as a user runs it, and the difference of one in a hundred."""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.measurement import Measurement
from benchmarks.throughput import API_KEY

MEMBERS = int(os.environ.get("LOCALTALON_BENCH_MEMBERS", "1000000"))
AUDIENCE = "order_completed_last_30days"  # an attribute of the demo deployment
LIMIT = 60  # requests a second of the Segment endpoints
LOCALTALON = [sys.executable, "-m", "localtalon"]
LOOK_EVERY = 0.02  # seconds between looks at the memory of a command


class Server(NamedTuple):
    """A running server of the product."""

    url: str
    pid: int

    def get(self, path: str) -> bytes:
        """Ask it."""
        with urllib.request.urlopen(self.url + path, timeout=3600) as answer:
            return bytes(answer.read())

    def counted(self, metric: str, label: str = "") -> float:
        """The sum of a metric over the series that have a text among their labels."""
        lines = self.get("/metrics").decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(metric) and label in line)


class Run(NamedTuple):
    """One sync: what it took, from the start of the command until everything was delivered."""

    seconds: float
    peak: float
    requests: float
    sync: dict[str, Any]
    began: float

    @property
    def detail(self) -> str:
        """The phases, and the requests beside those of one identify at a time."""
        counts, began, ended = self.sync["counts"], self.began, self.began + self.seconds
        begun, decided, sent = (_moment(self.sync[name]) for name in ("begunAt", "decidedAt", "endedAt"))
        phases = f"started {begun - began:.1f}, read {decided - begun:.1f}, sent {sent - decided:.1f}"
        changes = counts["entered"] + counts["left"]
        one_by_one = f"one by one {changes:,}, {_duration(changes / LIMIT)}"
        delivered = f"delivered {ended - sent:.1f}"
        return f"{phases}, {delivered} s; {changes:,} identifies in {self.requests:,.0f} requests ({one_by_one})"


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _duration(seconds: float) -> str:
    minutes = seconds / 60
    return f"{minutes // 60:.0f} h {minutes % 60:.0f} min" if minutes >= 60 else f"{minutes:.1f} min"


def members(count: int, seed: int = 0) -> tuple[list[str], list[str], list[str], list[str]]:
    """Shuffled members; the same when one in two hundred has left and as many have come; who left; who came."""
    chance = random.Random(seed)
    first = [f"user-{number:08}" for number in range(count)]
    chance.shuffle(first)
    few = count // 200
    left, came = first[:few], [f"user-{number:08}" for number in range(count, count + few)]
    second = first[few:] + came
    chance.shuffle(second)
    return first, second, left, came


def _write(path: Path, users: Sequence[str]) -> Path:
    path.write_text("\n".join(["user_id", *users, ""]))
    return path


def _peak(pid: int) -> float:
    """The most memory that a process ever had, in megabytes; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


@contextmanager
def _server(part: str, folder: Path, **environment: str) -> Iterator[Server]:
    command = [*LOCALTALON, part, "--data", str(folder / part), "--port", "0", "--json"]
    surroundings = {**os.environ, **environment}
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=folder, env=surroundings) as started:
        try:
            assert started.stdout is not None
            yield Server(json.loads(started.stdout.readline())[part], started.pid)
        finally:
            started.terminate()


def _command(folder: Path, bridge: Server, *words: str) -> tuple[float, float]:
    """Run a command of Engage to its end; the seconds that it took, and its peak memory in megabytes."""
    began, peak = time.perf_counter(), 0.0
    command = [*LOCALTALON, "engage", *words, "--bridge", bridge.url]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as running:
        while running.poll() is None:
            peak = max(peak, _peak(running.pid))
            time.sleep(LOOK_EVERY)
        assert running.stderr is not None
        told = running.stderr.read().decode()
    if running.returncode:
        raise RuntimeError(f"localtalon engage {' '.join(words)}: exit code {running.returncode}\n{told}")
    return time.perf_counter() - began, peak


def _sync(folder: Path, emulator: Server, bridge: Server, users: Path) -> Run:
    before, began = _updates(emulator), time.time()
    seconds, peak = _command(folder, bridge, "sync", AUDIENCE, str(users))
    newest = json.loads(bridge.get(f"/_bridge/engage/audiences/{AUDIENCE}/syncs?limit=1"))["syncs"][0]
    return Run(seconds, peak, _updates(emulator) - before, newest, began)


def _updates(emulator: Server) -> float:
    return emulator.counted("talon_emulator_requests_total", 'operation="updateCustomerProfile')


def _value(emulator: Server, user: str) -> Any:
    """What Talon.One holds of a user, None without a profile."""
    path = f"/v1/customer_profiles/{user}/inventory?profile=true"
    asked = urllib.request.Request(emulator.url + path, headers={"Authorization": f"ApiKey-v1 {API_KEY}"})
    with urllib.request.urlopen(asked) as answer:
        return json.load(answer)["profile"]["attributes"][AUDIENCE]


def _arrived(emulator: Server, profiles: int, users: Sequence[str], value: bool) -> None:
    """Raise unless so many profiles are there, and a sample of these users has the value."""
    found = emulator.counted("talon_emulator_profiles")
    wrong = [user for user in users[:: max(1, len(users) // 50)] if _value(emulator, user) is not value]
    if found != profiles or wrong:
        raise RuntimeError(f"{found:,.0f} of {profiles:,} profiles are there; not {value}: {wrong[:5]}")


def measure(count: int = MEMBERS) -> Iterator[Measurement]:
    """Both syncs; our own commands, at the limits of Talon.One and of the destination."""
    first, second, left, came = members(count)
    with ExitStack() as open_ones:
        folder = Path(open_ones.enter_context(tempfile.TemporaryDirectory()))
        lists = [_write(folder / "first.csv", first), _write(folder / "second.csv", second)]
        emulator = open_ones.enter_context(_server("emulator", folder))
        to_it = {"LOCALTALON_DESTINATION_APPLICATION_DOMAIN": emulator.url, "LOCALTALON_DESTINATION_API_KEY": API_KEY}
        bridge = open_ones.enter_context(_server("bridge", folder, **to_it))
        _command(folder, bridge, "define", "Order Completed Last 30days")
        runs = []
        for name, users, goal in (("first sync", lists[0], 180), ("1 % of it changed", lists[1], 5)):
            runs.append(run := _sync(folder, emulator, bridge, users))
            yield Measurement(f"engage: {count:,} members, {name}, s", f"<= {goal}", run.seconds, run.detail)
            _arrived(emulator, count + (len(came) if len(runs) == 2 else 0), second, True)
        _arrived(emulator, count + len(came), left, False)
        requests = runs[0].requests
        yield Measurement("engage: requests for it", f"<= {count * 0.0011:g}", requests, f"at {LIMIT} a second")
        both = "both syncs, the most that it had"
        yield Measurement("engage: memory of the bridge, MB", "<= 400", _peak(bridge.pid), both)
        yield Measurement("engage: memory of the command, MB", "<= 400", max(run.peak for run in runs), both)
