"""The right bridge passes every check, and agrees with every vector without a server."""

from collections.abc import Mapping
from typing import Any

import pytest

from talon_contracts import vectors
from talon_contracts.checks import CHECKS, Check
from talon_contracts.exact_json import same_json
from talon_contracts.targets import Bench
from talon_contracts.trial import run
from talon_contracts.vectors import Vector
from talon_contracts.verdicts import Kept
from wrong_bridges.right_bridge import RejectingBridge, RightBridge

OF_BRIDGES = [check for check in CHECKS.values() if check.target not in ("talon_one", "engage")]


@pytest.mark.parametrize("check", OF_BRIDGES, ids=lambda check: check.name)
def test_passes(check: Check, benches: Mapping[type[RightBridge], Bench]) -> None:
    verdict = run(check, benches[RightBridge], examples=60)
    assert isinstance(verdict, Kept), verdict
    assert all(verdict.features.values())


@pytest.mark.parametrize("name", ["SRC-1", "all together"])
def test_passes_where_client_side_sources_are_rejected(name: str, benches: Mapping[type[RightBridge], Bench]) -> None:
    verdict = run(CHECKS[name], benches[RejectingBridge], examples=60)
    assert isinstance(verdict, Kept), verdict


def bridge(settings: dict[str, Any]) -> RightBridge:
    kind = RejectingBridge if settings["client_side_sources"] == "reject" else RightBridge
    return kind("http://127.0.0.1:9", "key", frozenset(settings["custom_attributes"]))


@pytest.mark.parametrize("vector", vectors.load("mapping"), ids=lambda vector: vector.id)
def test_mapping(vector: Vector) -> None:
    given: Any = vector.input
    expected: Any = vector.expected
    right = bridge(given["settings"])
    event = given["event"]
    attributes = right.attributes(event) if right.is_sent(event) else {}
    assert same_json(attributes, expected.get("sent", {}).get("attributes", {}))


@pytest.mark.parametrize("vector", vectors.load("audience_key"), ids=lambda vector: vector.id)
def test_audience_key(vector: Vector) -> None:
    given: Any = vector.input
    expected: Any = vector.expected
    right = bridge({"custom_attributes": [], "client_side_sources": "warn"})
    if expected["problem"] is None:
        assert right.audience_key(given["name"], tuple(given["others"])) == expected["key"]
        return
    with pytest.raises(ValueError, match="cannot have the key"):
        right.audience_key(given["name"], tuple(given["others"]))
