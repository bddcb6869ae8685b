"""A deployment's definitions as one value: its Applications, keys and attributes."""

import hashlib
from datetime import datetime
from typing import Final, Literal

import msgspec

from talon_emulator.attributes import Attribute
from talon_emulator.audiences import Audience
from talon_emulator.profiles import Environment

Partner = Literal[
    "segment",
    "braze",
    "mparticle",
    "shopify",
    "iterable",
    "customer_engagement",
    "customer_data",
    "salesforce",
    "emarsys",
]
Platform = Literal["none", Partner]


class Application(msgspec.Struct, frozen=True):
    """An Application; the times are RFC 3339."""

    id: int
    name: str
    environment: Environment
    description: str
    timezone: str
    currency: str
    created: str
    modified: str


class ApiKey(msgspec.Struct, frozen=True):
    """An Integration API key of one Application; only its fingerprint is kept."""

    fingerprint: str
    application: int
    title: str
    platform: Platform
    expires: datetime | None


class ManagementKey(msgspec.Struct, frozen=True):
    """A Management API key; only its fingerprint is kept."""

    fingerprint: str
    name: str
    expires: datetime | None


class State(msgspec.Struct, frozen=True):
    """What a deployment holds apart from customer data.

    `last_audience` is the id that was given last; `assumptions` are the answers chosen otherwise than by default.
    """

    applications: tuple[Application, ...] = ()
    api_keys: tuple[ApiKey, ...] = ()
    management_keys: tuple[ManagementKey, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    audiences: tuple[Audience, ...] = ()
    last_audience: int = 0
    assumptions: dict[str, str] = {}


EMPTY: Final = State()


class Deployment(msgspec.Struct, frozen=True):
    """A deployment: its number, which is also its account ID, its name, its state, and the state a reset returns to."""

    id: int
    name: str
    state: State = EMPTY
    baseline: State = EMPTY


def fingerprint(key: bytes) -> str:
    """Return what is kept of a key: its SHA-256 in hexadecimal."""
    return hashlib.sha256(key).hexdigest()
