"""What is checked: the config with what of it can exist, and where its parts stand."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from msgspec.structs import replace as changed

from localtalon import computations, config_file
from localtalon.check import toml_lines
from localtalon.check.ledger import Ledger
from localtalon.computations import Computation
from localtalon.config import Config, ConfigError, dotted, loopback
from talon_bridge.settings import Destination
from talon_contracts.reports.events import Finding, Place
from talon_emulator import seed
from talon_emulator.attributes import Attribute
from talon_emulator.definitions import Definitions
from talon_emulator.deployments import State
from talon_emulator.seed import DeploymentSeed, SeedError

_EPOCH: Final = "1970-01-01T00:00:00Z"
_EMULATOR: Final = "http://127.0.0.1:8900"  # stands for the deployment where none is named; nobody asks it


@dataclass(frozen=True, slots=True)
class Subject:
    """A config, and what of it can be used.

    `obscure` says why it cannot be judged at all, where it cannot; `definitions` are those that Talon.One would take;
    `computed` are audiences and computed traits by their keys. `ignored` are patterns of names that are not meant for
    Talon.One; `strict` makes every other trait that is withheld an error.
    """

    config: Config
    text: str
    destination: Destination | None
    definitions: Definitions
    computed: Mapping[str, Computation]
    obscure: str = ""
    ignored: tuple[str, ...] = ()
    strict: bool = False

    @property
    def custom_attributes(self) -> tuple[str, ...]:
        """The names that the destination lets through."""
        return () if self.destination is None else self.destination.custom_attributes

    @property
    def defined(self) -> tuple[str, ...]:
        """The names of the attributes of customer profiles."""
        return tuple(attribute.name for attribute in self.definitions.attributes)

    def definition(self, name: str) -> Attribute | None:
        """The definition of this name."""
        return next((attribute for attribute in self.definitions.attributes if attribute.name == name), None)

    def ignores(self, name: str) -> bool:
        """Whether a trait is said not to be meant for Talon.One, and is not let through all the same."""
        if name in self.custom_attributes or name in self.computed:
            return False
        return any(name == pattern or fnmatchcase(name, pattern) for pattern in self.ignored)

    def place(self, key: str, value: str = "") -> Place:
        """Where a key of the config stands, or a text in the list that it has."""
        return Place(self.config.origin, key, toml_lines.line(self.text, key, value))

    def place_of_custom(self, name: str) -> Place:
        """Where a Custom Attribute stands."""
        return self.place(f"destination.custom_attributes[{self.custom_attributes.index(name)}]", name)


def read(path: Path | None, ignored: tuple[str, ...], strict: bool) -> Subject:
    """The subject of a config file (None: the demo). Raises `ConfigError` for one that cannot be read."""
    config = config_file.read(path)
    if path is None:
        return of(changed(config, origin="the demo"), "", ignored, strict)
    return of(config, path.read_text("utf-8"), ignored, strict)


def of(config: Config, text: str = "", ignored: tuple[str, ...] = (), strict: bool = False) -> Subject:
    """The subject of a config, whose file has this text."""
    try:
        destination = _with_secrets(config).destination_settings(_EMULATOR)
    except ConfigError:
        destination = None
    attributes = tuple(kept for kept, _ in _sown(config) if kept is not None)
    obscure = _obscure(config, destination)
    named = computations.placed(config.audiences, config.computed_traits)
    computed = {computations.key(computation): computation for _, computation in named}
    definitions = Definitions("CustomerProfile", attributes)
    return Subject(config, text, destination, definitions, computed, obscure, ignored, strict)


def _obscure(config: Config, destination: Destination | None) -> str:
    """Why nobody knows what the destination would send, or what Talon.One would take, or nothing."""
    if destination is None:
        return "the settings of the destination cannot be used, so that nobody knows what it would send"
    if config.own_deployment is None and not _is_own(destination.base_url, config):
        how = "`localtalon attributes pull` writes them"
        return f"application_domain names a deployment, and the config does not hold its definitions; {how}"
    return ""


def _is_own(url: str, config: Config) -> bool:
    """Whether this is the address of the config's own emulator, which has the definitions of the demo."""
    address = urlsplit(url)
    return loopback(address.hostname or "") and address.port in (config.emulator.port, urlsplit(_EMULATOR).port)


def examine(subject: Subject, ledger: Ledger) -> None:
    """Note what keeps parts of a config from being used: settings (CONFIG) and definitions (ATT-3)."""
    config = subject.config
    _settle(subject, ledger)
    here = config.destination.application_domain is None
    if here and subject.destination is not None and config.has_strange_key(subject.destination):
        message, hint = "destination.api_key is no key of the deployment", "the emulator will answer 401 to it"
        ledger.found(Finding("CONFIG", message, hint, subject.place("destination.api_key"), severity="warning"))
    bare = seed.apply(State(), _without_attributes(config), _EPOCH)
    if isinstance(bare, SeedError):
        place = subject.place(dotted(f"/deployment{bare.place}"))
        ledger.found(Finding("CONFIG", bare.message, bare.hint, place))
    for _, problem in _sown(config):
        ledger.tried("ATT-3")
        if problem is not None:
            place = subject.place(dotted(f"/deployment{problem.place}"))
            ledger.found(Finding("ATT-3", problem.message, problem.hint or _HINT, place))


def _settle(subject: Subject, ledger: Ledger) -> None:
    """Make the settings of both parts. A secret that is missing may be in the environment of those who start them."""
    own, whole = subject.config, _with_secrets(subject.config)
    for part in ("emulator", "bridge"):
        ledger.tried("CONFIG")
        lacking = _refusal(own, part)
        if lacking:
            wrong = _refusal(whole, part)
            finding = _setting(subject, wrong or lacking)
            ledger.found(finding if wrong else replace(finding, severity="warning"))


def _refusal(config: Config, part: str) -> str:
    """Why a part cannot be started with its settings, or nothing."""
    try:
        config.emulator_settings() if part == "emulator" else config.bridge_settings(_EMULATOR)
    except ConfigError as error:
        return str(error)
    return ""


def _with_secrets(config: Config) -> Config:
    """The config with a secret in each place where one can be missing."""
    emulator = changed(config.emulator, control_token=config.emulator.control_token or _SECRET)
    bridge = changed(config.bridge, control_token=config.bridge.control_token or _SECRET)
    destination = config.destination
    if destination.api_key is None and destination.application_domain is not None:
        destination = changed(destination, api_key=_SECRET)
    return changed(config, emulator=emulator, bridge=bridge, destination=destination)


_SECRET: Final = "secret"  # noqa: S105 (stands for one)
_HINT: Final = "a name has letters, digits and _, first a letter; names and titles are unique for each entity"


def _setting(subject: Subject, message: str) -> Finding:
    sentence = message.removeprefix(f"{subject.config.origin}: ")
    words = (word.strip(":;,") for word in sentence.split())
    key = next((word for word in words if word.startswith(("emulator.", "bridge.", "destination."))), "")
    return Finding("CONFIG", sentence, place=subject.place(key) if key else Place(subject.config.origin))


def _without_attributes(config: Config) -> DeploymentSeed:
    chosen = {**config.deployment.assumptions, **config.emulator.assumptions}
    return changed(config.deployment, attributes=(), assumptions=chosen)


def _sown(config: Config) -> list[tuple[Attribute | None, SeedError | None]]:
    """For each definition of the config what Talon.One would keep, or why it would refuse it beside the others."""
    state = State()
    names: dict[tuple[str, str], int] = {}
    sown: list[tuple[Attribute | None, SeedError | None]] = []
    for index, attribute in enumerate(config.deployment.attributes):
        first = names.setdefault((attribute.entity, attribute.name), index)
        if first != index:
            message = f"attribute {attribute.name!r} is defined for {attribute.entity} twice"
            sown.append((None, SeedError(f"/attributes/{index}/name", message, "leave one of them out")))
            continue
        grown = seed.apply(state, DeploymentSeed(attributes=(attribute,)), _EPOCH)
        if isinstance(grown, SeedError):
            place = grown.place.replace("/attributes/0", f"/attributes/{index}", 1)
            sown.append((None, SeedError(place, grown.message, grown.hint)))
        else:
            state = grown
            sown.append((state.attributes[-1], None))
    return sown
