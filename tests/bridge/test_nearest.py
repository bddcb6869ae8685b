"""The known name that was probably meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talon_bridge.nearest import Nearest, nearest

names = st.text("abcABC_", min_size=1, max_size=8)


@given(names, st.lists(names, max_size=6).map(tuple))
def test_a_name_that_differs_in_case_only_is_preferred(name: str, known: tuple[str, ...]) -> None:
    found = nearest(name, known)
    others = [other for other in known if other != name and other.lower() == name.lower()]
    assert (found is not None and found.differs_in == "case") == bool(others)
    if found is not None:
        assert found.name in known
        assert found.name != name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Address_City", Nearest("address_city", "case")),
        ("adress_city", Nearest("address_city", "spelling")),
        ("address_cty", Nearest("address_city", "spelling")),
        ("shoe_size", None),
        ("", None),
    ],
)
def test_examples(name: str, expected: Nearest | None) -> None:
    assert nearest(name, ("email", "address_city")) == expected


def test_nothing_is_near_when_nothing_is_known() -> None:
    assert nearest("email", ()) is None
