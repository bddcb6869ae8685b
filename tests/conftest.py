"""What holds for every test: names that are the same in every process, and Hypothesis without a clock."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

from postgres_support import CannotStart, PostgresServer, postgres_server

# The machines are shared and noisy: how long an example took says nothing about the code.
settings.register_profile("localtalon", deadline=None)
settings.load_profile("localtalon")

_LONGEST_NAME = 60
_GZIP = b"\x1f\x8b"  # what follows holds the time of its making


def pytest_make_parametrize_id(config: Any, val: Any, argname: str) -> str | None:
    """Long values, and gzip streams, are named by their argument: pytest adds a number to each.

    Tests run in several processes, which have to agree on the names.
    """
    if isinstance(val, bytes) and (val.startswith(_GZIP) or len(val) > _LONGEST_NAME):
        return argname
    if isinstance(val, str) and len(val) > _LONGEST_NAME:
        return argname
    return None


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server of the whole session."""
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(postgres_server())
        except CannotStart as error:
            pytest.skip(f"no PostgreSQL: {error}")
        yield server


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What the tests of reliability counted, one line each, wherever they ran."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, [])]
    lines = [value for report in reports for name, value in report.user_properties if name == "counted"]
    if lines:
        terminalreporter.section("counted")
        for line in lines:
            terminalreporter.line(line)
