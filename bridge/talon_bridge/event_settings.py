"""The settings of the destination that Segment sends along with one event, in `X-Segment-Settings`."""

import base64
import binascii
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from talon_bridge import codec
from talon_bridge.codec import Malformed, MalformedError
from talon_bridge.settings import Destination, SettingsError

HEADER: Final = "X-Segment-Settings"
MAX_BYTES: Final = 32 * 1024  # decoded (decided here: it is stored with every event)
_PORTS = {"http": 80, "https": 443}


class EventSettings(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What of the settings counts for one event; None where the configured setting does."""

    custom_attributes: tuple[str, ...] | None = None


_stored = msgspec.json.Decoder(EventSettings)
_members = codec.decoder(dict[str, Any])


def parse(header: bytes, destination: Destination) -> bytes | None:
    """The JSON text to store of a header's value, or None where nothing in it counts. Raises `MalformedError`.

    The header is the base64 of a JSON object of the settings without the API key (documented). Their casing varies
    (documented for the contract's fields): `customAttributes`, `custom_attributes` and `Custom Attributes` are one
    name. An `applicationDomain` must be the configured one: what somebody sends never changes where requests go.
    Other settings are ignored.
    """
    given = _known(codec.read(_members, _decoded(header)))
    domain = given.get("applicationdomain")
    if domain is not None and not _is_domain(domain, destination):
        raise _refused("applicationDomain is not this bridge's destination.application_domain")
    found = EventSettings(_names(given.get("customattributes")))
    return None if found == EventSettings() else codec.encode(found)


def applied(destination: Destination, stored: bytes | None) -> Destination:
    """The destination as one event sees it; `stored` is what `parse` gave for it."""
    if stored is None:
        return destination
    names = _stored.decode(stored).custom_attributes
    return destination if names is None else msgspec.structs.replace(destination, custom_attributes=names)


def _decoded(header: bytes) -> bytes:
    if len(header) > MAX_BYTES * 4 // 3 + 4:
        raise _refused(f"it has more than {MAX_BYTES} bytes")
    try:
        text = base64.b64decode(header.strip(), validate=True)
    except binascii.Error:
        raise _refused("it is not base64") from None
    if codec.nested_beyond(text):
        raise MalformedError(codec.too_deep(HEADER))
    return text


def _known(members: dict[str, Any]) -> dict[str, Any]:
    """The settings by name, in lower case and without what separates words."""
    known: dict[str, Any] = {}
    for name, value in members.items():
        plain = "".join(letter for letter in name.lower() if letter.isalnum())
        if plain in known and known[plain] != value:
            raise _refused(f"{name} is there twice, with different values")
        known[plain] = value
    return known


def _names(value: Any) -> tuple[str, ...] | None:
    """Custom Attributes: a list of names as they are, or a text of names between commas."""
    if value is None:
        return None
    if isinstance(value, str):
        value = [name for part in value.split(",") if (name := part.strip())]
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise _refused("customAttributes must be a list of texts, or one text with commas between names")
    return tuple(dict.fromkeys(value))


def _is_domain(value: Any, destination: Destination) -> bool:
    """Whether a text is the destination's application domain, however it is spelled."""
    if not isinstance(value, str):
        return False
    try:
        named = Destination(destination.api_key, value)
    except SettingsError:
        return False
    return _place(named) == _place(destination)


def _place(destination: Destination) -> tuple[str, str | None, int | None, str]:
    parts = urlsplit(destination.base_url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme), parts.path


def _refused(what: str) -> MalformedError:
    return MalformedError(Malformed("invalid_settings", f"{HEADER}: {what}"))
