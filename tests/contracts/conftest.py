"""Fixtures: one Talon.One for all tests of a module."""

from collections.abc import Iterator

import pytest

from contracts_support import talon_one


@pytest.fixture(scope="module")
def talon_one_url() -> Iterator[str]:
    with talon_one() as url:
        yield url
