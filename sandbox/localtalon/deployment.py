"""A Talon.One of a test's own: a deployment on a sandbox, that shares nothing with its neighbours."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote

import msgspec

from localtalon import payload
from localtalon.config import Config, ConfigError
from localtalon.differences import definition, document
from localtalon.in_process import ControlError, InProcess
from localtalon.journal import Journal
from localtalon.talon_controls import Clock, Fault
from talon_bridge.nearest import nearest
from talon_emulator.deployments import State
from talon_emulator.profiles import Environment, Profile
from talon_emulator.store import Store

Limits = Literal["real", "off"] | Mapping[str, int]

_CONSIDERED = 1000  # integration IDs among which a missing one is looked for


class NoProfileError(LookupError):
    """There is no customer profile with this integration ID; the message says what may have become of it."""


class CustomerProfile(msgspec.Struct, frozen=True):
    """A customer profile as Talon.One holds it; times are RFC 3339, `audiences` their names."""

    integration_id: str
    attributes: dict[str, Any]
    audiences: tuple[str, ...]
    created: str
    last_activity: str


class Talon:
    """A deployment with keys, clock, faults, limits and a journal of its own; its keys open it alone.

    `url` is where a client reaches it, with `api_key` (Integration API) or `management_key`. What is asked here meets
    no fault and no limit and is in no journal, but for `update`. Use as a context, or `close` it; the sandbox does at
    its end.
    """

    def __init__(self, emulator: InProcess, store: Store, config: Config, limits: Limits | None) -> None:
        made = emulator.control("POST", "/_emulator/deployments", document(config))
        self.name: str = made["deployment"]
        self.url: str = made["url"]
        self.campaign_manager: str = made["campaignManager"]
        first = made["apiKeys"][0]
        same = [key for key in made["apiKeys"] if key["application"] == first["application"]]
        keys = {key["platform"]: key["key"] for key in same}
        self.application: int = first["application"]
        self.api_key: str = keys["none"]
        self.segment_key: str = keys["segment"]
        self.management_key: str = made["managementKeys"][0]["key"]
        self.config = config
        self._number: int = made["accountId"]
        self._environment: Environment = first["environment"]
        self._emulator = emulator
        self._store = store
        self._limits = limits
        self._faults: list[Fault] = []
        self.closed = False
        self.journal = Journal(emulator, self.name)
        self.clock = Clock(emulator, "/_emulator/clock", deployment=self.name)
        try:
            self._limit()
        except ControlError:
            self.close()
            raise

    def profile(self, integration_id: str) -> CustomerProfile:
        """The customer profile with this integration ID, exact in case; raises `NoProfileError`."""
        state, found = self._state(), self._found(integration_id)
        if found is None:
            raise NoProfileError(self._missing(integration_id))
        return self._shown(found, state)

    def profiles(self) -> list[CustomerProfile]:
        """Every customer profile, the oldest first."""
        state = self._state()
        return [self._shown(each, state) for each in self._listed(1_000_000)]

    def __contains__(self, integration_id: object) -> bool:
        """Whether there is a customer profile with this integration ID."""
        return isinstance(integration_id, str) and bool(self._state()) and self._found(integration_id) is not None

    def update(self, integration_id: str, attributes: Mapping[str, Any]) -> CustomerProfile:
        """Update a profile as a client with the API key does; raises `ControlError` with Talon.One's refusal."""
        path = f"/v2/customer_profiles/{quote(integration_id, safe='')}"
        headers = ((b"authorization", f"ApiKey-v1 {self.api_key}".encode()),)
        reply = self._emulator.ask("PUT", path, payload.encode({"attributes": attributes}), headers)
        if not 0 < reply.status < 400:
            last = self.journal.kept(integration_id=integration_id).entries[-1:]
            why = last[0].message if last else "its journal has forgotten why"
            answer = f"answers {reply.status}" if reply.status else "does not answer"
            raise ControlError(f"Talon.One {answer}: {why}")
        return self.profile(integration_id)

    @property
    def attributes(self) -> dict[str, str]:
        """The types of the attributes that are defined on customer profiles, by name."""
        return {each.name: each.type for each in self._state().attributes if each.entity == "CustomerProfile"}

    def define(self, name: str, type: str, **members: Any) -> None:
        """Define an attribute of customer profiles, or of another `entity`; doing it again changes nothing.

        A bridge sends its value only if it is a Custom Attribute too. Raises `ControlError` where it cannot be.
        """
        try:
            wanted = definition(name, {"type": type, **members})
        except ConfigError as error:
            raise ControlError(str(error)) from None
        for each in self._state().attributes:
            if (each.entity, each.name) == (wanted.entity, name) and each.type != type:
                raise ControlError(f"attribute {name!r} is defined as {each.type} already; a type never changes")
        self.seed(attributes=[wanted])

    def seed(self, **parts: Any) -> None:
        """Add parts of a deployment document, the `[deployment]` of a config; a reset returns to them too."""
        self._steer("POST", "/seed", parts)

    def fault(self, kind: str, **members: Any) -> Fault:
        """Let something go wrong: `talon.fault("error", status=503, count=2)`; docs/control.md has all kinds.

        Members are in snake case. It is in effect at once, until it is ended, or the block that it is the context of.
        """
        given = {_camel(name): value for name, value in members.items()}
        made = self._steer("POST", "/faults", {"kind": kind, **given})
        self._faults.append(Fault(self._emulator, self.name, made["id"]))
        return self._faults[-1]

    def limits(self, choice: Literal["real", "off"] | None = None, **numbers: int) -> None:
        """Hold clients to Talon.One's limits, to none, or to these: `segment`, `management` a second, `profile`."""
        if (choice is None) == (not numbers):
            raise ControlError('give "real", "off", or numbers: segment=, management=, profile=')
        before, self._limits = self._limits, choice or numbers
        try:
            self._limit()
        except ControlError:
            self._limits = before
            raise

    def reset(self) -> None:
        """Back to the beginning: no customers, no journal, no faults, the real time. A bridge is not reset by it."""
        for fault in self._faults:
            fault.end()  # its number will be that of another one
        self._faults = []
        self._steer("POST", "/reset")
        self._limit()

    def snapshot(self, name: str) -> None:
        """Keep all that it holds under a name."""
        self._steer("POST", "/snapshot", {"name": name})

    def restore(self, name: str) -> None:
        """Go back to a snapshot; clock, faults, limits and journal stay as they are."""
        self._steer("POST", "/restore", {"name": name})

    def close(self) -> None:
        """Delete the deployment; closing a closed one does nothing."""
        if not self.closed:
            self.closed = True
            self._emulator.control("DELETE", f"/_emulator/deployments/{self.name}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        """Leave the keys out."""
        return f"Talon({self.name!r}, url={self.url!r})"

    def _steer(self, method: str, path: str, document: Any = None) -> Any:
        return self._emulator.control(method, f"/_emulator{path}", document, deployment=self.name)

    def _limit(self) -> None:
        if self._limits is not None:
            self._steer("POST", "/limits", {"limits": self._limits})

    def _state(self) -> State:
        stored = self._emulator.run(self._store.deployments())
        found = next((each.state for each in stored if each.id == self._number), None)
        if found is None:
            raise ControlError(f"the deployment {self.name!r} is closed")
        return found

    def _found(self, integration_id: str) -> Profile | None:
        found = self._emulator.run(self._store.find_profile(self._number, self._environment, integration_id))
        return None if found is None or found.hidden else found

    def _listed(self, limit: int) -> tuple[Profile, ...]:
        return self._emulator.run(self._store.list_profiles(self._number, self._environment, limit, 0))

    def _shown(self, profile: Profile, state: State) -> CustomerProfile:
        names = {audience.id: audience.name for audience in state.audiences}
        return CustomerProfile(
            profile.integration_id,
            msgspec.json.decode(profile.attributes),
            tuple(names[each] for each in profile.audiences if each in names),
            profile.created,
            profile.last_activity,
        )

    def _missing(self, integration_id: str) -> str:
        known = tuple(each.integration_id for each in self._listed(_CONSIDERED))
        text = f"there is no customer profile {integration_id!r}"
        near = nearest(integration_id, known)
        if near is not None:
            text += f"; there is {near.name!r}, which differs in {near.differs_in}"
        elif known:
            text += f"; there are {', '.join(map(repr, known[:5]))}{' and others' if len(known) > 5 else ''}"
        refused = self.journal.bad(integration_id=integration_id)
        if refused:
            text += f"; an update of it was answered {refused[-1].status}: {refused[-1].message}"
        return text


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.title, others))
