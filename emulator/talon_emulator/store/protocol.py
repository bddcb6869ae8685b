"""What a store does for the emulator."""

from collections.abc import Callable
from typing import Protocol

from talon_emulator.deployments import Deployment
from talon_emulator.errors import Refusal
from talon_emulator.profiles import Environment, Profile

ProfileChange = Callable[[Profile | None], Profile | Refusal]
DeploymentChange = Callable[[Deployment], Deployment | Refusal]


class StoreUnavailable(Exception):
    """The store cannot be opened; the message says why, and what to do, in words for a user."""


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

    async def create_deployment(self, name: str) -> Deployment:
        """Create an empty deployment under a name that is not in use."""
        ...

    async def change_deployment(self, deployment: int, change: DeploymentChange) -> Deployment | Refusal:
        """Change the definitions of a deployment."""
        ...

    async def reset_deployment(self, deployment: int) -> Deployment:
        """Return a deployment to its baseline and forget its customers."""
        ...

    async def find_profile(self, deployment: int, environment: Environment, integration_id: str) -> Profile | None:
        """Return one profile; the integration ID is compared exactly."""
        ...

    async def update_profile(
        self, deployment: int, environment: Environment, integration_id: str, change: ProfileChange
    ) -> Profile | Refusal:
        """Change or create one profile; what is returned is durable against the end of the process."""
        ...

    async def list_profiles(
        self, deployment: int, environment: Environment, limit: int, skip: int, newest_first: bool = False
    ) -> tuple[Profile, ...]:
        """Return profiles in the order of their creation, or the other way round."""
        ...

    async def count_profiles(self, deployment: int, environment: Environment) -> int:
        """Return how many profiles there are."""
        ...
