"""The Campaign Manager's pages: Applications, their customers, one customer's attributes (VIEW-1)."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from talon_emulator import body, query
from talon_emulator.attributes import Attribute
from talon_emulator.calls import Call
from talon_emulator.deployments import Application
from talon_emulator.errors import Refusal
from talon_emulator.exchange import Answer, Headers
from talon_emulator.profiles import Profile
from talon_emulator.query import Query

if TYPE_CHECKING:
    from jinja2 import Environment

PAGE_SIZE: Final = 50
_HERE = Path(__file__).parent
_SAFE: Headers = (
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        b"frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
_HTML: Headers = ((b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"no-store"), *_SAFE)
_CSS: Headers = ((b"content-type", b"text/css; charset=utf-8"), (b"cache-control", b"max-age=60"), *_SAFE)


async def applications(call: Call) -> Answer:
    """GET /: the Applications of the deployment."""
    return _page("applications.html", call, applications=call.deployment.applications)


async def customers(call: Call) -> Answer:
    """GET /applications/{applicationId}/customers: the search by integration ID, and the customers."""
    found = _find(call)
    if isinstance(found, Answer):
        return found
    application, parameters = found
    store, deployment = call.server.store, call.deployment.id
    wanted = parameters.get("integrationId", "")
    skip = query.integer(parameters, "skip", 0, 0, 2**53)
    skip = 0 if isinstance(skip, Refusal) else skip
    if wanted:
        match = await store.find_profile(deployment, application.environment, wanted)
        rows, more = ([match] if match else []), False
    else:
        listed = await store.list_profiles(deployment, application.environment, PAGE_SIZE + 1, skip)
        rows, more = list(listed[:PAGE_SIZE]), len(listed) > PAGE_SIZE
    return _page(
        "customers.html",
        call,
        application=application,
        wanted=wanted,
        customers=rows,
        link=lambda profile: _customer_link(application, profile),
        earlier=max(skip - PAGE_SIZE, 0) if skip else None,
        later=skip + PAGE_SIZE if more else None,
    )


async def customer(call: Call) -> Answer:
    """GET /applications/{applicationId}/customer?integrationId=: one profile with its attributes.

    The ID is a query parameter because a browser rewrites `.` and `..` in a path, even when they are escaped.
    """
    found = _find(call)
    if isinstance(found, Answer):
        return found
    application, parameters = found
    wanted = parameters.get("integrationId", "")
    profile = await call.server.store.find_profile(call.deployment.id, application.environment, wanted)
    if profile is None:
        return _page("missing.html", call, 404, what=f'No customer has exactly the integration ID "{wanted}".')
    values = profile.values()
    definitions = call.deployment.profile_definitions.attributes
    rows = [_row(definition, values) for definition in definitions]
    return _page("customer.html", call, application=application, profile=profile, rows=rows, count=len(values))


async def style(call: Call) -> Answer:
    """GET /ui/style.css."""
    return Answer(200, (_HERE / "style.css").read_bytes(), _CSS)


def _find(call: Call) -> tuple[Application, Query] | Answer:
    parameters = query.parse(call.request.query)
    if isinstance(parameters, Refusal):
        return _page("missing.html", call, 400, what=f"{parameters.message}: {parameters.errors[0].details}.")
    number = call.path["applicationId"]
    for application in call.deployment.applications:
        if str(application.id) == number:
            return application, parameters
    return _page("missing.html", call, 404, what=f"There is no Application {number}.")


def _row(definition: Attribute, values: dict[str, Any]) -> dict[str, Any]:
    name = definition.name
    value = values.get(name)
    text = value if isinstance(value, str) else body.ENCODER.encode(value).decode()
    return {"name": name, "title": definition.title, "type": definition.type, "set": name in values, "text": text}


def _customer_link(application: Application, profile: Profile) -> str:
    return f"/applications/{application.id}/customer?" + urlencode({"integrationId": profile.integration_id})


def _page(template: str, call: Call, status: int = 200, **values: Any) -> Answer:
    text = _templates().get_template(template).render(deployment=call.deployment.record.name, **values)
    return Answer(status, text.encode(), _HTML)


@cache
def _templates() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(_HERE / "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
