"""Services as the command line starts them: settings from file, environment and options; clear words when it fails."""

import importlib.util
import logging
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

import click
import msgspec

from localtalon import config_file, log
from localtalon.config import Config, ConfigError
from localtalon.serve import PortTakenError, Service, StartError, bind, run_until_signalled
from talon_bridge.settings import Destination, SettingsError
from talon_bridge.settings import Settings as BridgeSettings
from talon_emulator.definitions import Definitions
from talon_emulator.seed import DeploymentSeed
from talon_emulator.store import StoreUnavailable

if TYPE_CHECKING:
    from localtalon.sandbox import Pair

T = TypeVar("T")

COULD_NOT_RUN = 2
USUAL_EMULATOR = "http://127.0.0.1:8900"


def fail(message: str) -> NoReturn:
    """End with exit code 2 and one line that says why."""
    click.echo(f"localtalon: {message}", err=True)
    sys.exit(COULD_NOT_RUN)


def need_hypothesis(command: str) -> None:
    """End where Hypothesis is missing, which only some commands need (the extra `verify`)."""
    if importlib.util.find_spec("hypothesis") is None:
        fail(f"{command} draws its cases with Hypothesis, which is not here: pip install 'localtalon[verify]'")


def warn(message: str, form: log.Form) -> None:
    """Say on standard error what does not keep anything from starting, as the log is written."""
    if form == "text":
        return click.echo(f"warning: {message}", err=True)
    log.set_up(form)
    return logging.getLogger("localtalon").warning("%s", message, extra={"action": "configured"})


def configured(path: Path | None, data: str | None, host: str | None) -> Config:
    """The config with the command line's options over it."""
    try:
        settings = config_file.load(path or config_file.nearby())
    except ConfigError as error:
        fail(str(error))
    changed = {name: value for name, value in (("data", data), ("host", host)) if value is not None}
    replace = msgspec.structs.replace
    return replace(settings, emulator=replace(settings.emulator, **changed), bridge=replace(settings.bridge, **changed))


def with_ports(settings: Config, emulator: int | None, bridge: int | None) -> Config:
    """The config with these ports, where they are given."""
    replace = msgspec.structs.replace
    if emulator is not None:
        settings = replace(settings, emulator=replace(settings.emulator, port=emulator))
    if bridge is not None:
        settings = replace(settings, bridge=replace(settings.bridge, port=bridge))
    return settings


def composed(settings: Config) -> "Pair":
    """Both services, bound."""
    from localtalon.sandbox import compose

    try:
        return compose(settings)
    except (ConfigError, PortTakenError, SettingsError, StoreUnavailable) as error:
        fail(str(error))


def emulator(settings: Config) -> tuple[Service, DeploymentSeed]:
    """The emulator alone, bound."""
    from talon_emulator.app import create_app
    from talon_emulator.wire import Protocol

    try:
        of_emulator = settings.emulator_settings()
        bound = bind(of_emulator.host, of_emulator.port, "emulator", "--port")
        return Service("emulator", create_app(of_emulator), bound, Protocol), of_emulator.deployment
    except (ConfigError, PortTakenError, StoreUnavailable) as error:
        fail(str(error))


def bridge(settings: Config) -> tuple[Service, BridgeSettings]:
    """The bridge alone, bound."""
    from talon_bridge.app import create_app
    from talon_emulator.wire import Protocol

    try:
        of_bridge, computations = settings.bridge_settings(USUAL_EMULATOR), settings.computations()
        bound = bind(of_bridge.host, of_bridge.port, "bridge", "--port")
        app = create_app(of_bridge, computations=computations)
        return Service("bridge", app, bound, Protocol, of_bridge.clients_grace), of_bridge
    except (ConfigError, PortTakenError, SettingsError, StoreUnavailable) as error:
        fail(str(error))


def destination(path: Path | None) -> tuple[Destination, Definitions]:
    """The destination's settings, and the attribute definitions of customer profiles, without starting anything."""
    settings = configured(path, None, None)
    try:
        return settings.destination_settings(USUAL_EMULATOR), settings.profile_definitions()
    except ConfigError as error:
        fail(str(error))


def checked(work: Callable[[], T]) -> T:
    """What a piece of work gives; what is wrong with the settings that it needs is said in one line."""
    try:
        return work()
    except SettingsError as error:
        fail(str(error))


def run(services: Sequence[Service], ready: Callable[[], None], form: log.Form = "text") -> None:
    """Serve until a signal, logging in this form; what keeps a service from starting is said in one line."""
    log.set_up(form)
    try:
        run_until_signalled(services, ready)
    except (SettingsError, StartError) as error:
        fail(str(error))


def in_background(job: Callable[[], None]) -> None:
    """Run a job beside the services; it does not keep the process alive."""
    threading.Thread(target=job, daemon=True).start()
