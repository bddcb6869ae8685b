"""A running sandbox, shared by the tests of this folder; each test uses user ids of its own."""

from collections.abc import Iterator

import pytest

from localtalon import Sandbox


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running
