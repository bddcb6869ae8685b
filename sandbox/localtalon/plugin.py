"""The pytest plugin: the fixtures `talon`, `bridge` and `talon_session`, and what they show when a test fails.

It is imported by every pytest run of an environment that has localtalon in it: all but pytest is imported on use.
"""

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from localtalon import Bridge, Sandbox, Talon

_INI = "localtalon_config"
_MARKER = """localtalon(config=FILE, attributes={NAME: TYPE}, custom_attributes=[NAME], limits="real",
 client_side_sources="reject", run_rule_engine=True, assumptions={ID: CHOICE}): how the fixtures talon and bridge of
 this test differ from the config.""".replace("\n", "")

talon_in_use: pytest.StashKey["Talon"] = pytest.StashKey()
bridge_in_use: pytest.StashKey["Bridge"] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the config file for the whole run from pytest's own configuration."""
    text = "localtalon.toml of the fixtures talon and bridge, from the root directory (default: the one that is there)"
    parser.addini(_INI, text, default="")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture(scope="session")
def talon_session() -> "Iterator[Sandbox]":
    """The sandbox of this process, on which each test has a deployment of its own: `talon_session.deployment()`."""
    from localtalon.plugin_settings import sandbox

    with sandbox() as running:
        yield running


@pytest.fixture
def talon(request: pytest.FixtureRequest, talon_session: "Sandbox") -> "Iterator[Talon]":
    """A Talon.One of this test's own: empty, with keys that nobody has."""
    from localtalon.plugin_settings import deployment

    with deployment(talon_session, request.node, request.config.getini(_INI)) as made:
        request.node.stash[talon_in_use] = made
        yield made
        del request.node.stash[talon_in_use]


@pytest.fixture
def bridge(request: pytest.FixtureRequest, talon_session: "Sandbox", talon: "Talon") -> "Iterator[Bridge]":
    """A bridge of this test's own, which delivers to `talon`."""
    from localtalon.plugin_settings import bridge_for

    with bridge_for(talon_session, talon) as made:
        request.node.stash[bridge_in_use] = made
        yield made
        del request.node.stash[bridge_in_use]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what Talon.One and the bridge know about a failure."""
    report: pytest.TestReport = yield
    if report.failed and talon_in_use in item.stash:
        from localtalon.plugin_report import section

        told = section(item.stash[talon_in_use], item.stash.get(bridge_in_use, None))
        if told:
            report.sections.append(("localtalon", told))
    return report
