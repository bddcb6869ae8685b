"""Nested traits become flat names (MAP-1, MAP-2)."""

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from talon_bridge.flatten import leaves

keys = st.sampled_from(["address", "city", "City", "a", "a_b", "_", "", "a.b", "x/y", "x~y", "Ä"]) | st.text(max_size=3)
leaf_values = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)
traits = st.dictionaries(
    keys, st.recursive(leaf_values, lambda inner: st.dictionaries(keys, inner, max_size=3)), max_size=5
)


def at(document: Any, pointer: str) -> Any:
    """RFC 6901, read slowly."""
    for step in pointer.split("/")[1:]:
        document = document[step.replace("~1", "/").replace("~0", "~")]
    return document


def count(node: Any) -> int:
    return sum(count(value) for value in node.values()) if isinstance(node, dict) else 1


@given(traits)
@example({"~0": {"~1": 1, "a~1b": 2, "/~": 3, "~/": 4}})
@example({"": {"": 1}})
@example({"a": {}, "b": {"c": {}}})
@example({"address": {"City": "Berlin"}, "address_City": "Hamburg"})
def test_every_leaf_is_there_once_under_its_path(nested: dict[str, Any]) -> None:
    found = leaves(nested)
    assert len(found) == count(nested) == len({leaf.path for leaf in found})
    for leaf in found:
        assert leaf.name == "_".join(leaf.path)
        assert at(nested, leaf.pointer) is leaf.value
        assert not isinstance(leaf.value, dict)


@given(traits)
def test_leaves_come_in_document_order(nested: dict[str, Any]) -> None:
    order = {key: place for place, key in enumerate(nested)}
    places = [order[leaf.path[0]] for leaf in leaves(nested)]
    assert places == sorted(places)


def test_the_example_of_the_documentation() -> None:
    (leaf,) = leaves({"address": {"city": "Berlin"}})
    assert (leaf.name, leaf.pointer, leaf.value) == ("address_city", "/address/city", "Berlin")


def test_sixty_levels() -> None:
    nested: Any = 1
    for _ in range(60):
        nested = {"k": nested}
    (leaf,) = leaves(nested)
    assert leaf.name == "_".join("k" * 60)
