"""Emulators to test against, one on each kind of store."""

from collections.abc import Iterator

import pytest

from emulator_support import SEED, Emulator, SetClock, running
from talon_emulator.settings import Settings


@pytest.fixture(scope="session", params=["memory", "file"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator of the whole session; a test that uses it starts from `reset`."""
    data = None if request.param == "memory" else str(tmp_path_factory.mktemp("emulator") / "data")
    with running(Settings(deployment=SEED, data=data)) as emulator:
        yield emulator


@pytest.fixture
def emulator(served: Emulator) -> Emulator:
    """An emulator in its seeded state."""
    served.reset()
    return served


@pytest.fixture(scope="session")
def clock() -> SetClock:
    """The clock of `timed`."""
    return SetClock()


@pytest.fixture(scope="session")
def timed_server(clock: SetClock) -> Iterator[Emulator]:
    """An emulator that goes by `clock`."""
    with running(Settings(deployment=SEED), clock) as emulator:
        yield emulator


@pytest.fixture
def timed(timed_server: Emulator, clock: SetClock) -> Emulator:
    """An emulator in its seeded state whose clock stands at the beginning of 2030."""
    clock.moment = SetClock().moment
    timed_server.reset()
    return timed_server
