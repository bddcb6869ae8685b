"""Changes of a deployment's definitions, put into effect at once."""

from typing import Any

import msgspec

from talon_emulator.attributes import Attribute
from talon_emulator.calls import Call
from talon_emulator.deployments import Deployment
from talon_emulator.errors import Refusal
from talon_emulator.store.protocol import DeploymentChange


async def change(call: Call, to: DeploymentChange) -> Deployment | Refusal:
    """Change the deployment of a call, and serve it as changed."""
    outcome = await call.server.store.change_deployment(call.deployment.id, to)
    if not isinstance(outcome, Refusal):
        call.server.directory.put(outcome)
    return outcome


def with_state(stored: Deployment, **members: Any) -> Deployment:
    """Return a deployment with other definitions in these members of its state."""
    return msgspec.structs.replace(stored, state=msgspec.structs.replace(stored.state, **members))


def with_attribute(stored: Deployment, changed: Attribute, **members: Any) -> Deployment:
    """Return a deployment with one of its attributes changed."""
    attributes = tuple(changed if attribute.id == changed.id else attribute for attribute in stored.state.attributes)
    return with_state(stored, attributes=attributes, **members)
