"""What a store does for the emulator."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from talon_emulator.deployments import EMPTY, Deployment, State
from talon_emulator.errors import Refusal
from talon_emulator.profiles import Environment, Profile

ProfileChange = Callable[[Profile | None], Profile | Refusal]
# None for None: a profile that is not there stays so.
BulkChange = Callable[[Profile | None], Profile | Refusal | None]
DeploymentChange = Callable[[Deployment], Deployment | Refusal]


class StoreUnavailable(Exception):
    """The store cannot be opened; the message says why, and what to do, in words for a user."""


class KeptAnswer(msgspec.Struct, frozen=True):
    """What a request was answered, kept for the case that it is sent again."""

    status: int
    body: bytes


class Store(Protocol):
    """Deployments, and the customer profiles of each by environment and integration ID.

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

    async def list_profiles(
        self, deployment: int, environment: Environment, limit: int, skip: int, newest_first: bool = False
    ) -> tuple[Profile, ...]:
        """Return the profiles that are not hidden in the order of their creation, or the other way round."""
        ...

    async def count_profiles(self, deployment: int, environment: Environment) -> int:
        """Return how many profiles there are that are not hidden."""
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

    async def find_answer(self, deployment: int, scope: bytes, now: str) -> KeptAnswer | None:
        """Return the answer kept for a scope, unless its time is over; `now` is RFC 3339 in UTC."""
        ...

    async def keep_answer(self, deployment: int, scope: bytes, answer: KeptAnswer, now: str, expires: str) -> None:
        """Keep an answer until it expires, and forget those whose time is over."""
        ...
