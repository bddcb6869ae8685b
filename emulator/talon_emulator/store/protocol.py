"""What a store does for the emulator."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import msgspec

from talon_emulator.deployments import EMPTY, Deployment, State
from talon_emulator.errors import Refusal
from talon_emulator.profiles import Environment, Profile
from talon_emulator.records import Kind, Record

ProfileChange = Callable[[Profile | None], Profile | Refusal]
# None for None: a profile that is not there stays so.
BulkChange = Callable[[Profile | None], Profile | Refusal | None]
DeploymentChange = Callable[[Deployment], Deployment | Refusal]
RecordChange = Callable[[Record | None], Record | Refusal]
Matching = Callable[[Profile], bool]
RecordMatching = Callable[[Record], bool]


class StoreUnavailable(Exception):
    """The store cannot be opened or is damaged; the message says why, and what to do, in words for a user."""


class NameTaken(Exception):
    """Another process made a deployment of this name meanwhile."""


class DeploymentGone(LookupError):
    """The deployment is not there any more."""


class KeptAnswer(msgspec.Struct, frozen=True):
    """What a request was answered, kept for the case that it is sent again."""

    status: int
    body: bytes


class Kept(msgspec.Struct, frozen=True):
    """A kept answer with what it is found by, until its time is over."""

    scope: bytes
    answer: KeptAnswer
    expires: str


class Contents(msgspec.Struct, frozen=True):
    """All that a deployment holds, in the order of creation."""

    state: State
    baseline: State
    profiles: tuple[Profile, ...] = ()
    records: tuple[Record, ...] = ()
    answers: tuple[Kept, ...] = ()


class Changes(msgspec.Struct, frozen=True):
    """Which deployments there are at a revision, and those that are not as they were at an earlier one."""

    revision: int
    numbers: frozenset[int]
    changed: tuple[Deployment, ...]


class Store(Protocol):
    """Deployments, and of each the customer profiles by environment and integration ID, the records, and snapshots.

    A change is a pure function, called inside the transaction with what is stored and possibly more than once. What it
    returns is stored and returned; a refusal is only returned; the very value it was given means that nothing changed.
    """

    async def open(self) -> None:
        """Open the store, creating or upgrading its schema. Raises StoreUnavailable."""
        ...

    async def close(self) -> None:
        """Close the store; closing a closed one does nothing."""
        ...

    async def deployments(self) -> tuple[Deployment, ...]:
        """Return every deployment, oldest first."""
        ...

    async def create_deployment(self, name: str, state: State = EMPTY) -> Deployment:
        """Create a deployment under a name that is not in use, `state` being its baseline too.

        Its number is none that a deployment had since the store was opened: what still runs for a deleted deployment
        must not find another one in its place.
        """
        ...

    async def change_deployment(self, deployment: int, change: DeploymentChange) -> Deployment | Refusal:
        """Change the definitions of a deployment."""
        ...

    async def reset_deployment(self, deployment: int) -> Deployment:
        """Return a deployment to its baseline and forget its customers."""
        ...

    async def delete_deployment(self, deployment: int) -> None:
        """Forget a deployment and everything in it; forgetting it twice does nothing."""
        ...

    async def find_profile(self, deployment: int, environment: Environment, integration_id: str) -> Profile | None:
        """Return one profile; the integration ID is compared exactly."""
        ...

    async def update_profile(
        self, deployment: int, environment: Environment, integration_id: str, change: ProfileChange
    ) -> Profile | Refusal:
        """Change or create one profile; what is returned is durable against the end of the process."""
        ...

    async def update_profiles(
        self, deployment: int, environment: Environment, changes: Sequence[tuple[str, BulkChange]]
    ) -> tuple[Profile | None, ...] | Refusal:
        """Change or create many profiles, in order and all or none: the first refusal is returned, nothing is stored.

        An integration ID may be there several times; each change is given what the one before it made. Returns what
        each change made. What is returned is durable against the end of the process.
        """
        ...

    async def find_profile_by_number(self, deployment: int, number: int) -> Profile | None:
        """Return the profile of this number, of either environment."""
        ...

    async def list_profiles(
        self,
        deployment: int,
        environment: Environment | None,
        limit: int,
        skip: int,
        newest_first: bool = False,
        matching: Matching | None = None,
    ) -> tuple[Profile, ...]:
        """Return the profiles that are not hidden in the order of their creation, or the other way round.

        Those of both environments when that is None; only those that `matching` says yes to, which looks at each.
        """
        ...

    async def count_profiles(
        self, deployment: int, environment: Environment | None, matching: Matching | None = None
    ) -> int:
        """Return how many profiles there are that are not hidden, and match."""
        ...

    async def list_members(
        self, deployment: int, audience: int, limit: int, skip: int, containing: str = ""
    ) -> tuple[Profile, ...]:
        """Return the members of an audience, hidden ones too, in the order of their creation.

        Only those whose integration ID contains `containing`, exactly as it is written, are counted and returned.
        """
        ...

    async def clear_audience(self, deployment: int, audience: int) -> None:
        """End every membership in an audience."""
        ...

    async def update_record(
        self, deployment: int, kind: Kind, application: int, key: str, change: RecordChange
    ) -> Record | Refusal:
        """Change or create one session or event; what is returned is durable against the end of the process."""
        ...

    async def find_record(self, deployment: int, kind: Kind, application: int, key: str) -> Record | None:
        """Return one session or event by its key, which is compared exactly."""
        ...

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
        ...

    async def find_answer(self, deployment: int, scope: bytes, now: str) -> KeptAnswer | None:
        """Return the answer kept for a scope, unless its time is over; `now` is RFC 3339 in UTC."""
        ...

    async def keep_answer(self, deployment: int, scope: bytes, answer: KeptAnswer, now: str, expires: str) -> None:
        """Keep an answer until it expires, and forget those whose time is over."""
        ...

    async def contents(self, deployment: int) -> Contents:
        """Return all that a deployment holds."""
        ...

    async def replace_contents(self, deployment: int, contents: Contents) -> Deployment:
        """Put other contents in the place of all that a deployment holds; its name, number and snapshots stay."""
        ...

    async def save_snapshot(self, deployment: int, name: str) -> None:
        """Keep the contents of a deployment under a name, in place of what was kept under it."""
        ...

    async def find_snapshot(self, deployment: int, name: str) -> Contents | None:
        """Return what was kept under a name."""
        ...

    async def list_snapshots(self, deployment: int) -> tuple[str, ...]:
        """Return the names of the snapshots, sorted."""
        ...

    async def delete_snapshot(self, deployment: int, name: str) -> bool:
        """Forget a snapshot; tell whether it was there."""
        ...


@runtime_checkable
class SharedStore(Store, Protocol):
    """What a store does besides when several processes use it at the same time.

    Every change to any deployment takes the next revision, which the deployment then has. `create_deployment` raises
    NameTaken; what is asked of a deployment that another process deleted raises LookupError.
    """

    async def revision(self) -> int:
        """Return the revision of the last change; 0 when there was none."""
        ...

    async def changes(self, since: int) -> Changes:
        """Return what changed after a revision."""
        ...
