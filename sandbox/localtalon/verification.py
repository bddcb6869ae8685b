"""What `verify` is told, made into a bench: whose bridge, which Talon.One, with which keys."""

import contextlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from localtalon.config import Config
from localtalon.own_pair import OwnPair
from localtalon.startup import USUAL_EMULATOR
from talon_bridge.audience_key import key_of, problems
from talon_contracts import verify
from talon_contracts.curl import Addresses
from talon_contracts.oracle import DestinationSettings
from talon_contracts.targets import Bench, Bridge, Engage, Levers, Management, TalonOne
from talon_contracts.verify import Plan
from talon_emulator.seed import DEMO

USUAL_BRIDGE: Final = "http://127.0.0.1:8901"
DEMO_WRITE_KEY: Final = "localtalon-write-key"
MANAGEMENT_KEY: Final = "LOCALTALON_MANAGEMENT_KEY"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be verified: a bridge and a Talon.One by URL, each None for our own; `settle` is in seconds."""

    config_file: Path | None
    config: Config
    bridge: str | None
    talon_one: str | None
    settle: float


@dataclass(frozen=True, slots=True)
class Arranged:
    """A bench that is ready, how to call what is on it, and where lines for a shell point to."""

    bench: Bench
    subject: tuple[tuple[str, str], ...]
    addresses: Addresses


@contextlib.contextmanager
def arranged(subject: Subject, environ: Mapping[str, str]) -> Iterator[Arranged]:
    """The bench, as long as the block lasts. Raises `ConfigError` and `own_pair.NotStartedError`."""
    config = subject.config
    destination = config.destination_settings(subject.talon_one or USUAL_EMULATOR)
    if subject.bridge is not None:
        talon_one = subject.talon_one or destination.base_url
        with contextlib.closing(_bench(subject, environ, subject.bridge, talon_one, None)) as bench:
            told = (("bridge", subject.bridge), ("Talon.One", talon_one))
            yield Arranged(bench, told, _at(config, subject.bridge, talon_one))
        return
    with OwnPair(subject.config_file, destination.api_key, subject.talon_one) as pair:
        bench = _bench(subject, environ, pair.bridge_url, pair.talon_one_url, pair.restart)
        behind = subject.talon_one or "localtalon's own"
        # The lines are for somebody who has a pair running; ours is gone when they are read.
        at = _at(config, USUAL_BRIDGE, subject.talon_one or USUAL_EMULATOR)
        with contextlib.closing(bench):
            yield Arranged(bench, (("bridge", "localtalon's own"), ("Talon.One", behind)), at)


def _bench(
    subject: Subject,
    environ: Mapping[str, str],
    bridge: str,
    talon_one: str,
    restart: Callable[[], None] | None,
) -> Bench:
    config = subject.config
    destination = config.destination_settings(talon_one)
    token = config.emulator.control_token
    levers = Levers(talon_one, token)
    key = environ.get(MANAGEMENT_KEY) or next((each.key for each in config.deployment.management_keys), None)
    return Bench(
        talon_one=TalonOne(talon_one, destination.api_key, journal_token=token),
        settings=DestinationSettings(frozenset(destination.custom_attributes), destination.client_side_sources),
        definitions={
            attribute.name: attribute.type
            for attribute in config.profile_definitions().attributes
            if not attribute.restricted_by_suggestions
        },
        prefix=f"verify-{secrets.token_hex(4)}-",
        bridge=Bridge(
            bridge,
            config.bridge_settings(talon_one).write_keys[0],
            settle_seconds=subject.settle,
            control_token=config.bridge.control_token,
        ),
        audience_key=None if restart is None else key_or_refusal,
        management=None if key is None else Management(talon_one, key, _application(config, destination.api_key)),
        levers=levers if levers.there else None,
        restart=restart,
        engage=Engage(bridge, config.bridge.control_token),
    )


def key_or_refusal(name: str, others: tuple[str, ...]) -> str:
    """The key of an audience beside others, as defining it would give it; raises ValueError where that is an error."""
    named = {f"other {number}": key for number, key in enumerate(others)}
    found = [problem for problem in problems({**named, name: None}) if problem.audience == name]
    if found:
        raise ValueError(str(found[-1]))
    return key_of(name)


def _application(config: Config, api_key: str) -> int:
    """The Application that the API key belongs to, or the first one."""
    applications = config.deployment.applications
    mine = [each.id for each in applications if any(key.key == api_key for key in each.api_keys)]
    return next(iter([*mine, *(each.id for each in applications), 1]))


def _at(config: Config, bridge: str, talon_one: str) -> Addresses:
    """Where lines for a shell point to; of keys only those of the demo are in them, which are no secret."""
    at = Addresses(bridge.rstrip("/"), talon_one.rstrip("/"))
    if config.own_deployment is not None or config.destination.api_key is not None:
        return at
    (application,), (management,) = DEMO.applications, DEMO.management_keys
    key = next(key.key for key in application.api_keys if key.platform == "none")
    write_key = config.bridge_settings(talon_one).write_keys[0]
    shown = write_key if write_key == DEMO_WRITE_KEY else at.write_key
    return Addresses(at.bridge, at.talon_one, shown, key, management.key)


def planned(arranged: Arranged, rules: Sequence[str], examples: int, seed: int, again: Callable[[str], str]) -> Plan:
    """What to verify: all rules, or those that are asked for, which then have to be tried.

    Raises ValueError for a rule that is none.
    """
    try:
        chosen = verify.selected(rules)
    except KeyError as error:
        known = ", ".join(dict.fromkeys(verify.planned(name).rule for name in verify.EVERY))
        raise ValueError(f"no check speaks for {error}; there are checks for {known}") from None
    return Plan(
        checks=chosen,
        examples=examples,
        seed=seed,
        addresses=arranged.addresses,
        version=version("localtalon"),
        subject=arranged.subject,
        strict=bool(rules),
        again=again,
    )
