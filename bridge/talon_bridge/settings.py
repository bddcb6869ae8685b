"""What the bridge is told: the destination as Segment shows it, and how to run."""

from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

DEMO_WRITE_KEY = "localtalon-write-key"


class SettingsError(ValueError):
    """A setting that cannot be used; the message names it and says what to do."""


class Destination(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Segment's settings of the Talon.One destination, under Segment's names in snake case.

    `custom_attributes` are flattened names, exact in case; `application_domain` is the deployment's base URL.
    """

    api_key: str
    application_domain: str
    custom_attributes: tuple[str, ...] = ()
    client_side_sources: Literal["accept", "warn", "reject"] = "warn"
    run_rule_engine: bool = False

    def __post_init__(self) -> None:
        if not self.api_key or not self.api_key.isascii() or not self.api_key.isprintable():
            raise SettingsError("destination.api_key must be printable ASCII without line breaks")
        if not _is_base_url(self.base_url):
            raise SettingsError(
                f"destination.application_domain is {self.application_domain!r}; it must be a deployment's URL such as "
                "https://demo.talon.one"
            )

    @property
    def base_url(self) -> str:
        """The deployment's URL without a trailing slash; a bare host is taken as https, as Segment's users type it."""
        domain = self.application_domain.strip()
        return (domain if "://" in domain else f"https://{domain}").rstrip("/")

    def __repr__(self) -> str:
        return f"Destination(api_key=…, application_domain={self.application_domain!r}, …)"

    def __rich_repr__(self) -> Any:
        yield "api_key", "…"
        yield "application_domain", self.application_domain


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the bridge runs.

    `data`: None for memory, a directory for a SQLite file in it. `allowed_hosts`: Host names under which `/_bridge/`
    and `/metrics` answer, besides addresses and localhost. `max_requests_per_second`: 0 for no limit (Segment's
    integrations with Talon.One are held to 60, documented). `first_wait` comes before the second attempt and is doubled
    for each later one; a destination that does not accept the API key is asked again after `probe_every`. Times in
    seconds.
    """

    destination: Destination
    host: str = "127.0.0.1"
    port: int = 8901
    data: str | None = None
    write_keys: tuple[str, ...] = (DEMO_WRITE_KEY,)
    allowed_hosts: tuple[str, ...] = ()
    max_requests_per_second: float = 60
    max_concurrent_requests: int = 32
    request_timeout: float = 10
    retry_window: float = 4 * 3600
    first_wait: float = 1
    probe_every: float = 15
    shutdown_grace: float = 10

    def __post_init__(self) -> None:
        for name in ("max_concurrent_requests", "request_timeout", "retry_window", "first_wait", "probe_every"):
            if not getattr(self, name) > 0:  # true of NaN as well
                raise SettingsError(f"bridge.{name} is {getattr(self, name)}; it must be more than 0")
        if not self.max_requests_per_second >= 0:
            raise SettingsError("bridge.max_requests_per_second must be 0 (no limit) or more")
        if not self.write_keys or not all(self.write_keys):
            raise SettingsError("bridge.write_keys must name at least one write key")


def _is_base_url(text: str) -> bool:
    """Whether `text` is an http(s) URL to which a path can be added, and nothing that would leave its line."""
    if not text.isascii() or not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises when it is no port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query and not parts.fragment
