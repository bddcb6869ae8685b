"""Settings that come with one event: read from the header, kept as JSON, laid over the configured ones."""

import base64
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge_support import destination
from talon_bridge.codec import MalformedError
from talon_bridge.event_settings import MAX_BYTES, applied, parse

CONFIGURED = destination("https://demo.talon.one", custom_attributes=("configured",))


def header(value: Any) -> bytes:
    """The header's value for these settings; bytes are taken as the JSON text."""
    return base64.b64encode(value if isinstance(value, bytes) else json.dumps(value).encode())


def names(value: Any) -> tuple[str, ...]:
    """The Custom Attributes that count for an event with these settings."""
    return applied(CONFIGURED, parse(header(value), CONFIGURED)).custom_attributes


@pytest.mark.parametrize("spelled", ["customAttributes", "custom_attributes", "Custom Attributes", "CUSTOM-ATTRIBUTES"])
@pytest.mark.parametrize(
    ("given_as", "wanted"),
    [
        (["email", "address_city"], ("email", "address_city")),
        (["email", " spaced ", "email"], ("email", " spaced ")),
        ([], ()),
        ("email", ("email",)),
        (" email , address_city,,", ("email", "address_city")),
        ("", ()),
    ],
)
def test_custom_attributes_override_the_configured(spelled: str, given_as: Any, wanted: tuple[str, ...]) -> None:
    assert names({spelled: given_as}) == wanted


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"customAttributes": None},
        {"unknown": ["x"], "apiKey": "canary", "clientSideSources": "reject", "runRuleEngine": True},
        {"applicationDomain": "https://demo.talon.one"},
        {"applicationDomain": None},
    ],
)
def test_what_does_not_count_is_not_kept(value: Any) -> None:
    assert parse(header(value), CONFIGURED) is None


def test_nothing_but_what_counts_is_kept() -> None:
    value = {"apiKey": "canary", "customAttributes": ["email"], "applicationDomain": "demo.talon.one", "other": 1}
    assert parse(header(value), CONFIGURED) == b'{"customAttributes":["email"]}'


def test_an_event_without_settings_has_the_configured() -> None:
    assert applied(CONFIGURED, None) is CONFIGURED


@pytest.mark.parametrize("name", ["applicationDomain", "application_domain", "Application Domain"])
@pytest.mark.parametrize(
    "domain",
    [
        "demo.talon.one",
        "https://demo.talon.one/",
        "https://Demo.Talon.One",
        "https://demo.talon.one:443",
        " demo.talon.one ",
    ],
)
def test_the_configured_domain_may_be_named(name: str, domain: str) -> None:
    assert parse(header({name: domain}), CONFIGURED) is None


@pytest.mark.parametrize(
    "domain",
    [
        "",
        "https://evil.example",
        "http://demo.talon.one",
        "https://demo.talon.one:444",
        "https://demo.talon.one/elsewhere",
        "https://demo.talon.one@evil.example",
        "https://demo.talon.one.evil.example",
        "http://169.254.169.254",
        "file:///etc/passwd",
        "https://demo.talon.one\r\nX-Evil: 1",
        7,
        ["https://demo.talon.one"],
    ],
)
def test_another_domain_is_refused(domain: Any) -> None:
    with pytest.raises(MalformedError, match="applicationDomain is not this bridge's"):
        parse(header({"applicationDomain": domain}), CONFIGURED)


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        (b"???", "not base64"),
        (b"eyJ", "not base64"),
        (b"", "it is empty"),
        (header(b"{"), "the JSON is malformed"),
        (header(b"[]"), "expected object"),
        (header(b"\xff"), "not valid UTF-8"),
        (header(b"{}{}"), "the JSON is malformed"),
        (header(b'{"a":' + b"[" * 65 + b"]" * 65 + b"}"), "nested deeper"),
        (header(b'{"a":' + b"[" * 9000 + b"]" * 9000 + b"}"), "nested deeper"),
        (header(b'{"a":"' + b"x" * MAX_BYTES + b'"}'), "more than 32768 bytes"),
        (header({"customAttributes": 7}), "customAttributes must be a list"),
        (header({"customAttributes": ["a", 7]}), "customAttributes must be a list"),
        (header({"customAttributes": {"a": 1}}), "customAttributes must be a list"),
        (header({"customAttributes": ["a"], "custom_attributes": ["b"]}), "custom_attributes is there twice"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_header_that_cannot_be_read_is_refused(sent: bytes, says: str) -> None:
    with pytest.raises(MalformedError, match=says):
        parse(sent, CONFIGURED)


def test_the_same_setting_twice_is_no_contradiction() -> None:
    assert names({"customAttributes": ["a"], "custom_attributes": ["a"]}) == ("a",)


texts = st.text(st.characters(exclude_categories=["Cs"]))
json_values = st.recursive(st.none() | st.booleans() | st.integers() | texts, lambda inner: st.lists(inner, max_size=3))


@given(st.dictionaries(st.sampled_from(["customAttributes", "Custom Attributes", "x"]) | texts, json_values))
@example({"customAttributes": ["🙂", "\0", ""]})
def test_any_settings_are_applied_or_refused(value: dict[str, Any]) -> None:
    try:
        stored = parse(header(value), CONFIGURED)
    except MalformedError:
        return
    seen = applied(CONFIGURED, stored)
    assert (seen.api_key, seen.base_url) == (CONFIGURED.api_key, CONFIGURED.base_url)
    lists = [names for name, names in value.items() if name == "customAttributes" and isinstance(names, list)]
    assert all(seen.custom_attributes == tuple(dict.fromkeys(names)) for names in lists)


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(sent: bytes) -> None:
    for value in (sent, base64.b64encode(sent)):
        try:
            parse(value, CONFIGURED)
        except MalformedError as error:
            assert error.malformed.message  # noqa: PT017
