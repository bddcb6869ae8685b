"""Our bridge is killed while it reads, decides and sends, before a Talon.One that fails: the differences stay exact."""

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from bridge_support import PATIENCE
from engage.kills import Run, groups
from postgres_support import PostgresServer
from reliability.processes import BridgeProcess, EmulatorProcess, bridge, emulator, running
from reliability.workload import FLAG


class Scale(NamedTuple):
    """How much."""

    rounds: int
    users: int
    kills: int


CHAOS = bool(os.environ.get("LOCALTALON_CHAOS"))
SCALE = Scale(100, 3000, 100) if CHAOS else Scale(7, 1200, 5)
TAKEN_OVER = Scale(30, 3000, 30) if CHAOS else Scale(4, 600, 2)  # who takes over waits for leases
SEED = 20240502
KINDS = [kind for kind in os.environ.get("LOCALTALON_STORES", "file postgresql").split() if kind != "memory"]


@pytest.fixture(params=KINDS)
def data(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """What names an empty outbox of each kind that outlives its process."""
    if request.param == "file":
        return str(tmp_path / "data")
    name: str = request.getfixturevalue("postgres").database()
    return name


class Mortal:
    """Our own bridge as a process, killed at a part of a request, some time after its last, or once changes wait."""

    def __init__(self, process: BridgeProcess) -> None:
        self._process = process
        self._parts = 0
        self._later = 0.0
        self._usual = 0.1  # seconds from the last part of a request to its answer
        self._last_at = 0.0
        self._watched = False
        self._later_kill: threading.Thread | None = None
        self._safe = threading.Event()
        self.amid_sending = 0
        self._killed = threading.Event()

    @property
    def url(self) -> str:
        """Where it is."""
        return self._process.where()

    def endanger(self, dice: random.Random, chunks: int) -> None:
        """Choose the moment: while it reads, or a little later, while it decides or sends."""
        self._killed.clear()
        self._safe.clear()
        self._parts = dice.randint(1, chunks) if dice.random() < 0.3 else 0
        self._watched = dice.random() < 0.5
        self._later = 0.0 if self._parts else (0.1 if self._watched else 1.2) * self._usual * dice.random()

    def happened(self, last: bool) -> None:
        """A part was sent."""
        self._parts -= 1
        self._last_at = time.monotonic()
        if self._parts == 0:
            self._kill()
        elif last and self._later:
            self._later_kill = threading.Thread(target=self._kill_later, args=(self._later, self._watched))
            self._later_kill.start()

    def revive(self) -> bool:
        """No kill comes any more; if one came, start the bridge again."""
        self._safe.set()
        if self._later_kill is not None:
            self._later_kill.join()
        self._later_kill, self._parts, self._later = None, 0, 0.0
        if not self._killed.is_set():
            self._usual = time.monotonic() - self._last_at
            return False
        self._killed.clear()
        self._process.wait()
        self._start()
        return True

    def _start(self) -> None:
        self._process.start()

    def _kill_later(self, seconds: float, watched: bool) -> None:
        """Kill it after so long, or so long after changes are seen to wait; not once it is safe."""
        while watched and not self._queued():
            if self._safe.is_set():
                return
        if not self._safe.wait(seconds):
            self.amid_sending += watched
            self._kill()

    def _queued(self) -> int:
        told = httpx.get(f"{self.url}/_bridge/status", timeout=PATIENCE, trust_env=False).json()
        return int(told["engage"]["queued"])

    def _kill(self) -> None:
        os.kill(self._process.pid, signal.SIGKILL)
        self._killed.set()


class Relieved(Mortal):
    """A bridge that is killed and not started at once: another one on the same database takes over."""

    def __init__(self, process: BridgeProcess, other: BridgeProcess) -> None:
        super().__init__(process)
        self._other = other

    def endanger(self, dice: random.Random, chunks: int) -> None:
        """Start the one that was killed last, if one was; then as ever."""
        if not self._other.url:
            self._other.start()
        super().endanger(dice, chunks)

    def _start(self) -> None:
        self._process, self._other = self._other, self._process


def fail(talon: EmulatorProcess, seed: int) -> None:
    """Make the Talon.One fail now and then."""
    talon.fault(kind="error", status=503, probability=0.05, seed=seed)
    talon.fault(kind="reset", moment="before", probability=0.03, seed=seed + 1)
    talon.fault(kind="reset", moment="after", probability=0.03, seed=seed + 2)
    talon.fault(kind="late", milliseconds=100, probability=0.01, seed=seed + 3)


@contextmanager
def pair(data: str, place: Path, **changed: Any) -> Iterator[tuple[EmulatorProcess, BridgeProcess]]:
    """An emulator, and a bridge to it that gives up on nothing soon."""
    with emulator(place / "emulator") as talon:
        made = bridge(place, talon.url, data, **{"request_timeout": 0.5, "bulk_threshold": 3, **changed})
        with running(made) as process:
            yield talon, process


def test_kills_and_faults_leave_exactly_the_differences(data: str, tmp_path: Path, record_property: Any) -> None:
    users = [f"user {number}" for number in range(SCALE.users)]
    with pair(data, tmp_path) as (talon, process):
        fail(talon, SEED)
        victim = Mortal(process)
        with Run(victim, groups(FLAG, "e0"), users, SEED, SCALE.kills) as made:
            made.define()
            for number in range(SCALE.rounds):
                made.round(number)
            made.look(talon.profiles())
    record_property("counted", f"{made.deaths} kills, {victim.amid_sending} amid sending; syncs: {made.moments}")
    assert made.complaints == []
    assert made.deaths >= SCALE.kills // 2


@pytest.mark.skipif("postgresql" not in KINDS, reason="PostgreSQL is left out")
def test_another_bridge_goes_on_where_one_died(postgres: PostgresServer, tmp_path: Path, record_property: Any) -> None:
    users = [f"user {number}" for number in range(TAKEN_OVER.users)]
    data = postgres.database()
    with pair(data, tmp_path) as (talon, process):
        other = bridge(tmp_path / "other", talon.url, data, request_timeout=0.5, bulk_threshold=3)
        with Run(Relieved(process, other), groups(FLAG, "e0"), users, SEED, TAKEN_OVER.kills) as made:
            made.define()
            made.unfinished.add("reading")  # until somebody else begins one
            with running(other):
                for number in range(TAKEN_OVER.rounds):
                    made.round(number)
                made.look(talon.profiles())
    record_property("counted", f"{made.deaths} kills; syncs: {made.moments}")
    assert made.complaints == []
    assert made.deaths >= TAKEN_OVER.kills // 2
