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
        if "@" in self.base_url:  # not repeated: it may be a password
            raise SettingsError("destination.application_domain holds a login; leave it out, api_key is the login")
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
    and `/metrics` answer, besides addresses and localhost. `control_token`: what these ask for; None asks for nothing.
    `webhook_secret`: what `/webhook` is signed with; None closes it. `log`: the form of the lines on standard error.
    `management_key`: a Management API key of the deployment, which Engage asks for its attributes with; None: never.
    `max_requests_per_second`: 0 for no limit (Segment's integrations with Talon.One are held to 60, documented).
    `first_wait` comes before the second attempt and is doubled for each later one; a destination that does not accept
    the API key or cannot be reached is asked again after `probe_every`. From `bulk_threshold` profiles that are ready
    at once on, many go out in one request (0: never). `lease` is how long a process that shares a PostgreSQL database
    owns its shards without renewal. Settled events stay `retention_age`, and less when all take over `retention_size`
    bytes. Times in seconds.
    """

    destination: Destination
    host: str = "127.0.0.1"
    port: int = 8901
    data: str | None = None
    write_keys: tuple[str, ...] = (DEMO_WRITE_KEY,)
    webhook_secret: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    control_token: str | None = None
    management_key: str | None = None
    max_requests_per_second: float = 60
    max_concurrent_requests: int = 32
    request_timeout: float = 10
    retry_window: float = 4 * 3600
    first_wait: float = 1
    probe_every: float = 15
    shutdown_grace: float = 10
    bulk_threshold: int = 100
    lease: float = 25
    retention_age: float = 24 * 3600
    retention_size: int = 1024 * 1024 * 1024
    log: Literal["text", "json"] = "text"

    @property
    def clients_grace(self) -> float:
        """Seconds of `shutdown_grace` for calls that are still coming in; the rest is for deliveries."""
        return self.shutdown_grace / 5

    def __post_init__(self) -> None:
        for name in ("max_concurrent_requests", "request_timeout", "retry_window", "first_wait", "probe_every"):
            if not getattr(self, name) > 0:  # true of NaN as well
                raise SettingsError(f"bridge.{name} is {getattr(self, name)}; it must be more than 0")
        for name in ("bulk_threshold", "retention_age", "retention_size"):
            if not getattr(self, name) >= 0:
                raise SettingsError(f"bridge.{name} is {getattr(self, name)}; it must be 0 or more")
        if not self.lease > 2 * self.request_timeout:
            what = f"bridge.lease is {self.lease:g} and bridge.request_timeout {self.request_timeout:g}"
            raise SettingsError(f"{what}; a lease must last more than twice as long as a request may")
        if not self.max_requests_per_second >= 0:
            raise SettingsError("bridge.max_requests_per_second must be 0 (no limit) or more")
        if self.control_token == "":
            raise SettingsError("bridge.control_token is empty; leave it out, or choose one")
        if self.management_key == "":
            raise SettingsError("bridge.management_key is empty; leave it out, or give a Management API key")
        if not self.write_keys or not all(self.write_keys):
            raise SettingsError("bridge.write_keys must name at least one write key")
        if self.webhook_secret == "":
            raise SettingsError("bridge.webhook_secret is empty; leave it out, or choose one")

    def __repr__(self) -> str:
        """Leave keys, tokens and secrets out, and `data`, which may hold a password."""
        return f"Settings({self.destination!r}, host={self.host!r}, port={self.port!r}, …)"

    def __rich_repr__(self) -> Any:
        yield self.destination
        yield "host", self.host
        yield "port", self.port


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
