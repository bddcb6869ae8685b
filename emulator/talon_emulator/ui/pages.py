"""The Campaign Manager's pages: Applications, their customers, one customer's attributes (VIEW-1)."""

from functools import cache
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from talon_emulator import body, query, shapes
from talon_emulator.attributes import Attribute
from talon_emulator.calls import Call
from talon_emulator.deployments import Application
from talon_emulator.errors import Refusal
from talon_emulator.exchange import Answer, Headers, Request
from talon_emulator.query import Query

if TYPE_CHECKING:
    from jinja2 import Environment

PAGE_SIZE: Final = 50
LISTED: Final = 200  # deployments on the first page
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
_PRIVATE: Headers = ((b"cache-control", b"no-store"), *_SAFE)
_HTML: Headers = ((b"content-type", b"text/html; charset=utf-8"), *_PRIVATE)
_CSS: Headers = ((b"content-type", b"text/css; charset=utf-8"), (b"cache-control", b"max-age=60"), *_SAFE)


async def applications(call: Call) -> Answer:
    """GET /: the Applications of the deployment, and the way to the other deployments of the server."""
    port = call.request.headers[b"host"].decode("latin-1").rpartition(":")[2]
    others = [
        (name, f"//{name.lower()}.localhost{':' + port if port.isdecimal() else ''}/")
        for name in islice((served.record.name for served in call.server.directory.all()), LISTED)
        if name != call.deployment.record.name
    ]
    return page("applications.html", call, applications=call.deployment.applications, others=others)


async def customers(call: Call) -> Answer:
    """GET /applications/{applicationId}/customers: the search by integration ID, and the customers, newest first.

    A search that hits goes on to the customer: 303.
    """
    found = find(call)
    if isinstance(found, Answer):
        return found
    application, parameters = found
    store, deployment, environment = call.server.store, call.deployment.id, application.environment
    skip = query.integer(parameters, "skip", 0, 0, 2**53)
    if isinstance(skip, Refusal):
        return refused(call, skip)
    wanted = parameters.get("integrationId", "")
    hit = await store.find_profile(deployment, environment, wanted) if wanted else None
    if hit is not None and not hit.hidden:
        return Answer(303, b"", ((b"location", customer_link(application, wanted).encode()), *_PRIVATE))
    total = await store.count_profiles(deployment, environment)
    listed = () if wanted else await store.list_profiles(deployment, environment, PAGE_SIZE, skip, newest_first=True)
    return page(
        "customers.html",
        call,
        application=application,
        wanted=wanted,
        customers=listed,
        link=lambda profile: customer_link(application, profile.integration_id),
        total=total,
        skip=skip,
        newer=max(skip - PAGE_SIZE, 0) if skip and listed else None,
        older=skip + PAGE_SIZE if skip + len(listed) < total and listed else None,
    )


async def customer(call: Call) -> Answer:
    """GET /applications/{applicationId}/customer?integrationId=: one profile with its attributes.

    The ID is a query parameter because a browser rewrites `.` and `..` in a path, even when they are escaped.
    """
    found = find(call)
    if isinstance(found, Answer):
        return found
    application, parameters = found
    wanted = parameters.get("integrationId", "")
    profile = await call.server.store.find_profile(call.deployment.id, application.environment, wanted)
    if profile is None or profile.hidden:
        return _missing(call, 404, f'No customer has exactly the integration ID "{wanted}".')
    values = profile.values()
    definitions = call.deployment.profile_definitions.attributes
    rows = [_row(definition, values) for definition in definitions]
    return page(
        "customer.html",
        call,
        application=application,
        profile=profile,
        audiences=call.deployment.audiences_of(profile),
        rows=rows,
        count=len(values),
        link=customer_link(application, wanted),
    )


def is_for_people(request: Request) -> bool:
    """Tell whether a browser asks for a page, on no path of an API."""
    path = request.path.lstrip(b"/")
    return (
        request.method in ("GET", "HEAD")
        and b"text/html" in request.headers.get(b"accept", b"")
        and not shapes.is_talon(path)
        and not path.startswith(b"_emulator")
    )


def refused(call: Call, refusal: Refusal) -> Answer:
    """Return a refusal as a page with a way home."""
    details = "; ".join(problem.details for problem in refusal.errors)
    return _missing(call, refusal.status, f"{refusal.message}: {details}." if details else f"{refusal.message}.")


async def style(call: Call) -> Answer:
    """GET /ui/style.css."""
    return Answer(200, (_HERE / "style.css").read_bytes(), _CSS)


def find(call: Call) -> tuple[Application, Query] | Answer:
    """Return the Application of the path with the query, or the page that says what is wrong."""
    parameters = query.parse(call.request.query)
    if isinstance(parameters, Refusal):
        return refused(call, parameters)
    number = call.path["applicationId"]
    for application in call.deployment.applications:
        if str(application.id) == number:
            return application, parameters
    return _missing(call, 404, f"There is no Application {number}.")


def _missing(call: Call, status: int, what: str) -> Answer:
    return page("missing.html", call, status, heading=HTTPStatus(status).phrase, what=what)


def _row(definition: Attribute, values: dict[str, Any]) -> dict[str, Any]:
    name = definition.name
    value = values.get(name)
    text = value if isinstance(value, str) else body.ENCODER.encode(value).decode()
    return {"name": name, "title": definition.title, "type": definition.type, "set": name in values, "text": text}


def customer_link(application: Application, integration_id: str) -> str:
    """Return the address of a customer's page."""
    return f"/applications/{application.id}/customer?" + urlencode({"integrationId": integration_id})


def _to_the_second(moment: str) -> str:
    """Show an RFC 3339 time in UTC to people."""
    return f"{moment[:10]} {moment[11:19]} UTC"


def page(template: str, call: Call, status: int = 200, **values: Any) -> Answer:
    """Render a page."""
    text = _templates().get_template(template).render(deployment=call.deployment.record.name, **values)
    return Answer(status, text.encode(), _HTML)


@cache
def _templates() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(_HERE / "templates")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters["to_the_second"] = _to_the_second
    return made
