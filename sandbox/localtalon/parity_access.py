"""The access of a comparison: keys from the environment, the Application that they open, how gently it is asked."""

import os
import re
import secrets
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from localtalon.parity_manifest import Manifest
from talon_contracts.parity.belongings import Ledger
from talon_contracts.parity.ground import Access, Ground
from talon_contracts.parity.line import Line, Pace
from talon_contracts.parity.preparation import Unfit, application, is_emulated

API_KEY: Final = "LOCALTALON_API_KEY"
MANAGEMENT_KEY: Final = "LOCALTALON_MANAGEMENT_KEY"
SEGMENT_KEY: Final = "LOCALTALON_SEGMENT_KEY"
SECOND_SEGMENT_KEY: Final = "LOCALTALON_SECOND_SEGMENT_KEY"
THIRD_PARTY: Final = "LOCALTALON_THIRDPARTY_URL"
CONTROL_TOKEN: Final = "LOCALTALON_EMULATOR_CONTROL_TOKEN"  # noqa: S105 (its name)
MANAGEMENT_RATE: Final = 2.9
"""Requests a second; three are allowed (documented)."""
_PREFIX: Final = re.compile(r"[A-Za-z0-9_-]{2,49}[_-]")
_KEY: Final = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line says; `timeout` is in seconds, `rate` in requests a second."""

    deployment: str
    application: int
    prefix: str
    manifest: Manifest
    other_application: int | None = None
    live: bool = False
    exceed_limits: bool = False
    rate: float = 20.0
    timeout: float = 30.0
    largest_body: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Opened:
    """A ground, the paces at which it is asked (Integration and Management API), and the Application's name."""

    ground: Ground
    paces: tuple[Pace, Pace]
    name: str


def opened(wish: Wish, environment: Mapping[str, str] = os.environ) -> Opened:
    """Reach the deployment and look at the Application. Raises Unfit, and CannotJudge where nothing sensible answers.

    An emulator is asked as fast as it goes, and is its own third-party host unless another one is named.
    """
    if not _PREFIX.fullmatch(wish.prefix):
        rule = "3 to 50 letters, digits, - and _, the last of them - or _"
        raise Unfit(f"the prefix {wish.prefix!r} must be {rule}: give another --prefix, such as ci-")
    keys = {name: _key(name, environment) for name in (API_KEY, MANAGEMENT_KEY, SEGMENT_KEY, SECOND_SEGMENT_KEY)}
    api_key, management_key = _needed(API_KEY, keys), _needed(MANAGEMENT_KEY, keys)
    with closing(_line("--deployment", wish.deployment, Pace(0), wish.timeout)) as first:
        emulated = is_emulated(first)
        paces = (Pace(0), Pace(0)) if emulated else (Pace(wish.rate), Pace(MANAGEMENT_RATE))
        headers = {"Authorization": f"ManagementKey-v1 {management_key}"}
        name, sandbox = application(first, headers, wish.application)
    if not (sandbox or wish.live):
        what = f"Application {wish.application} ({name}) is of the live environment"
        raise Unfit(f"{what}: name one of the sandbox, or say --live if you mean it")
    access = Access(
        application=wish.application,
        sandbox=sandbox,
        prefix=wish.prefix,
        tag=f"{wish.prefix}{secrets.token_hex(4)}-",
        api_key=api_key,
        management_key=management_key,
        segment_key=keys[SEGMENT_KEY],
        second_segment_key=keys[SECOND_SEGMENT_KEY],
        other_application=wish.other_application,
        live=wish.live,
        exceeds_limits=wish.exceed_limits,
        emulated=emulated,
        control_token=_key(CONTROL_TOKEN, environment),
        largest_body=wish.largest_body,
    )
    third_party = environment.get(THIRD_PARTY) or (wish.deployment if emulated else None)
    ground = Ground(
        access,
        _line("--deployment", wish.deployment, paces[0], wish.timeout),
        _line("--deployment", wish.deployment, paces[1], wish.timeout),
        _line(THIRD_PARTY, third_party, paces[0], wish.timeout) if third_party else None,
        Ledger(wish.manifest.note),
    )
    return Opened(ground, paces, name)


def _line(named: str, url: str, pace: Pace, timeout: float) -> Line:
    try:
        return Line(url, pace, timeout)
    except ValueError as error:
        if "@" in url:
            raise Unfit(f"{named}: {error}") from None
        raise Unfit(f"{named} {url!r} is no URL: give one such as https://demo.talon.one") from None


def _key(name: str, environment: Mapping[str, str]) -> str | None:
    key = environment.get(name, "").strip()
    if key and not _KEY.fullmatch(key):
        raise Unfit(f"{name} cannot be sent: it holds what no header may")
    return key or None


def _needed(name: str, keys: Mapping[str, str | None]) -> str:
    key = keys[name]
    if key is None:
        what = "an Integration API key of the Application" if name == API_KEY else "a Management API key"
        raise Unfit(f"{name} is not set: keys are taken from the environment only, and nothing goes without {what}")
    return key
