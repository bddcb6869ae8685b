"""The pytest plugin: the fixtures `talon`, `bridge` and `talon_session`, and what they show when a test fails.

It is imported by every pytest run of an environment that has localtalon in it: all but pytest is imported on use.
"""

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from localtalon import Bridge, Sandbox, Talon
    from localtalon.plugin_report import Told

_INI = "localtalon_config"
_MARKER = """localtalon(config=FILE, attributes={NAME: TYPE}, custom_attributes=[NAME], limits="real",
 client_side_sources="reject", run_rule_engine=True, assumptions={ID: CHOICE}): how the fixtures talon and bridge of
 this test differ from the config.""".replace("\n", "")

told_of: pytest.StashKey["Told"] = pytest.StashKey()


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
    from localtalon.plugin_report import Told
    from localtalon.plugin_settings import deployment

    with deployment(talon_session, request.node, request.config.getini(_INI)) as made:
        told = request.node.stash[told_of] = Told()
        told.talon(made)
        yield made
        told.keep("talon")


@pytest.fixture
def bridge(request: pytest.FixtureRequest, talon_session: "Sandbox", talon: "Talon") -> "Iterator[Bridge]":
    """A bridge of this test's own, which delivers to `talon`."""
    from localtalon.plugin_report import Told
    from localtalon.plugin_settings import bridge_for

    with bridge_for(talon_session, talon) as made:
        told = request.node.stash.setdefault(told_of, Told())  # talon may be another's
        told.bridge(made)
        yield made
        told.keep("bridge")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """See to it that a marker of the test itself is for something; one of its class or module is for other tests too.

    What a test uses is known when it has run: it may ask for its fixtures by name.
    """
    yield
    marked = any(mark.name == "localtalon" for mark in item.own_markers)
    if marked and not (told_of in item.stash and item.stash[told_of].knows("talon")):
        from localtalon.plugin_settings import without_effect

        without_effect(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what Talon.One and the bridge know about a failure."""
    report: pytest.TestReport = yield
    if report.failed and told_of in item.stash:
        told = item.stash[told_of].section()
        if told:
            report.sections.append(("localtalon", told))
    return report
