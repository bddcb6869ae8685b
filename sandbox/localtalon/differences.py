"""Differences from a config: what a test wants otherwise than the file has it."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypedDict, get_args

import msgspec

from localtalon.config import Config, ConfigError, dotted
from talon_bridge.settings import Destination, SettingsError
from talon_bridge.settings import Settings as BridgeSettings
from talon_emulator import seed_document
from talon_emulator.seed import AttributeSeed, SeedError

ClientSide = Literal["accept", "warn", "reject"]

# A test does not wait: retries follow at once, nothing is rationed, and what is under way when it ends is dropped.
_FIRST_WAIT = 0.01
_PROBE_EVERY = 0.05
_GRACE = 0.1


class Differences(TypedDict, total=False):
    """See `amended`."""

    custom_attributes: Iterable[str]
    attributes: Mapping[str, Any]
    client_side_sources: ClientSide
    run_rule_engine: bool
    assumptions: Mapping[str, str]


def amended(
    config: Config,
    *,
    custom_attributes: Iterable[str] | None = None,
    attributes: Mapping[str, Any] | None = None,
    client_side_sources: ClientSide | None = None,
    run_rule_engine: bool | None = None,
    assumptions: Mapping[str, str] | None = None,
) -> Config:
    """The config with these in the place of its own. Raises `ConfigError`.

    `attributes` are more definitions of customer profiles, by name: a type, or the members of a definition. They join
    the Custom Attributes too, unless `custom_attributes` says what these are. `assumptions` join those of the config.
    """
    replace = msgspec.structs.replace
    for name, value in (("attributes", attributes), ("assumptions", assumptions)):
        if not isinstance(value, Mapping | None):
            raise ConfigError(f"{name} is {value!r}; give a dictionary")
    destination, deployment = config.destination, config.deployment
    if client_side_sources is not None:
        if client_side_sources not in get_args(ClientSide):
            known = ", ".join(get_args(ClientSide))
            raise ConfigError(f"client_side_sources is {client_side_sources!r}; give one of {known}")
        destination = replace(destination, client_side_sources=client_side_sources)
    if run_rule_engine is not None:
        if not isinstance(run_rule_engine, bool):
            raise ConfigError(f"run_rule_engine is {run_rule_engine!r}; give True or False")
        destination = replace(destination, run_rule_engine=run_rule_engine)
    if attributes:
        deployment = replace(deployment, attributes=_joined(deployment.attributes, attributes))
    if attributes and custom_attributes is None:
        present = config.destination_settings("http://localhost").custom_attributes
        custom_attributes = dict.fromkeys((*present, *attributes))
    if custom_attributes is not None:
        destination = replace(destination, custom_attributes=_names(custom_attributes))
    elif config.own_deployment is None:
        custom = config.destination_settings("http://localhost").custom_attributes
        destination = replace(destination, custom_attributes=custom)
    chosen = {**deployment.assumptions, **config.emulator.assumptions, **(assumptions or {})}
    deployment = replace(deployment, assumptions=chosen)
    return replace(config, destination=destination, own_deployment=deployment)


def document(config: Config) -> dict[str, Any]:
    """The deployment of a config, to be made once more beside others: with a name and keys that nobody has."""
    deployment = config.deployment
    fresh = msgspec.structs.replace(
        deployment,
        applications=tuple(msgspec.structs.replace(each, api_keys=()) for each in deployment.applications),
        management_keys=(),
    )
    told: dict[str, Any] = msgspec.to_builtins(fresh)
    del told["name"]
    if not fresh.applications:
        del told["applications"]
    return told


def bridge_settings(
    config: Config, talon_url: str, api_key: str, management_key: str, write_key: str
) -> BridgeSettings:
    """The settings of a bridge of its own for that deployment. Raises `ConfigError`."""
    section = config.bridge
    given = {name: value for name, value in msgspec.structs.asdict(section).items() if value is not msgspec.UNSET}
    ours = {
        "host": "127.0.0.1",
        "port": 0,
        "data": None,
        "control_token": None,
        "management_key": management_key,
        "write_keys": (write_key, *given.get("write_keys", ())),
        "max_requests_per_second": 0,
        "first_wait": _FIRST_WAIT,
        "probe_every": _PROBE_EVERY,
        "shutdown_grace": _GRACE,
    }
    own = msgspec.structs.replace(config.destination, api_key=api_key, application_domain=talon_url)
    destination: Destination = msgspec.structs.replace(config, destination=own).destination_settings(talon_url)
    try:
        return BridgeSettings(destination=destination, **{**given, **ours})
    except SettingsError as error:
        raise ConfigError(f"{config.origin}: {error}") from None


def definition(name: str, wanted: Any) -> AttributeSeed:
    """An attribute definition out of its type, or of its members. Raises `ConfigError`."""
    members = wanted if isinstance(wanted, Mapping) else {"type": wanted}
    read = seed_document.read_as(AttributeSeed, {"name": name, **members})
    if isinstance(read, SeedError):
        hint = f" ({read.hint})" if read.hint else ""
        raise ConfigError(f"attribute {name!r}: {dotted(read.place)}: {read.message}{hint}")
    return read


def _joined(present: tuple[AttributeSeed, ...], wanted: Mapping[str, Any]) -> tuple[AttributeSeed, ...]:
    joined = {(each.entity, each.name): each for each in present}
    for name, how in wanted.items():
        new = definition(name, how)
        old = joined.get((new.entity, new.name))
        if old is not None and old.type != new.type:
            raise ConfigError(
                f"attribute {name!r} is {new.type} here and {old.type} in the config; a type never changes"
            )
        joined[new.entity, new.name] = new
    return tuple(joined.values())


def _names(given: Iterable[str]) -> tuple[str, ...]:
    if isinstance(given, Iterable) and not isinstance(given, str):
        names = tuple(given)
        if all(isinstance(name, str) for name in names):
            return names
    raise ConfigError(f"custom_attributes is {given!r}; give a list of flattened trait names")
