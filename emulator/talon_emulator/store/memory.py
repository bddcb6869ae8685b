"""The store in memory: plain dictionaries of one process, gone at its end."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import count, islice
from typing import Final, TypeVar

import msgspec

from talon_emulator.deployments import EMPTY, Deployment, State
from talon_emulator.errors import Refusal
from talon_emulator.profiles import Environment, Profile
from talon_emulator.records import Kind, Record
from talon_emulator.store import bulk
from talon_emulator.store.protocol import (
    BulkChange,
    Contents,
    DeploymentChange,
    Kept,
    KeptAnswer,
    Matching,
    ProfileChange,
    RecordChange,
    RecordMatching,
)

T = TypeVar("T")
RecordKey = tuple[Kind, int, str]
_BOTH: Final[tuple[Environment, ...]] = ("sandbox", "live")


class _Held:
    """What one deployment holds. Dictionaries keep the order of creation, which is that of the numbers."""

    def __init__(self, record: Deployment) -> None:
        self.record = record
        self.snapshots: dict[str, Contents] = {}
        self.forget_customers()

    def forget_customers(self) -> None:
        self.profiles: dict[Environment, dict[str, Profile]] = {environment: {} for environment in _BOTH}
        self.hidden: dict[Environment, int] = dict.fromkeys(_BOTH, 0)
        self.places: dict[int, tuple[Environment, str]] = {}
        self.members: dict[int, set[int]] = {}
        self.records: dict[RecordKey, Record] = {}
        self.answers: dict[bytes, Kept] = {}
        self.last_profile = self.last_record = 0

    def put(self, stored: Profile | None, changed: Profile) -> None:
        environment = changed.environment
        self.profiles[environment][changed.integration_id] = changed
        if stored is None:
            self.last_profile = changed.id
            self.places[changed.id] = environment, changed.integration_id
            held: tuple[int, ...] = ()
            self.hidden[environment] += changed.hidden
        else:
            held = stored.audiences
            self.hidden[environment] += changed.hidden - stored.hidden
        if held != changed.audiences:
            self._move(changed.id, set(held), set(changed.audiences))

    def _move(self, number: int, before: set[int], after: set[int]) -> None:
        for audience in after - before:
            self.members.setdefault(audience, set()).add(number)
        for audience in before - after:
            self.members[audience].discard(number)

    def numbered(self, number: int) -> Profile:
        environment, integration_id = self.places[number]
        return self.profiles[environment][integration_id]


class MemoryStore:
    """A store that is one process's own."""

    def __init__(self) -> None:
        """Start empty."""
        self._held: dict[int, _Held] = {}
        self._numbers = count(1)

    async def open(self) -> None:
        """There is nothing to open."""

    async def close(self) -> None:
        """There is nothing to close."""

    async def deployments(self) -> tuple[Deployment, ...]:
        """Return every deployment, oldest first."""
        return tuple(held.record for held in self._held.values())

    async def create_deployment(self, name: str, state: State = EMPTY) -> Deployment:
        """Create a deployment under a name that is not in use, `state` being its baseline too."""
        made = Deployment(next(self._numbers), name, state, state)
        self._held[made.id] = _Held(made)
        return made

    async def change_deployment(self, deployment: int, change: DeploymentChange) -> Deployment | Refusal:
        """Change the definitions of a deployment."""
        held = self._held[deployment]
        changed = change(held.record)
        if not isinstance(changed, Refusal):
            held.record = changed
        return changed

    async def reset_deployment(self, deployment: int) -> Deployment:
        """Return a deployment to its baseline and forget its customers."""
        held = self._held[deployment]
        held.record = msgspec.structs.replace(held.record, state=held.record.baseline)
        held.forget_customers()
        return held.record

    async def delete_deployment(self, deployment: int) -> None:
        """Forget a deployment and everything in it."""
        self._held.pop(deployment, None)

    async def find_profile(self, deployment: int, environment: Environment, integration_id: str) -> Profile | None:
        """Return one profile; the integration ID is compared exactly."""
        return self._held[deployment].profiles[environment].get(integration_id)

    async def find_profile_by_number(self, deployment: int, number: int) -> Profile | None:
        """Return the profile of this number, of either environment."""
        held = self._held[deployment]
        return held.numbered(number) if number in held.places else None

    async def update_profile(
        self, deployment: int, environment: Environment, integration_id: str, change: ProfileChange
    ) -> Profile | Refusal:
        """Change or create one profile."""
        held = self._held[deployment]
        stored = held.profiles[environment].get(integration_id)
        changed = change(stored)
        if isinstance(changed, Refusal) or changed is stored:
            return changed
        if stored is None:
            changed = bulk.numbered(changed, held.last_profile + 1, environment, integration_id)
        held.put(stored, changed)
        return changed

    async def update_profiles(
        self, deployment: int, environment: Environment, changes: Sequence[tuple[str, BulkChange]]
    ) -> tuple[Profile | None, ...] | Refusal:
        """Change or create many profiles, all or none; a profile may be there several times."""
        held = self._held[deployment]
        outcome = bulk.apply(held.profiles[environment], changes, environment, held.last_profile)
        if isinstance(outcome, Refusal):
            return outcome
        for before, changed in outcome.written:
            held.put(before, changed)
        return outcome.outcomes

    async def list_profiles(
        self,
        deployment: int,
        environment: Environment | None,
        limit: int,
        skip: int,
        newest_first: bool = False,
        matching: Matching | None = None,
    ) -> tuple[Profile, ...]:
        """Return the profiles that are not hidden in the order of their creation, or the other way round."""
        found = self._shown(self._held[deployment], environment, matching, newest_first)
        return tuple(islice(found, skip, skip + limit))

    async def count_profiles(
        self, deployment: int, environment: Environment | None, matching: Matching | None = None
    ) -> int:
        """Return how many profiles there are that are not hidden, and match."""
        held = self._held[deployment]
        if matching is not None:
            return sum(1 for _ in self._shown(held, environment, matching))
        chosen = _BOTH if environment is None else (environment,)
        return sum(len(held.profiles[one]) - held.hidden[one] for one in chosen)

    async def list_members(
        self, deployment: int, audience: int, limit: int, skip: int, containing: str = ""
    ) -> tuple[Profile, ...]:
        """Return the members of an audience, hidden ones too, in the order of their creation."""
        held = self._held[deployment]
        members = (held.numbered(number) for number in sorted(held.members.get(audience, ())))
        return tuple(islice((p for p in members if containing in p.integration_id), skip, skip + limit))

    async def clear_audience(self, deployment: int, audience: int) -> None:
        """End every membership in an audience."""
        held = self._held[deployment]
        for number in held.members.pop(audience, ()):
            profile = held.numbered(number)
            left = tuple(each for each in profile.audiences if each != audience)
            changed = msgspec.structs.replace(profile, audiences=left)
            held.profiles[profile.environment][profile.integration_id] = changed

    async def update_record(
        self, deployment: int, kind: Kind, application: int, key: str, change: RecordChange
    ) -> Record | Refusal:
        """Change or create one session or event."""
        held = self._held[deployment]
        stored = held.records.get((kind, application, key))
        changed = change(stored)
        if isinstance(changed, Refusal) or changed is stored:
            return changed
        if stored is None:
            held.last_record += 1
            changed = msgspec.structs.replace(changed, id=held.last_record)
        held.records[kind, application, key] = changed
        return changed

    async def find_record(self, deployment: int, kind: Kind, application: int, key: str) -> Record | None:
        """Return one session or event by its key."""
        return self._held[deployment].records.get((kind, application, key))

    async def list_records(
        self,
        deployment: int,
        kind: Kind,
        application: int,
        limit: int,
        skip: int,
        matching: RecordMatching | None = None,
    ) -> tuple[Record, ...]:
        """Return sessions or events of an Application, the newest first; only those that match."""
        newest = reversed(self._held[deployment].records.values())
        mine = (record for record in newest if (record.kind, record.application) == (kind, application))
        return tuple(islice((r for r in mine if matching is None or matching(r)), skip, skip + limit))

    async def find_answer(self, deployment: int, scope: bytes, now: str) -> KeptAnswer | None:
        """Return the answer kept for a scope, unless its time is over."""
        kept = self._held[deployment].answers.get(scope)
        return kept.answer if kept is not None and kept.expires > now else None

    async def keep_answer(self, deployment: int, scope: bytes, answer: KeptAnswer, now: str, expires: str) -> None:
        """Keep an answer until it expires, and forget those whose time is over."""
        answers = self._held[deployment].answers
        # The oldest are first; where the clock was set back, some stay a little longer.
        while answers and (oldest := next(iter(answers.values()))).expires <= now:
            del answers[oldest.scope]
        answers.pop(scope, None)
        answers[scope] = Kept(scope, answer, expires)

    async def contents(self, deployment: int) -> Contents:
        """Return all that a deployment holds."""
        held = self._held[deployment]
        profiles = tuple(held.numbered(number) for number in held.places)
        records, answers = tuple(held.records.values()), tuple(held.answers.values())
        return Contents(held.record.state, held.record.baseline, profiles, records, answers)

    async def replace_contents(self, deployment: int, contents: Contents) -> Deployment:
        """Put other contents in the place of all that a deployment holds."""
        held = self._held[deployment]
        held.record = msgspec.structs.replace(held.record, state=contents.state, baseline=contents.baseline)
        held.forget_customers()
        for profile in contents.profiles:
            held.put(None, profile)
        held.records = {(record.kind, record.application, record.key): record for record in contents.records}
        held.last_record = max((record.id for record in contents.records), default=0)
        held.answers = {kept.scope: kept for kept in contents.answers}
        return held.record

    async def save_snapshot(self, deployment: int, name: str) -> None:
        """Keep the contents of a deployment under a name."""
        self._held[deployment].snapshots[name] = await self.contents(deployment)

    async def find_snapshot(self, deployment: int, name: str) -> Contents | None:
        """Return what was kept under a name."""
        return self._held[deployment].snapshots.get(name)

    async def list_snapshots(self, deployment: int) -> tuple[str, ...]:
        """Return the names of the snapshots, sorted."""
        return tuple(sorted(self._held[deployment].snapshots))

    async def delete_snapshot(self, deployment: int, name: str) -> bool:
        """Forget a snapshot; tell whether it was there."""
        return self._held[deployment].snapshots.pop(name, None) is not None

    def _shown(
        self, held: _Held, environment: Environment | None, matching: Matching | None, newest_first: bool = False
    ) -> Iterator[Profile]:
        if environment is None:
            numbers = reversed(held.places) if newest_first else iter(held.places)
            found: Iterable[Profile] = map(held.numbered, numbers)
        else:
            mine = held.profiles[environment].values()
            found = reversed(mine) if newest_first else mine
        return (p for p in found if not p.hidden and (matching is None or matching(p)))
