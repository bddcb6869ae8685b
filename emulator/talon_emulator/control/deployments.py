"""Deployments of their own for whoever asks, on the same server: `/_emulator/deployments`."""

import secrets
from typing import Any

import msgspec

from talon_emulator import seed
from talon_emulator.calls import Call, json_answer
from talon_emulator.clock import timestamp
from talon_emulator.control import parameters, state
from talon_emulator.control.parameters import takes
from talon_emulator.deployments import EMPTY
from talon_emulator.exchange import NO_CONTENT, Answer
from talon_emulator.seed import ApplicationSeed, DeploymentSeed, KeySeed, ManagementKeySeed, SeedError
from talon_emulator.shapes import control_error
from talon_emulator.store.protocol import NameTaken


@takes()
async def list_deployments(call: Call) -> Answer:
    """GET /_emulator/deployments: all of them, oldest first."""
    return json_answer({"deployments": [state.summary(served) for served in call.server.directory.all()]})


@takes()
async def create_deployment(call: Call) -> Answer:
    """POST /_emulator/deployments: 201 with the name, the URL and the keys, which are shown this once.

    The document may be left out, and any part of it: what it does not have is as in the configured deployment, but with
    a name and keys that nobody has. Applications given without keys get fresh ones.
    """
    wanted = _wanted(call)
    if isinstance(wanted, Answer):
        return wanted
    server = call.server
    if server.directory.hosted(wanted.name.lower()) is not None:
        return _taken(wanted.name)
    stranger = state.foreign_key(server.directory, wanted, None)
    if stranger is not None:
        return control_error(409, "key_taken", stranger.message, "leave the keys out to get fresh ones")
    definitions = seed.apply(EMPTY, wanted, timestamp(server.directory.clock.now()))
    if isinstance(definitions, SeedError):
        return parameters.bad_document(definitions)
    try:
        served = server.directory.put(await server.store.create_deployment(wanted.name, definitions))
    except NameTaken:
        return _taken(wanted.name)
    host = call.request.headers[b"host"].decode("latin-1")
    port = host.rpartition(":")[2] if host.rpartition(":")[2].isdecimal() else ""
    manager = f"http://{served.record.name.lower()}.localhost{':' if port else ''}{port}/"
    urls = {"url": f"http://{host}", "campaignManager": manager}
    made = {**state.summary(served), **urls, "accountId": served.id, **_shown(wanted)}
    return json_answer(made, 201)


@takes()
async def delete_deployment(call: Call) -> Answer:
    """DELETE /_emulator/deployments/{deployment}: 204, and nothing of it is left; the configured one stays."""
    served = parameters.named(call, call.path["deployment"])
    if isinstance(served, Answer):
        return served
    if served is call.server.configured():
        hint = "POST /_emulator/reset empties it"
        return control_error(409, "configured", f"{served.record.name!r} is the server's own deployment", hint)
    call.server.directory.remove(served)
    await call.server.store.delete_deployment(served.id)
    return NO_CONTENT


def _taken(name: str) -> Answer:
    return control_error(409, "name_taken", f"The name {name!r} is in use", "leave the name out to get one that is not")


def _wanted(call: Call) -> DeploymentSeed | Answer:
    configured = call.server.settings.deployment
    document: Any = {}
    if call.request.body:
        given = parameters.read_as(DeploymentSeed, call)
        if isinstance(given, Answer):
            return given
        document = parameters.document(call)
    else:
        given = DeploymentSeed()
    applications = given.applications if "applications" in document else _without_keys(configured)
    managers = given.management_keys or (ManagementKeySeed("Management key", _key()),)
    return DeploymentSeed(
        name=given.name if "name" in document else f"d-{secrets.token_hex(6)}",
        applications=tuple(_with_keys(application) for application in applications),
        management_keys=managers,
        attributes=given.attributes if "attributes" in document else configured.attributes,
        assumptions={**configured.assumptions, **given.assumptions},
        users=given.users if "users" in document else configured.users,
    )


def _without_keys(configured: DeploymentSeed) -> tuple[ApplicationSeed, ...]:
    return tuple(msgspec.structs.replace(application, api_keys=()) for application in configured.applications)


def _with_keys(application: ApplicationSeed) -> ApplicationSeed:
    if application.api_keys:
        return application
    keys = (
        KeySeed("Integration key", _key()),
        KeySeed("Segment key", _key(), "segment"),
        KeySeed("Customer data platform key", _key(), "customer_data"),
    )
    return msgspec.structs.replace(application, api_keys=keys)


def _key() -> str:
    return secrets.token_hex(32)


def _shown(made: DeploymentSeed) -> dict[str, Any]:
    """Return the keys of a deployment as the answer to its creation has them."""
    return {
        "apiKeys": [
            {"application": a.id, "environment": a.environment, "platform": k.platform, "title": k.title, "key": k.key}
            for a in made.applications
            for k in a.api_keys
        ],
        "managementKeys": [{"name": manager.name, "key": manager.key} for manager in made.management_keys],
    }
