"""Targets, stores and a place to say what was counted."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from postgres_support import PostgresServer
from reliability.reports import Report
from reliability.stores import KINDS
from reliability.target import Target, log_target


@pytest.fixture
def report(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Report:
    """Say what the test counted; it is printed, and shown at the end of the run."""

    def say(counted: object) -> None:
        line = f"{request.node.name}: {counted}"
        print(line)  # noqa: T201 (what a run is read for)
        record_property("counted", line)

    return say


@pytest.fixture
def target() -> Iterator[Target]:
    """A target with a log, of this test's own."""
    with log_target() as found:
        yield found


@pytest.fixture(params=KINDS)
def data(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """What names an empty outbox of each kind that outlives its process."""
    if request.param == "file":
        return str(tmp_path / "data")
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.database()
