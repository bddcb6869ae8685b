"""The keys of a deployment, listed, made and deleted: `/_emulator/keys`."""

import secrets
from typing import Annotated, Any, Final, Literal

import msgspec

from talon_emulator import deployments
from talon_emulator.calls import Call, json_answer
from talon_emulator.clock import timestamp
from talon_emulator.control import parameters
from talon_emulator.control.parameters import takes
from talon_emulator.deployments import ApiKey, Application, Deployment, Endpoint, ManagementKey, Platform, State
from talon_emulator.exchange import NO_CONTENT, Answer
from talon_emulator.seed import EndpointSeed, Key, Moment, SeedError, Text
from talon_emulator.shapes import control_error

Kind = Literal["integration", "management"]
_ID: Final = 16  # hexadecimal digits of the fingerprint that name a key here


class NewApiKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The body that makes an Integration API key; `key` is a fresh one if it is left out."""

    kind: Kind = "integration"
    application: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    title: Text
    platform: Platform = "none"
    expires: Moment | None = None
    key: Key | None = None


class NewManagementKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The body that makes a Management API key; `endpoints` and `applications` as in a seed."""

    kind: Kind
    title: Text
    expires: Moment | None = None
    endpoints: tuple[EndpointSeed, ...] | None = None
    applications: tuple[int, ...] = ()
    key: Key | None = None


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
async def create_key(call: Call) -> Answer:
    """POST /_emulator/keys: 201 with a key that opens at once, also after a reset; it is shown this once."""
    document = parameters.document(call)
    manages = isinstance(document, dict) and document.get("kind") == "management"
    new = parameters.read_as(NewManagementKey, call) if manages else parameters.read_as(NewApiKey, call)
    if isinstance(new, Answer):
        return new
    served = parameters.deployment(call)
    if isinstance(served, Answer):
        return served
    secret = new.key or secrets.token_hex(32)
    made = _made(new, secret)
    holder = call.server.directory.owner(made.fingerprint)
    if holder is not None:
        message = f"the key belongs to the deployment {holder.record.name!r}"
        return control_error(409, "key_taken", message, "leave `key` out to get a fresh one")

    def change(stored: Deployment) -> Deployment:
        if isinstance(made, ManagementKey):
            state, baseline = (_with_management_key(part, made) for part in (stored.state, stored.baseline))
        else:
            application = next((a for a in stored.state.applications if a.id == made.application), None)
            if application is None:
                return stored
            state, baseline = (_with_api_key(part, made, application) for part in (stored.state, stored.baseline))
        return msgspec.structs.replace(stored, state=state, baseline=baseline)

    outcome = await call.server.store.change_deployment(served.id, change)
    assert isinstance(outcome, Deployment)
    call.server.directory.put(outcome)
    if made not in (*outcome.state.api_keys, *outcome.state.management_keys):
        known = ", ".join(str(application.id) for application in outcome.state.applications) or "none"
        return parameters.bad_document(SeedError("/application", "there is no such Application", f"there are: {known}"))
    shown = _api_key(made) if isinstance(made, ApiKey) else _management_key(made)
    return json_answer({**shown, "key": secret}, 201)


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


def _made(new: NewApiKey | NewManagementKey, secret: str) -> ApiKey | ManagementKey:
    fingerprint = deployments.fingerprint(secret.encode())
    if isinstance(new, NewApiKey):
        return ApiKey(fingerprint, new.application, new.title, new.platform, new.expires)
    given = new.endpoints
    endpoints = None if given is None else tuple(Endpoint(endpoint.method, endpoint.path) for endpoint in given)
    return ManagementKey(fingerprint, new.title, new.expires, endpoints, new.applications)


def _with_api_key(state: State, key: ApiKey, application: Application) -> State:
    known = state.applications
    if all(each.id != application.id for each in known):  # what a reset returns to may be without it after an import
        known = (*known, application)
    return msgspec.structs.replace(state, applications=known, api_keys=(*state.api_keys, key))


def _with_management_key(state: State, key: ManagementKey) -> State:
    return msgspec.structs.replace(state, management_keys=(*state.management_keys, key))


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
