"""What a call of the control API says: its query parameters, the deployment it is for, its document."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from talon_emulator import body, query, seed_document
from talon_emulator.calls import Call, Handler
from talon_emulator.directory import ServedDeployment
from talon_emulator.errors import Refusal
from talon_emulator.exchange import Answer
from talon_emulator.nearest import nearest
from talon_emulator.query import Query
from talon_emulator.seed import SeedError
from talon_emulator.shapes import control_error

T = TypeVar("T")


def takes(*known: str) -> Callable[[Handler], Handler]:
    """Refuse a call with a query parameter that its handler does not know: a typo would silently ask for less."""

    def checked(handler: Handler) -> Handler:
        @wraps(handler)
        async def handle(call: Call) -> Answer:
            parameters = query.parse(call.request.query)
            if isinstance(parameters, Refusal):
                return refused(parameters)
            for name in parameters:
                if name not in known:
                    hint = nearest(name, known) if known else "none is known here"
                    return control_error(400, "unknown_parameter", f"unknown query parameter {name!r}", hint)
            return await handler(call)

        return handle

    return checked


def of(call: Call) -> Query:
    """Return the query parameters of a call that `takes` has let through."""
    parameters = query.parse(call.request.query)
    assert not isinstance(parameters, Refusal)
    return parameters


def deployment(call: Call, default: Any = None) -> ServedDeployment | Answer:
    """Return the deployment named by `?deployment=`, else by `default`, else the server's own."""
    name = of(call).get("deployment", default)
    return call.deployment if name is None else named(call, name)


def named(call: Call, name: str) -> ServedDeployment | Answer:
    """Return the deployment of a name."""
    served = call.server.directory.named(name)
    if served is None:
        known = ", ".join(sorted(served.record.name for served in call.server.directory.all())[:20])
        return control_error(404, "unknown_deployment", f"There is no deployment {name!r}", f"there are: {known}")
    return served


def document(call: Call) -> Any:
    """Return the JSON document that a call brings as plain data, or the answer to one that is none."""
    content = body.decode(call.request.body, body.ANY)
    if isinstance(content, Refusal):
        problem = content.errors[0]
        place = problem.source.get("pointer")
        return control_error(400, "bad_json", f"{place}: {problem.details}" if place else problem.details)
    return content


def read_as(kind: type[T], call: Call) -> T | Answer:
    """Return the document that a call brings as a value of this type, or the answer to one that is none."""
    content = document(call)
    if isinstance(content, Answer):
        return content
    value = seed_document.read_as(kind, content)
    return bad_document(value) if isinstance(value, SeedError) else value


def bad_document(error: SeedError) -> Answer:
    """Refuse a document that is not as it must be."""
    return control_error(400, "bad_document", f"{error.place or '/'}: {error.message}", error.hint)


def refused(refusal: Refusal) -> Answer:
    """Refuse a parameter."""
    return control_error(400, "bad_request", refusal.errors[0].details)
