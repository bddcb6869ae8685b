"""A bridge that all tests of a module may talk to; each uses message and user ids of its own."""

from collections.abc import Iterator

import pytest

from bridge.outbox_stores import data, empty_outbox
from bridge_support import Bridge, Target, destination, quick, running, scripted_target

__all__ = ["data", "empty_outbox"]  # fixtures of every outbox


@pytest.fixture
def target() -> Iterator[Target]:
    """A scripted Talon.One of this test's own."""
    with scripted_target() as found:
        yield found


@pytest.fixture(scope="module")
def shared_target() -> Iterator[Target]:
    """A Talon.One that takes everything."""
    with scripted_target() as found:
        yield found


@pytest.fixture(scope="module")
def bridge(shared_target: Target) -> Iterator[Bridge]:
    """A bridge in memory, delivering to a target that takes everything."""
    with running(quick(destination(shared_target.url))) as found:
        yield found
