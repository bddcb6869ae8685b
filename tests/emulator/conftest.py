"""Emulators to test against, one on each kind of store."""

from collections.abc import Callable, Iterator

import pytest

from emulator_support import SEED, STORES, Emulator, SetClock, running
from postgres_support import PostgresServer
from talon_emulator.settings import Settings


@pytest.fixture(scope="session")
def empty(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str | None]:
    """Make an empty store of a kind and return what names it."""

    def make(kind: str) -> str | None:
        if kind == "memory":
            return None
        if kind == "file":
            return str(tmp_path_factory.mktemp("emulator") / "data")
        server: PostgresServer = request.getfixturevalue("postgres")
        return server.database()

    return make


@pytest.fixture(params=STORES)
def data(request: pytest.FixtureRequest, empty: Callable[[str], str | None]) -> str | None:
    """What names an empty store of each kind."""
    return empty(request.param)


@pytest.fixture(params=[kind for kind in STORES if kind != "memory"])
def kept(request: pytest.FixtureRequest, empty: Callable[[str], str | None]) -> str:
    """What names an empty store of each kind that outlives its process."""
    named = empty(request.param)
    assert named is not None
    return named


@pytest.fixture(scope="session", params=STORES)
def served(request: pytest.FixtureRequest, empty: Callable[[str], str | None]) -> Iterator[Emulator]:
    """An emulator of the whole session; a test that uses it starts from `reset`."""
    with running(Settings(deployment=SEED, data=empty(request.param))) as emulator:
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


@pytest.fixture(scope="session", params=STORES)
def timed_server(
    request: pytest.FixtureRequest, empty: Callable[[str], str | None], clock: SetClock
) -> Iterator[Emulator]:
    """An emulator that goes by `clock`."""
    with running(Settings(deployment=SEED, data=empty(request.param)), clock) as emulator:
        yield emulator


@pytest.fixture
def timed(timed_server: Emulator, clock: SetClock) -> Emulator:
    """An emulator in its seeded state whose clock stands at the beginning of 2030."""
    clock.moment = SetClock().moment
    timed_server.reset()
    return timed_server
