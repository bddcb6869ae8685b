"""The names under which the bridge's own API answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talon_bridge.hosts import is_served


@pytest.mark.parametrize(
    ("host", "served"),
    [
        ("127.0.0.1", True),
        ("127.0.0.1:8901", True),
        ("10.1.2.3:8901", True),
        ("[::1]", True),
        ("[::1]:8901", True),
        ("::1", True),
        ("localhost", True),
        ("LocalHost:8901", True),
        ("localhost.", True),
        ("bridge.localhost:1", True),
        ("bridge", True),
        ("bridge:8901", True),
        ("", False),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("evillocalhost", False),
        ("127.0.0.1.evil.example", False),
        ("bridge.evil.example", False),
        ("evil.example#localhost", False),
        ("user@127.0.0.1", False),
    ],
)
def test_examples(host: str, served: bool) -> None:
    assert is_served(host, ("bridge",)) is served


@given(st.ip_addresses(), st.none() | st.integers(0, 65535))
def test_every_address_is_served(address: object, port: int | None) -> None:
    host = f"[{address}]" if ":" in str(address) else str(address)
    assert is_served(host if port is None else f"{host}:{port}", ())


@given(st.from_regex(r"[a-z0-9-]{1,9}(\.[a-z0-9-]{1,9}){0,2}\.(one|com|example)(:[0-9]{1,5})?", fullmatch=True))
def test_no_other_name_is(host: str) -> None:
    assert not is_served(host, ("bridge",))
