"""Whether the server is well: `/_emulator/health`, `/_emulator/ready` and `/metrics`."""

from talon_emulator import metrics
from talon_emulator.calls import Call, json_answer
from talon_emulator.control.parameters import takes
from talon_emulator.exchange import Answer
from talon_emulator.profiles import Environment

_ENVIRONMENTS: tuple[Environment, ...] = ("sandbox", "live")


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


@takes()
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
