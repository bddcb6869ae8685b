"""The right bridge agrees with every vector, without a server."""

from typing import Any

import pytest

from talon_contracts import vectors
from talon_contracts.exact_json import same_json
from talon_contracts.vectors import Vector
from wrong_bridges.right_bridge import RightBridge


def bridge(settings: dict[str, Any]) -> RightBridge:
    made = RightBridge("http://127.0.0.1:9", "key", frozenset(settings["custom_attributes"]))
    made.rejects_client_side = settings["client_side_sources"] == "reject"  # type: ignore[misc]
    return made


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
