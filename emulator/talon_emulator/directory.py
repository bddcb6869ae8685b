"""The deployments this server is serving, found by name or by key."""

from datetime import datetime
from typing import Literal

import msgspec

from talon_emulator.attributes import Attribute, Definitions
from talon_emulator.clock import Clock
from talon_emulator.deployments import Application, Deployment, Platform
from talon_emulator.journal import Journal
from talon_emulator.store.protocol import Store

KeyKind = Literal["integration", "management"]


class ServedDeployment:
    """A deployment with what the server keeps in memory for it: compiled definitions, clock, journal."""

    def __init__(self, record: Deployment, clock: Clock, journal: Journal) -> None:
        """Serve the deployment as `record` describes it."""
        self.clock = clock
        self.journal = journal
        self.record = record
        self.refresh(record)

    def refresh(self, record: Deployment) -> None:
        """Take over changed definitions."""
        self.record = record
        self.profile_definitions = Definitions("CustomerProfile", record.state.attributes)

    @property
    def id(self) -> int:
        """Return the number of the deployment, which is its account ID."""
        return self.record.id

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """Return the attribute definitions of every entity."""
        return self.record.state.attributes

    @property
    def applications(self) -> tuple[Application, ...]:
        """Return the Applications in the order of their creation."""
        return self.record.state.applications

    def application(self, number: int) -> Application | None:
        """Return one Application, or None."""
        return next((application for application in self.applications if application.id == number), None)


class Credential(msgspec.Struct, frozen=True):
    """What a known key opens; a Management key has no Application."""

    kind: KeyKind
    deployment: ServedDeployment
    title: str
    expires: datetime | None
    application: Application | None = None
    platform: Platform = "none"


class Directory:
    """Deployments by name, credentials by fingerprint. Keys are unique on the server.

    `recent` has the credentials of Authorization headers seen since the definitions last changed, to spare the hashing.
    """

    def __init__(self, clock: Clock, journal_size: int) -> None:
        """Start empty; new deployments get this clock and a journal of this size."""
        self._clock = clock
        self._journal_size = journal_size
        self._deployments: dict[str, ServedDeployment] = {}
        self._credentials: dict[tuple[KeyKind, str], Credential] = {}
        self.recent: dict[bytes, Credential] = {}

    async def load(self, store: Store) -> None:
        """Serve what the store holds."""
        for record in await store.deployments():
            self.put(record)

    def put(self, record: Deployment) -> ServedDeployment:
        """Serve a new or changed deployment."""
        served = self._deployments.get(record.name)
        if served is None:
            served = ServedDeployment(record, self._clock, Journal(self._journal_size))
            self._deployments[record.name] = served
        else:
            served.refresh(record)
        self._index()
        return served

    def named(self, name: str) -> ServedDeployment | None:
        """Return the deployment of this name."""
        return self._deployments.get(name)

    def all(self) -> tuple[ServedDeployment, ...]:
        """Return every deployment."""
        return tuple(self._deployments.values())

    def credential(self, kind: KeyKind, fingerprint: str) -> Credential | None:
        """Return what a key of this kind opens."""
        return self._credentials.get((kind, fingerprint))

    def owner(self, fingerprint: str) -> ServedDeployment | None:
        """Return the deployment that a key of any kind belongs to."""
        found = self.credential("integration", fingerprint) or self.credential("management", fingerprint)
        return found.deployment if found else None

    def _index(self) -> None:
        self._credentials = {}
        self.recent = {}
        for served in self._deployments.values():
            for key in served.record.state.api_keys:
                application = served.application(key.application)
                opened = Credential("integration", served, key.title, key.expires, application, key.platform)
                self._credentials["integration", key.fingerprint] = opened
            for manager in served.record.state.management_keys:
                opened = Credential("management", served, manager.name, manager.expires)
                self._credentials["management", manager.fingerprint] = opened
