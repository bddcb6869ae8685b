"""The deployments this server is serving, found by name or by key."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final, Literal

import msgspec

from talon_emulator import assumptions
from talon_emulator.attributes import Attribute
from talon_emulator.audiences import Audience
from talon_emulator.clock import Clock
from talon_emulator.definitions import Definitions
from talon_emulator.deployments import Application, Deployment, Platform
from talon_emulator.faults.active import Faults
from talon_emulator.journal import Journal
from talon_emulator.limits import OFF, Limiter, Limits
from talon_emulator.profiles import Profile
from talon_emulator.store.protocol import SharedStore, Store

KeyKind = Literal["integration", "management", "session"]


REMOVED: Final = -1  # the life of a deployment that is none any more


class ServedDeployment:
    """A deployment with what the server keeps in memory for it: compiled definitions, clock, faults, limits, journal.

    `life` grows when all that it holds is replaced or forgotten: what began in an earlier one is not carried out.
    `limiter` is None where nothing is limited; `assumed` has the answer to every open question by its id.
    """

    def __init__(self, record: Deployment, clock: Clock, journal: Journal) -> None:
        """Serve the deployment as `record` describes it."""
        self.clock = clock
        self.journal = journal
        self.life = 0
        self.faults = Faults()
        self.limiter: Limiter | None = None
        self.record = record
        self.refresh(record)

    def limit(self, limits: Limits) -> None:
        """Put limits into effect, with nothing used up yet."""
        self.limiter = None if limits == OFF else Limiter(limits)

    def refresh(self, record: Deployment) -> None:
        """Take over changed definitions."""
        self.record = record
        self.assumed = assumptions.in_effect(record.state.assumptions)
        attributes = record.state.attributes
        self.profile_definitions = Definitions("CustomerProfile", attributes, self.assumed)
        self._apart: dict[int, Definitions] = {}
        self._others: dict[tuple[str, int], Definitions] = {}  # made when they are first needed
        if self.assumed["unsubscribed-attribute"] == "refuse":
            self._apart = {
                application.id: Definitions("CustomerProfile", _connected(attributes, application), self.assumed)
                for application in record.state.applications
            }
        self._audiences = {audience.id: audience for audience in record.state.audiences}

    @property
    def id(self) -> int:
        """Return the number of the deployment, which is its account ID."""
        return self.record.id

    def profile_definitions_of(self, application: Application) -> Definitions:
        """Return the definitions of customer profiles that an Application may send values for."""
        return self._apart.get(application.id, self.profile_definitions)

    def definitions_of(
        self, entity: str, application: Application, attributes: Iterable[Attribute] | None = None
    ) -> Definitions:
        """Return the definitions of an entity that an Application may send values for, out of all or of those given.

        Null deletes a value there in any case (documented for all but the Integration API).
        """
        if attributes is not None:
            return self._definitions(entity, application, attributes)
        found = self._others.get((entity, application.id))
        if found is None:
            found = self._definitions(entity, application, self.attributes)
            self._others[entity, application.id] = found
        return found

    def _definitions(self, entity: str, application: Application, attributes: Iterable[Attribute]) -> Definitions:
        if self.assumed["unsubscribed-attribute"] == "refuse":
            attributes = _connected(attributes, application)
        return Definitions(entity, attributes, {**self.assumed, "null-value": "delete"})

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

    def audiences_of(self, profile: Profile) -> tuple[Audience, ...]:
        """Return the audiences that a profile is a member of."""
        found = (self._audiences.get(number) for number in profile.audiences)
        return tuple(audience for audience in found if audience is not None)

    def audience(self, number: int) -> Audience | None:
        """Return one audience of either environment, or None."""
        return self._audiences.get(number)


def _connected(attributes: Iterable[Attribute], application: Application) -> Iterator[Attribute]:
    """Yield the attributes connected to an Application; one that is connected to none is meant for all (assumed)."""
    for attribute in attributes:
        connected = attribute.subscribed_applications_ids
        if not connected or application.id in connected:
            yield attribute


class Credential(msgspec.Struct, frozen=True):
    """What a known key or token opens; one of the Management API has no Application.

    `user` is who acts; which one a Management key belongs to is not kept. `endpoints` and `applications` are what a
    Management key is held to.
    """

    kind: KeyKind
    deployment: ServedDeployment
    title: str
    expires: datetime | None
    application: Application | None = None
    platform: Platform = "none"
    user: int = 1
    endpoints: frozenset[tuple[str, str]] | None = None
    applications: tuple[int, ...] = ()


class Directory:
    """Deployments by name, credentials by fingerprint. Keys are unique on the server.

    `clock` and `limits` are those that deployments start with. `recent` has the credentials of Authorization headers
    seen since definitions last changed, to spare the hashing; a header that opens nothing is never in it.
    """

    def __init__(self, clock: Clock, journal_size: int, limits: Limits = OFF) -> None:
        """Start empty; new deployments get this clock, a journal of this size, and these limits."""
        self.clock = clock
        self.limits = limits
        self._journal_size = journal_size
        self._deployments: dict[str, ServedDeployment] = {}
        self._credentials: dict[tuple[KeyKind, str], Credential] = {}
        self.recent: dict[bytes, Credential] = {}
        self._revision = 0

    async def load(self, store: Store) -> None:
        """Serve what the store holds."""
        if isinstance(store, SharedStore):
            await self.catch_up(store)
            return
        for record in await store.deployments():
            self.put(record)

    async def catch_up(self, store: SharedStore) -> None:
        """Serve what other processes made of the deployments; it is one look while there is nothing new."""
        if await store.revision() == self._revision:
            return
        changes = await store.changes(self._revision)
        if changes.revision <= self._revision:
            return  # a call that began later was faster
        self._revision = changes.revision
        for served in self.all():
            if served.id not in changes.numbers:
                self.remove(served)
        for record in changes.changed:
            self.put(record)

    def put(self, record: Deployment) -> ServedDeployment:
        """Serve a new or changed deployment. What it costs does not grow with how many there are."""
        served = self._deployments.get(record.name)
        if served is None:
            served = ServedDeployment(record, self.clock, Journal(self._journal_size))
            served.limit(self.limits)
            self._deployments[record.name] = served
        elif record.revision and record.revision <= served.record.revision:
            return served  # what came later is served already
        else:
            self._forget(served)
            served.refresh(record)
        self._index(served)
        return served

    def start_over(self, served: ServedDeployment) -> None:
        """Forget what happened and what was set: an empty journal, no faults, clock and limits as at the start."""
        served.life += 1
        served.journal.clear()
        served.faults = Faults()
        served.clock = self.clock
        served.limit(self.limits)

    def remove(self, served: ServedDeployment) -> None:
        """Serve a deployment no longer; its keys open nothing from now on."""
        self._forget(served)
        served.life = REMOVED
        served.journal.end()
        del self._deployments[served.record.name]

    def named(self, name: str) -> ServedDeployment | None:
        """Return the deployment of this name."""
        return self._deployments.get(name)

    def hosted(self, label: str) -> ServedDeployment | None:
        """Return the deployment whose name this is, in whatever case, since browsers write Host names in lower case."""
        if not label:
            return None
        return next((served for name, served in self._deployments.items() if name.lower() == label), None)

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

    def _index(self, served: ServedDeployment) -> None:
        for key in served.record.state.api_keys:
            application = served.application(key.application)
            opened = Credential("integration", served, key.title, key.expires, application, key.platform)
            self._credentials["integration", key.fingerprint] = opened
        for manager in served.record.state.management_keys:
            endpoints = None if manager.endpoints is None else frozenset(each.route() for each in manager.endpoints)
            opened = Credential(
                "management",
                served,
                manager.name,
                manager.expires,
                endpoints=endpoints,
                applications=manager.applications,
            )
            self._credentials["management", manager.fingerprint] = opened
        emails = {user.id: user.email for user in served.record.state.users}
        for session in served.record.state.sessions:
            title = emails.get(session.user, "somebody who is gone")
            opened = Credential("session", served, title, session.expires, user=session.user)
            self._credentials["session", session.fingerprint] = opened

    def _forget(self, served: ServedDeployment) -> None:
        for key in served.record.state.api_keys:
            self._drop("integration", key.fingerprint, served)
        for manager in served.record.state.management_keys:
            self._drop("management", manager.fingerprint, served)
        for session in served.record.state.sessions:
            self._drop("session", session.fingerprint, served)
        self.recent.clear()

    def _drop(self, kind: KeyKind, fingerprint: str, served: ServedDeployment) -> None:
        # Two processes may have given one key to two deployments at the same moment; one of these has it then.
        known = self._credentials.get((kind, fingerprint))
        if known is not None and known.deployment is served:
            del self._credentials[kind, fingerprint]
