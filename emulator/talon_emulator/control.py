"""The control API's handlers under `/_emulator/`: health, seed, reset, journal, and the metrics at `/metrics`."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

import msgspec

from talon_emulator import body, deployments, journal, metrics, query, seed, seed_document
from talon_emulator.calls import Call, Handler, json_answer
from talon_emulator.clock import timestamp
from talon_emulator.deployments import Deployment
from talon_emulator.directory import Directory, ServedDeployment
from talon_emulator.errors import Refusal, bad_parameter
from talon_emulator.exchange import Answer
from talon_emulator.journal import Filter, Kind
from talon_emulator.profiles import Environment
from talon_emulator.query import Query
from talon_emulator.seed import DeploymentSeed, SeedError
from talon_emulator.shapes import control_error
from talon_emulator.store.protocol import Store

_ENVIRONMENTS: tuple[Environment, ...] = ("sandbox", "live")
_LIMIT = 100
_KINDS: dict[str, Kind] = {"good": "good", "bad": "bad"}


def takes(*known: str) -> Callable[[Handler], Handler]:
    """Refuse a call with a query parameter that its handler does not know: a typo would silently ask for less."""

    def checked(handler: Handler) -> Handler:
        @wraps(handler)
        async def handle(call: Call) -> Answer:
            parameters = query.parse(call.request.query)
            if isinstance(parameters, Refusal):
                return control_error(400, "bad_request", parameters.errors[0].details)
            for name in parameters:
                if name not in known:
                    hint = seed_document.nearest(name, known) if known else "none is known here"
                    return control_error(400, "unknown_parameter", f"unknown query parameter {name!r}", hint)
            return await handler(call)

        return handle

    return checked


@takes()
async def health(call: Call) -> Answer:
    """GET /_emulator/health: the process answers."""
    return json_answer({"status": "ok"})


@takes()
async def ready(call: Call) -> Answer:
    """GET /_emulator/ready: the store answers and the deployments are served."""
    await call.server.store.deployments()
    return json_answer(
        {"status": "ready", "deployments": [served.record.name for served in call.server.directory.all()]}
    )


@takes("deployment")
async def reset(call: Call) -> Answer:
    """POST /_emulator/reset: back to the seeded state, without customers and without journal."""
    served = _deployment(call)
    if isinstance(served, Answer):
        return served
    call.server.directory.put(await call.server.store.reset_deployment(served.id))
    served.journal.clear()
    return json_answer(_summary(served))


@takes("deployment")
async def seed_deployment(call: Call) -> Answer:
    """POST /_emulator/seed: put a deployment document into effect; doing it twice is doing it once."""
    document = body.decode(call.request.body, body.ANY)
    if isinstance(document, Refusal):
        problem = document.errors[0]
        place = problem.source.get("pointer")
        return control_error(400, "bad_json", f"{place}: {problem.details}" if place else problem.details)
    wanted = seed_document.read(document)
    if isinstance(wanted, SeedError):
        return _bad_document(wanted)
    served = _deployment(call, document.get("name"))
    if isinstance(served, Answer):
        return served
    outcome = await apply_seed(call.server.store, call.server.directory, served, wanted)
    if isinstance(outcome, SeedError):
        return _bad_document(outcome)
    return json_answer(_summary(served))


async def apply_seed(
    store: Store, directory: Directory, served: ServedDeployment, wanted: DeploymentSeed
) -> SeedError | None:
    """Put a document into effect on a deployment, and into the state that a reset returns to."""
    keys = [key.key for application in wanted.applications for key in application.api_keys]
    for key in (*keys, *(manager.key for manager in wanted.management_keys)):
        owner = directory.owner(deployments.fingerprint(key.encode()))
        if owner is not None and owner is not served:
            return SeedError("", f"a key of this document belongs to the deployment {owner.record.name!r}")
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


@takes("deployment", "kind", "path", "integrationId", "status", "since", "limit")
async def show_journal(call: Call) -> Answer:
    """GET /_emulator/journal: the newest exchanges first; see `Filter` for what can be asked."""
    served = _deployment(call)
    if isinstance(served, Answer):
        return served
    parameters = query.parse(call.request.query)
    assert not isinstance(parameters, Refusal)
    wanted = _filter(parameters)
    limit = query.integer(parameters, "limit", _LIMIT, 1, 1_000_000)
    for value in (wanted, limit):
        if isinstance(value, Refusal):
            return control_error(400, "bad_request", value.errors[0].details)
    assert isinstance(wanted, Filter)
    assert isinstance(limit, int)
    entries = [journal.view(entry) for entry in served.journal.latest(wanted, limit)]
    return json_answer({"deployment": served.record.name, "entries": entries})


async def show_metrics(call: Call) -> Answer:
    """GET /metrics: Prometheus text."""
    store = call.server.store
    profiles = [
        (served.record.name, environment, await store.count_profiles(served.id, environment))
        for served in call.server.directory.all()
        for environment in _ENVIRONMENTS
    ]
    text = metrics.render(call.server.counters, profiles)
    return Answer(200, text, ((b"content-type", metrics.CONTENT_TYPE),))


def _deployment(call: Call, default: Any = None) -> ServedDeployment | Answer:
    """Return the deployment named by `?deployment=`, else by `default`, else the server's own."""
    parameters = query.parse(call.request.query)
    assert not isinstance(parameters, Refusal)
    name = parameters.get("deployment", default)
    if name is None:
        return call.deployment
    served = call.server.directory.named(name)
    if served is None:
        known = ", ".join(served.record.name for served in call.server.directory.all())
        return control_error(404, "unknown_deployment", f"There is no deployment {name!r}", f"there are: {known}")
    return served


def _summary(served: ServedDeployment) -> dict[str, Any]:
    state = served.record.state
    return {
        "deployment": served.record.name,
        "applications": [application.id for application in state.applications],
        "attributes": len(state.attributes),
    }


def _bad_document(error: SeedError) -> Answer:
    return control_error(400, "bad_document", f"{error.place or '/'}: {error.message}", error.hint)


def _filter(parameters: Query) -> Filter | Refusal:
    given_kind = parameters.get("kind")
    kind = _KINDS.get(given_kind or "")
    if given_kind is not None and kind is None:
        return bad_parameter("kind", "kind must be good or bad")
    status = query.integer(parameters, "status", 0, 100, 599)
    if isinstance(status, Refusal):
        return status
    since: int | datetime | None = None
    given = parameters.get("since")
    if given is not None:
        try:
            since = int(given) if given.isdecimal() else datetime.fromisoformat(given)
        except ValueError:
            return bad_parameter("since", "since must be a sequence number or a time like 2030-01-31T00:00:00Z")
        if isinstance(since, datetime) and since.tzinfo is None:
            return bad_parameter("since", "since needs an offset, as in 2030-01-31T00:00:00Z")
    return Filter(kind, parameters.get("path"), parameters.get("integrationId"), status or None, since)
