"""Fixtures: a bench with each of the bridges."""

from collections.abc import Iterator, Mapping

import pytest

from contracts_support import talon_one
from talon_contracts.targets import Bench
from wrong_bridges.right_bridge import RightBridge
from wrong_bridges.street import street


@pytest.fixture(scope="package")
def benches() -> Iterator[Mapping[type[RightBridge], Bench]]:
    with talon_one() as url, street(url) as made:
        yield made
