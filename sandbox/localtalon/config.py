"""The config file `localtalon.toml` and the environment, as settings of the emulator and of the bridge."""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

import msgspec

from talon_bridge.settings import Destination, SettingsError
from talon_bridge.settings import Settings as BridgeSettings
from talon_emulator import seed
from talon_emulator.deployments import State
from talon_emulator.seed import DEMO, DeploymentSeed
from talon_emulator.settings import Settings as EmulatorSettings

ENVIRONMENT_PREFIX = "LOCALTALON_"

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


class ConfigError(Exception):
    """A config that cannot be used; the message names the file, the key, and what to do."""


class EmulatorSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[emulator]`: where it listens and keeps its data."""

    host: str = "127.0.0.1"
    port: int = 8900
    data: str | None = None


class BridgeSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[bridge]`: how it runs; the meaning of each key is in `talon_bridge.settings.Settings`."""

    host: str = "127.0.0.1"
    port: int = 8901
    data: str | None = None
    write_keys: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    max_requests_per_second: float | msgspec.UnsetType = msgspec.UNSET
    max_concurrent_requests: int | msgspec.UnsetType = msgspec.UNSET
    request_timeout: float | msgspec.UnsetType = msgspec.UNSET
    retry_window: float | msgspec.UnsetType = msgspec.UNSET
    shutdown_grace: float | msgspec.UnsetType = msgspec.UNSET


class DestinationSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[destination]`: Segment's settings of the destination; what is left out is taken from the deployment."""

    api_key: str | None = None
    application_domain: str | None = None
    custom_attributes: tuple[str, ...] | None = None
    client_side_sources: Literal["accept", "warn", "reject"] = "warn"
    run_rule_engine: bool = False


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file. Without any section it is the demo."""

    emulator: EmulatorSection = EmulatorSection()
    bridge: BridgeSection = BridgeSection()
    destination: DestinationSection = DestinationSection()
    deployment: DeploymentSeed | None = None

    def emulator_settings(self) -> EmulatorSettings:
        """What the emulator is started with."""
        section = self.emulator
        return EmulatorSettings(
            host=section.host, port=section.port, data=section.data, deployment=self.deployment or DEMO
        )

    def bridge_settings(self, emulator_url: str) -> BridgeSettings:
        """What the bridge is started with; `emulator_url` is the application domain unless the file names one."""
        given = msgspec.structs.asdict(self.bridge)
        try:
            return BridgeSettings(
                destination=self.destination_settings(emulator_url),
                **{name: value for name, value in given.items() if value is not msgspec.UNSET},
            )
        except SettingsError as error:
            raise ConfigError(str(error)) from None

    def destination_settings(self, emulator_url: str) -> Destination:
        """The destination, completed from the deployment where the file is silent."""
        section = self.destination
        custom = section.custom_attributes
        if custom is None:
            if self.deployment is not None:
                raise ConfigError(
                    "destination.custom_attributes is missing; list the flattened trait names to send, as in Segment"
                )
            custom = DEMO_CUSTOM_ATTRIBUTES
        try:
            return Destination(
                api_key=section.api_key or self._first_key(),
                application_domain=section.application_domain or emulator_url,
                custom_attributes=custom,
                client_side_sources=section.client_side_sources,
                run_rule_engine=section.run_rule_engine,
            )
        except SettingsError as error:
            raise ConfigError(str(error)) from None

    def _first_key(self) -> str:
        for application in (self.deployment or DEMO).applications:
            for key in application.api_keys:
                if key.platform == "none":
                    return key.key
        raise ConfigError("destination.api_key is missing, and the deployment has no plain API key to use instead")


def load(path: Path | None, environ: Mapping[str, str] = os.environ) -> Config:
    """Read the file (None: no file, the demo) and lay the environment over it. Raises `ConfigError`."""
    document: dict[str, Any] = {}
    name = "localtalon.toml"
    if path is not None:
        name = str(path)
        try:
            document = tomllib.loads(path.read_text("utf-8"))
        except OSError as error:
            raise ConfigError(f"{name} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise ConfigError(f"{name} is not valid UTF-8 (byte {error.start})") from None
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{name} is not valid TOML: {error}") from None
    _overlay(document, environ)
    try:
        config = msgspec.convert(document, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{name}: {_explain(str(error))}") from None
    if config.deployment is not None:
        problem = seed.apply(State(), config.deployment, now="1970-01-01T00:00:00Z")
        if isinstance(problem, seed.SeedError):
            raise ConfigError(f"{name}: {_dotted('/deployment' + problem.place)}: {problem.message}")
    return config


def _overlay(document: dict[str, Any], environ: Mapping[str, str]) -> None:
    """Lay `LOCALTALON_<SECTION>_<KEY>` over the document; lists are separated by commas."""
    for section in ("emulator", "bridge", "destination"):
        fields = get_type_hints(_fields_of(Config, section))
        for key, kind in fields.items():
            text = environ.get(f"{ENVIRONMENT_PREFIX}{section}_{key}".upper())
            if text is None:
                continue
            try:
                listed = [part.strip() for part in text.split(",")] if "tuple" in str(kind) else text
                value = msgspec.convert(listed, kind, strict=False)
            except msgspec.ValidationError as error:
                variable = f"{ENVIRONMENT_PREFIX}{section}_{key}".upper()
                raise ConfigError(f"{variable}: {_sentence(str(error))}") from None
            document.setdefault(section, {})[key] = value


_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>[^`]*)`(?: - at `\$(?P<path>.*)`)?")
_AT = re.compile(r"(?P<text>.*?)(?: - at `(?:key in )?\$(?P<path>.*)`)?$", re.DOTALL)


def _explain(error: str) -> str:
    """msgspec's sentence with the key in TOML's spelling, and for an unknown key the nearest known one."""
    unknown = _UNKNOWN.match(error)
    if unknown is None:
        return _sentence(error)
    key, path = unknown["key"], (unknown["path"] or "").lstrip(".")
    known = _known(Config, path)
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    meant = f"; did you mean {close[0]}?" if close else f"; known here: {', '.join(known)}"
    return f"unknown key {path + '.' if path else ''}{key}{meant}"


def _dotted(pointer: str) -> str:
    """A JSON pointer in TOML's spelling: `/deployment/attributes/0/name` is `deployment.attributes[0].name`."""
    return re.sub(r"/(\d+)(?=/|$)", r"[\1]", pointer).replace("/", ".").lstrip(".")


def _sentence(error: str) -> str:
    parts = _AT.match(error)
    assert parts is not None  # the pattern matches every text
    text = parts["text"].replace("`", "")
    where = (parts["path"] or "").lstrip(".")
    return f"{where}: {text[:1].lower()}{text[1:]}" if where else text


def _known(root: type, path: str) -> list[str]:
    """The keys that are known at a path such as `deployment.attributes[3]`."""
    at = root
    for step in re.findall(r"[^.\[\]]+", re.sub(r"\[\d+\]", "", path)):
        at = _fields_of(at, step)
    return list(getattr(at, "__struct_fields__", ()))


def _fields_of(owner: type, field: str) -> Any:
    """The struct behind a field, looking through lists and optionals."""
    kind: Any = get_type_hints(owner)[field]
    while not hasattr(kind, "__struct_fields__"):
        inner = [arg for arg in get_args(kind) if arg not in (type(None), Ellipsis)]
        if not inner:
            return kind
        kind = inner[0]
    return kind
