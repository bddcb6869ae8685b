"""What the bridge is told, and what it does not take."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge_support import API_KEY, destination, quick
from talon_bridge.outbox import open_outbox
from talon_bridge.settings import Destination, Settings, SettingsError


@pytest.mark.parametrize(
    ("domain", "base"),
    [
        ("https://demo.talon.one", "https://demo.talon.one"),
        ("https://demo.talon.one/", "https://demo.talon.one"),
        (" demo.talon.one ", "https://demo.talon.one"),
        ("http://127.0.0.1:8900", "http://127.0.0.1:8900"),
        ("http://[::1]:8900", "http://[::1]:8900"),
        ("https://proxy.example/talon/", "https://proxy.example/talon"),
    ],
)
def test_the_application_domain(domain: str, base: str) -> None:
    assert destination(domain).base_url == base


@pytest.mark.parametrize(
    "domain",
    [
        "",
        " ",
        "https://",
        "ftp://demo.talon.one",
        "file:///etc/passwd",
        "https://demo.talon.one?x=1",
        "https://x#y",
        "http://[::1",
        "http://h:99999",
        "http://h:port",
        "https://h/x\r\nX-Evil: 1",
        "https://h/a b",
        "http://h\0",
    ],
)
def test_a_domain_that_is_no_deployment(domain: str) -> None:
    with pytest.raises(SettingsError, match=r"destination\.application_domain is .*; it must be a deployment's URL"):
        destination(domain)


@pytest.mark.parametrize("key", ["", "a\r\nX-Evil: 1", "a\nb", "a\tb", "schlüssel", "a\0"])
def test_a_key_that_cannot_be_a_header(key: str) -> None:
    with pytest.raises(SettingsError, match=r"destination\.api_key must be printable ASCII") as caught:
        destination(api_key=key)
    assert not key or key not in str(caught.value)


def test_the_api_key_is_not_shown() -> None:
    settings = Settings(destination())
    for shown in (repr(settings), str(settings), repr(settings.destination), str([settings.destination])):
        assert API_KEY not in shown
        assert "api_key=…" in shown
    assert API_KEY not in str(list(settings.destination.__rich_repr__()))


def test_no_secret_is_shown() -> None:
    told = {"write_keys": ("canary",), "webhook_secret": "canary", "control_token": "canary"}
    settings = Settings(destination(), data="postgresql://user:canary@host/name", **told)  # type: ignore[arg-type]
    for shown in (repr(settings), str([settings]), repr(list(settings.__rich_repr__()))):
        assert "canary" not in shown
        assert API_KEY not in shown


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (name, value)
        for name in ("max_concurrent_requests", "request_timeout", "retry_window", "first_wait", "probe_every")
        for value in (0, -1, float("nan"))
    ]
    + [("max_requests_per_second", -1), ("max_requests_per_second", float("nan"))]
    + [("write_keys", ()), ("write_keys", ("",)), ("write_keys", ("a", "")), ("webhook_secret", "")],
)
def test_a_setting_out_of_range_is_named(name: str, value: Any) -> None:
    with pytest.raises(SettingsError, match=rf"bridge\.{name} "):
        quick(destination(), **{name: value})


def test_no_limit_is_a_setting() -> None:
    assert Settings(destination(), max_requests_per_second=0).max_requests_per_second == 0


@given(st.text(max_size=40))
def test_any_text_is_a_domain_or_a_settings_error(text: str) -> None:
    try:
        base = Destination("k", text).base_url
    except SettingsError:
        return
    assert base.startswith(("http://", "https://"))
    assert base.isprintable()


def test_a_store_that_this_version_does_not_have() -> None:
    with pytest.raises(SettingsError, match="there is no outbox for that") as caught:
        open_outbox("mysql://user:secret@host/db")
    assert "secret" not in str(caught.value)
