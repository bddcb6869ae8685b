"""What a deployment holds, steered as a whole: `/_emulator/seed` and `/_emulator/reset`."""

from typing import Any

import msgspec

from talon_emulator import deployments, seed, seed_document
from talon_emulator.calls import Call, json_answer
from talon_emulator.clock import timestamp
from talon_emulator.control import parameters
from talon_emulator.control.parameters import takes
from talon_emulator.deployments import Deployment
from talon_emulator.directory import Directory, ServedDeployment
from talon_emulator.exchange import Answer
from talon_emulator.seed import DeploymentSeed, SeedError
from talon_emulator.store.protocol import Store


@takes("deployment")
async def reset(call: Call) -> Answer:
    """POST /_emulator/reset: back to the seeded state; no customers, no journal, no faults, the real time."""
    served = parameters.deployment(call)
    if isinstance(served, Answer):
        return served
    call.server.directory.put(await call.server.store.reset_deployment(served.id))
    call.server.directory.start_over(served)
    return json_answer(summary(served))


@takes("deployment")
async def seed_deployment(call: Call) -> Answer:
    """POST /_emulator/seed: put a deployment document into effect; doing it twice is doing it once."""
    document = parameters.document(call)
    if isinstance(document, Answer):
        return document
    wanted = seed_document.read(document)
    if isinstance(wanted, SeedError):
        return parameters.bad_document(wanted)
    served = parameters.deployment(call, document.get("name"))
    if isinstance(served, Answer):
        return served
    outcome = await apply_seed(call.server.store, call.server.directory, served, wanted)
    if isinstance(outcome, SeedError):
        return parameters.bad_document(outcome)
    return json_answer(summary(served))


async def apply_seed(
    store: Store, directory: Directory, served: ServedDeployment, wanted: DeploymentSeed
) -> SeedError | None:
    """Put a document into effect on a deployment, and into the state that a reset returns to."""
    stranger = foreign_key(directory, wanted, served)
    if stranger is not None:
        return stranger
    now = timestamp(served.clock.now())
    wrong: list[SeedError] = []

    def change(stored: Deployment) -> Deployment:
        state, baseline = seed.apply(stored.state, wanted, now), seed.apply(stored.baseline, wanted, now)
        for applied in (state, baseline):
            if isinstance(applied, SeedError):
                wrong.append(applied)
        if isinstance(state, SeedError) or isinstance(baseline, SeedError):
            return stored
        changed = msgspec.structs.replace(stored, state=state, baseline=baseline)
        return stored if changed == stored else changed

    outcome = await store.change_deployment(served.id, change)
    if wrong:
        return wrong[0]
    assert isinstance(outcome, Deployment)
    directory.put(outcome)
    return None


def foreign_key(directory: Directory, wanted: DeploymentSeed, owner: ServedDeployment | None) -> SeedError | None:
    """Return what is wrong with a document that holds a key of a deployment other than `owner`."""
    keys = [key.key for application in wanted.applications for key in application.api_keys]
    for key in (*keys, *(manager.key for manager in wanted.management_keys)):
        holder = directory.owner(deployments.fingerprint(key.encode()))
        if holder is not None and holder is not owner:
            return SeedError("", f"a key of this document belongs to the deployment {holder.record.name!r}")
    return None


def summary(served: ServedDeployment) -> dict[str, Any]:
    """Return what the control API says of a deployment; keys are never in it."""
    state = served.record.state
    return {
        "deployment": served.record.name,
        "applications": [application.id for application in state.applications],
        "attributes": len(state.attributes),
    }
