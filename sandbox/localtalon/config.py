"""What a sandbox is told: settings of the emulator and of the bridge, and the deployment between them."""

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from localtalon import computations
from localtalon.computations import Audience, ComputedTrait
from talon_bridge.engage.computations import Computation
from talon_bridge.nearest import nearest
from talon_bridge.settings import Destination, SettingsError
from talon_bridge.settings import Settings as BridgeSettings
from talon_emulator.definitions import Definitions
from talon_emulator.deployments import State
from talon_emulator.limits import Choice
from talon_emulator.seed import DEMO, DeploymentSeed, SeedError, apply
from talon_emulator.settings import Settings as EmulatorSettings

# Custom Attributes of the demo: what the demo deployment defines, less the audience and the computed trait, which
# Segment lets through without them (MAP-4).
DEMO_CUSTOM_ATTRIBUTES = (
    "email",
    "name",
    "age",
    "vip",
    "signed_up_at",
    "favourite_tags",
    "address_city",
    "address_country",
)

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
_WILDCARDS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 (named, not bound)
_EPOCH = "1970-01-01T00:00:00Z"


class ConfigError(Exception):
    """A config that cannot be used; the message names the file, the key, and what to do."""


class EmulatorSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[emulator]`: where it listens and what it keeps; see `talon_emulator.settings.Settings`."""

    host: str = "127.0.0.1"
    port: Port = 8900
    data: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    control_token: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    max_body_bytes: Annotated[int, msgspec.Meta(ge=1)] = 16 * 1024 * 1024
    journal_size: Annotated[int, msgspec.Meta(ge=0)] = 1000
    limits: Choice = "real"
    assumptions: dict[str, str] = {}

    def __repr__(self) -> str:
        """Leave the token out."""
        return f"EmulatorSection(host={self.host!r}, port={self.port!r})"


class BridgeSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[bridge]`: how it runs; the meaning of each key is in `talon_bridge.settings.Settings`."""

    host: str = "127.0.0.1"
    port: Port = 8901
    data: str | None = None
    write_keys: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    webhook_secret: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    allowed_hosts: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    control_token: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    management_key: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    max_requests_per_second: float | msgspec.UnsetType = msgspec.UNSET
    max_concurrent_requests: int | msgspec.UnsetType = msgspec.UNSET
    request_timeout: float | msgspec.UnsetType = msgspec.UNSET
    retry_window: float | msgspec.UnsetType = msgspec.UNSET
    first_wait: float | msgspec.UnsetType = msgspec.UNSET
    probe_every: float | msgspec.UnsetType = msgspec.UNSET
    shutdown_grace: float | msgspec.UnsetType = msgspec.UNSET
    bulk_threshold: int | msgspec.UnsetType = msgspec.UNSET
    lease: float | msgspec.UnsetType = msgspec.UNSET
    retention_age: float | msgspec.UnsetType = msgspec.UNSET
    retention_size: int | msgspec.UnsetType = msgspec.UNSET
    log: Literal["text", "json"] = "text"

    def __repr__(self) -> str:
        """Leave keys, tokens and secrets out."""
        return f"BridgeSection(host={self.host!r}, port={self.port!r})"


class DestinationSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[destination]`: Segment's settings of the destination; what is left out is taken from the deployment."""

    api_key: str | None = None
    application_domain: str | None = None
    custom_attributes: tuple[str, ...] | None = None
    client_side_sources: Literal["accept", "warn", "reject"] = "warn"
    run_rule_engine: bool = False

    def __repr__(self) -> str:
        """Leave the key out."""
        return f"DestinationSection(application_domain={self.application_domain!r})"


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file as it is written. Without any section it is the demo."""

    emulator: EmulatorSection = EmulatorSection()
    bridge: BridgeSection = BridgeSection()
    destination: DestinationSection = DestinationSection()
    deployment: DeploymentSeed | None = None
    audiences: tuple[Audience, ...] = ()
    computed_traits: tuple[ComputedTrait, ...] = ()


class Config(msgspec.Struct, frozen=True):
    """A document, completed; `origin` is what messages call it, `folder` is where its relative sources are.

    `management_key` is that of the environment, for the deployment that the application domain names.
    """

    origin: str = "the demo"
    folder: Path = Path()
    management_key: str | None = None
    emulator: EmulatorSection = EmulatorSection()
    bridge: BridgeSection = BridgeSection()
    destination: DestinationSection = DestinationSection()
    own_deployment: DeploymentSeed | None = None
    audiences: tuple[Audience, ...] = ()
    computed_traits: tuple[ComputedTrait, ...] = ()

    def __repr__(self) -> str:
        """Leave the key out."""
        return f"Config(origin={self.origin!r}, …)"

    @property
    def deployment(self) -> DeploymentSeed:
        """The deployment that the emulator starts with."""
        return self.own_deployment or DEMO

    def emulator_settings(self) -> EmulatorSettings:
        """What the emulator is started with; it answers to the name that it listens on. Raises `ConfigError`."""
        section = self.emulator
        if section.control_token is None and not loopback(section.host):
            raise ConfigError(_needs_token("emulator", section.host))
        own_name = () if section.host in _WILDCARDS else (section.host,)
        return EmulatorSettings(
            host=section.host,
            port=section.port,
            data=section.data,
            deployment=self._assuming(),
            allowed_hosts=(*section.allowed_hosts, *own_name),
            control_token=section.control_token,
            max_body_bytes=section.max_body_bytes,
            journal_size=section.journal_size,
            limits=section.limits,
        )

    def _assuming(self) -> DeploymentSeed:
        chosen = {**self.deployment.assumptions, **self.emulator.assumptions}
        return msgspec.structs.replace(self.deployment, assumptions=chosen)

    def bridge_settings(self, emulator_url: str) -> BridgeSettings:
        """What the bridge is started with; `emulator_url` is the application domain unless the file names one.

        Raises `ConfigError`.
        """
        if self.bridge.control_token is None and not loopback(self.bridge.host):
            raise ConfigError(_needs_token("bridge", self.bridge.host))
        given = {**msgspec.structs.asdict(self.bridge), "management_key": self._management_key()}
        destination = self.destination_settings(emulator_url)
        try:
            return BridgeSettings(
                destination=destination,
                **{name: value for name, value in given.items() if value is not msgspec.UNSET},
            )
        except SettingsError as error:
            raise ConfigError(f"{self.origin}: {error}") from None

    def computations(self) -> tuple[Computation, ...]:
        """The audiences and computed traits as Engage takes them. Raises `ConfigError`."""
        for problem in computations.problems(self.audiences, self.computed_traits):
            rule = " (AUD-3)" if problem.of_key else ""
            raise ConfigError(f"{self.origin}: {problem.place}: {problem.message}{rule}; {problem.hint}")
        written = computations.placed(self.audiences, self.computed_traits)
        return tuple(computations.engaged(each, self.folder) for _, each in written)

    def destination_settings(self, emulator_url: str) -> Destination:
        """The destination, completed from the deployment where the file is silent. Raises `ConfigError`."""
        section = self.destination
        custom = section.custom_attributes
        if custom is None and self.own_deployment is not None:
            what = "destination.custom_attributes is missing: list the flattened trait names to send, as in Segment"
            raise ConfigError(f"{self.origin}: {what}")
        try:
            return Destination(
                api_key=self._first_key() if section.api_key is None else section.api_key,
                application_domain=emulator_url if section.application_domain is None else section.application_domain,
                custom_attributes=DEMO_CUSTOM_ATTRIBUTES if custom is None else custom,
                client_side_sources=section.client_side_sources,
                run_rule_engine=section.run_rule_engine,
            )
        except SettingsError as error:
            raise ConfigError(f"{self.origin}: {error}") from None

    def profile_definitions(self) -> Definitions:
        """The attribute definitions of customer profiles, as the emulator will have them. Raises `ConfigError`."""
        state = apply(State(), self._assuming(), _EPOCH)
        if isinstance(state, SeedError):
            _, _, chosen = state.place.partition("/assumptions/")
            section = "/emulator" if chosen in self.emulator.assumptions else "/deployment"
            hint = f" ({state.hint})" if state.hint else ""
            raise ConfigError(f"{self.origin}: {dotted(section + state.place)}: {state.message}{hint}")
        return Definitions("CustomerProfile", state.attributes)

    def warnings(self, emulator_url: str) -> list[str]:
        """What fits together badly between the destination's settings and this emulator's deployment."""
        destination = self.destination_settings(emulator_url)
        if destination.base_url != emulator_url:
            return []
        defined = tuple(attribute.name for attribute in self.profile_definitions().attributes)
        found = [_undefined(name, defined) for name in destination.custom_attributes if name not in defined]
        if self.has_strange_key(destination):
            found.append("destination.api_key is no key of the deployment; the emulator will answer 401")
        return found

    def has_strange_key(self, destination: Destination) -> bool:
        """Whether the destination has an API key that the deployment does not know."""
        keys = {key.key for application in self.deployment.applications for key in application.api_keys}
        return destination.api_key not in keys

    def _management_key(self) -> str | None:
        """What the bridge asks the deployment for its definitions with; a key is never sent to another deployment."""
        if self.bridge.management_key is not None:
            return self.bridge.management_key
        if self.destination.application_domain is not None:
            return self.management_key
        return next((key.key for key in self.deployment.management_keys), None)

    def _first_key(self) -> str:
        if self.destination.application_domain is not None:
            raise ConfigError(f"{self.origin}: destination.api_key is missing, and application_domain is given")
        for application in self.deployment.applications:
            for key in application.api_keys:
                if key.platform == "none":
                    return key.key
        raise ConfigError(f"{self.origin}: destination.api_key is missing, and the deployment has no plain API key")


def _needs_token(part: str, host: str) -> str:
    what = f"the host {host!r} can be reached from other machines"
    how = f"give {part}.control_token in the config, or LOCALTALON_{part.upper()}_CONTROL_TOKEN"
    return f"{what}: {how}, which /_{part}/ asks for"


def _undefined(name: str, defined: tuple[str, ...]) -> str:
    near = nearest(name, defined)
    hint = f"; {near.name} is, and differs in {near.differs_in}" if near else ""
    consequence = "an identify that carries it will be refused as a whole"
    return f"custom attribute {name!r} is not defined on CustomerProfile{hint}: {consequence}"


def dotted(pointer: str) -> str:
    """A JSON pointer in TOML's spelling: `/deployment/attributes/0/name` is `deployment.attributes[0].name`."""
    return re.sub(r"/(\d+)(?=/|$)", r"[\1]", pointer).replace("/", ".").lstrip(".")


def loopback(host: str) -> bool:
    """Whether only this machine is reached by this name or address."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
