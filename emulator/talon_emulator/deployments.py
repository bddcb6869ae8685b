"""A deployment's definitions as one value: its Applications, keys and attributes."""

import hashlib
import re
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

_PARAMETER = re.compile(r"\{[^{}/]*\}")
_ROUNDS: Final = 1000  # few, for deployments are made in milliseconds; it is to keep passwords out of files and exports


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


class Endpoint(msgspec.Struct, frozen=True):
    """An operation of the Management API by its method and path, whatever the parameters in it are called."""

    method: str
    path: str

    def route(self) -> tuple[str, str]:
        """Return what it is compared by."""
        return self.method.upper(), _PARAMETER.sub("{}", self.path)


class ManagementKey(msgspec.Struct, frozen=True):
    """A Management API key; only its fingerprint is kept.

    `endpoints` are those that it opens, None for all; `applications` those that it may name, none for all (documented).
    """

    fingerprint: str
    name: str
    expires: datetime | None
    endpoints: tuple[Endpoint, ...] | None = None
    applications: tuple[int, ...] = ()


class User(msgspec.Struct, frozen=True):
    """Somebody who may sign in; of the password only a hash is kept."""

    id: int
    email: str
    password: str


class Session(msgspec.Struct, frozen=True):
    """A user who has signed in, until he signs out or it expires; only the fingerprint of the token is kept."""

    fingerprint: str
    user: int
    expires: datetime


class State(msgspec.Struct, frozen=True):
    """What a deployment holds apart from customer data.

    `last_audience` and `last_import` are the ids that were given last; `assumptions` are the answers chosen otherwise
    than by default.
    """

    applications: tuple[Application, ...] = ()
    api_keys: tuple[ApiKey, ...] = ()
    management_keys: tuple[ManagementKey, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    audiences: tuple[Audience, ...] = ()
    last_audience: int = 0
    assumptions: dict[str, str] = {}
    users: tuple[User, ...] = ()
    sessions: tuple[Session, ...] = ()
    last_import: int = 0


EMPTY: Final = State()


class Deployment(msgspec.Struct, frozen=True):
    """A deployment: its number, which is also its account ID, its name, its state, and the state a reset returns to.

    `revision` is that of its last change, in a store that several processes share.
    """

    id: int
    name: str
    state: State = EMPTY
    baseline: State = EMPTY
    revision: int = 0


def fingerprint(key: bytes) -> str:
    """Return what is kept of a key: its SHA-256 in hexadecimal."""
    return hashlib.sha256(key).hexdigest()


def hashed(email: str, password: str) -> str:
    """Return what is kept of a password: its PBKDF2 with the e-mail address as salt, in hexadecimal."""
    return hashlib.pbkdf2_hmac("sha256", password.encode(), email.casefold().encode(), _ROUNDS).hex()
