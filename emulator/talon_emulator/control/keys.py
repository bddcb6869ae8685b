"""The keys of a deployment, listed and deleted: `/_emulator/keys`. A seed adds some."""

from typing import Any, Final

import msgspec

from talon_emulator.calls import Call, json_answer
from talon_emulator.clock import timestamp
from talon_emulator.control import parameters
from talon_emulator.control.parameters import takes
from talon_emulator.deployments import ApiKey, Deployment, ManagementKey, State
from talon_emulator.exchange import NO_CONTENT, Answer
from talon_emulator.shapes import control_error

_ID: Final = 16  # hexadecimal digits of the fingerprint that name a key here


@takes("deployment")
async def list_keys(call: Call) -> Answer:
    """GET /_emulator/keys: all of them by titles; the keys themselves are nowhere kept."""
    served = parameters.deployment(call)
    if isinstance(served, Answer):
        return served
    state = served.record.state
    keys = [*map(_api_key, state.api_keys), *map(_management_key, state.management_keys)]
    return json_answer({"deployment": served.record.name, "keys": keys})


@takes("deployment")
async def delete_key(call: Call) -> Answer:
    """DELETE /_emulator/keys/{key}: 204, it opens nothing from now on, nor after a reset."""
    served = parameters.deployment(call)
    if isinstance(served, Answer):
        return served
    wanted = call.path["key"]
    state = served.record.state
    ids = {key.fingerprint[:_ID] for key in state.api_keys} | {key.fingerprint[:_ID] for key in state.management_keys}
    if wanted not in ids:
        return control_error(404, "unknown_key", f"There is no key {wanted!r}", "GET /_emulator/keys lists the ids")

    def change(stored: Deployment) -> Deployment:
        left, baseline = _without(stored.state, wanted), _without(stored.baseline, wanted)
        return msgspec.structs.replace(stored, state=left, baseline=baseline)

    outcome = await call.server.store.change_deployment(served.id, change)
    assert isinstance(outcome, Deployment)
    call.server.directory.put(outcome)
    return NO_CONTENT


def _without(state: State, wanted: str) -> State:
    return msgspec.structs.replace(
        state,
        api_keys=tuple(key for key in state.api_keys if key.fingerprint[:_ID] != wanted),
        management_keys=tuple(key for key in state.management_keys if key.fingerprint[:_ID] != wanted),
    )


def _api_key(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.fingerprint[:_ID],
        "kind": "integration",
        "title": key.title,
        "application": key.application,
        "platform": key.platform,
        "expires": timestamp(key.expires) if key.expires else None,
    }


def _management_key(key: ManagementKey) -> dict[str, Any]:
    expires = timestamp(key.expires) if key.expires else None
    return {"id": key.fingerprint[:_ID], "kind": "management", "title": key.name, "expires": expires}
