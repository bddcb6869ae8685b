"""Every refusal the emulator can send in the shape of Talon.One's deployment host.

The envelope is `{"message", "errors": [{"title", "details", "source"}], "StatusCode"}` (documented).
Texts marked *documented* are Talon.One's own samples; the others are ours (assumption: refusal-texts).
"""

from collections.abc import Iterable

import msgspec

from talon_emulator.exchange import Answer


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entry of `errors`; `source` has exactly one of pointer, parameter, line, resource."""

    title: str
    details: str
    source: dict[str, str]


class Refusal(msgspec.Struct, frozen=True):
    """A request that was not carried out, and why; `note` goes to the journal only."""

    status: int
    message: str
    errors: tuple[Problem, ...] = ()
    note: str = ""


class _Envelope(msgspec.Struct, frozen=True):
    message: str
    errors: tuple[Problem, ...]
    status_code: int = msgspec.field(name="StatusCode")


_ENCODER = msgspec.json.Encoder()


def answer(refusal: Refusal) -> Answer:
    """Render a refusal in the deployment host's error shape."""
    envelope = _Envelope(refusal.message, refusal.errors, refusal.status)
    return Answer(refusal.status, _ENCODER.encode(envelope), note=refusal.note or refusal.message)


def pointer(*parts: str | int) -> dict[str, str]:
    """Return an error source that points into the request body (RFC 6901)."""
    return {"pointer": "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)}


# Problems: what is wrong with one value.


def unknown_attribute(name: str, entity: str) -> Problem:
    """Describe a value for an attribute that is not defined (documented, with the full stop)."""
    return Problem(
        "Unknown", f'The attribute "{name}" is not defined on {entity} entities.', pointer("attributes", name)
    )


def wrong_type(name: str, shown: str, expected: str) -> Problem:
    """Describe a value of another type than its attribute's (documented for strings; assumption: type-wording)."""
    return Problem(
        "Invalid type", f'Value of "{name}" attribute ({shown}) is not {expected}', pointer("attributes", name)
    )


def not_one_of(name: str, allowed: Iterable[str], source: dict[str, str]) -> Problem:
    """Describe a value outside a closed list (documented for session states)."""
    listed = ", ".join(f'"{item}"' for item in allowed)
    return Problem("enum", f"{name} must be one of the following: {listed}", source)


def not_allowed(name: str, source: dict[str, str]) -> Problem:
    """Describe a value outside an allowed list, which is too long to name (assumed)."""
    return Problem("enum", f"{name} must be in the allowed list of the attribute", source)


def nothing_allowed(name: str, listed: bool, source: dict[str, str]) -> Problem:
    """Describe a value of an attribute that is restricted to values and has none of them (assumed)."""
    lack = "its allowed list has no values yet; import one" if listed else "it has no suggestions"
    return Problem("enum", f"{name} is restricted to values, but {lack}", source)


def bad_member(details: str, source: dict[str, str]) -> Problem:
    """Describe a member of the body that has the wrong JSON type (assumed)."""
    return Problem("Invalid type", details, source)


def bad_number(details: str, source: dict[str, str]) -> Problem:
    """Describe a number that cannot be kept (assumed)."""
    return Problem("Invalid number", details, source)


def missing_member(name: str, source: dict[str, str]) -> Problem:
    """Describe a required member that the body does not have (assumed)."""
    return Problem("required", f"{name} is required", source)


def bad_pattern(name: str, pattern: str) -> Problem:
    """Describe a text that does not match the documented pattern of its field (text assumed)."""
    return Problem("pattern", f"{name} does not match pattern {pattern}", pointer(name))


def too_long(name: str, limit: int) -> Problem:
    """Describe a text or list that exceeds its documented size (text assumed)."""
    return Problem("maxLength", f"{name} must have at most {limit} items", pointer(name))


def immutable(name: str) -> Problem:
    """Describe an attempt to change what never changes (rule documented, text assumed)."""
    return Problem("Immutable", f"{name} of an attribute cannot be changed", pointer(name))


def taken(name: str, value: str, entity: str) -> Problem:
    """Describe a name or title that another attribute of the entity has (rule documented, text assumed)."""
    return Problem(
        "Duplicate", f'An attribute with {name} "{value}" already exists on {entity} entities', pointer(name)
    )


def unknown_audience(number: int | str, source: dict[str, str]) -> Problem:
    """Describe the id of an audience that the environment does not have (assumed)."""
    return Problem("Unknown", f"The audience with the ID {number} does not exist", source)


def unknown_event_type(kind: str, source: dict[str, str]) -> Problem:
    """Describe an event type that no attribute of events has (rule documented, text assumed)."""
    return Problem("Unknown", f'The event type "{kind}" is not defined', source)


def rebased(problems: Iterable[Problem], *parts: str | int) -> tuple[Problem, ...]:
    """Return problems with attributes of an entity that is not the body itself: `parts` lead to its attributes."""
    base = pointer(*parts)["pointer"]
    return tuple(
        Problem(p.title, p.details, {"pointer": base + p.source["pointer"].removeprefix("/attributes")})
        for p in problems
    )


def below(problems: Iterable[Problem], *parts: str | int) -> tuple[Problem, ...]:
    """Return problems of something that is not the body itself: `parts` lead to it."""
    base = pointer(*parts)["pointer"]
    return tuple(Problem(p.title, p.details, {"pointer": base + p.source["pointer"]}) for p in problems)


# Refusals: what is wrong with a request.


def invalid_data(problems: Iterable[Problem]) -> Refusal:
    """Refuse data that breaks the rules (message documented)."""
    return Refusal(400, "The submitted data was invalid", tuple(problems))


def malformed_body(details: str, path: Iterable[str] = ()) -> Refusal:
    """Refuse a body that is not acceptable JSON (assumed); `path` leads to where it is not, as far as that is known."""
    return Refusal(400, "The request body is not valid JSON", (Problem("Malformed JSON", details, pointer(*path)),))


def bad_parameter(name: str, details: str) -> Refusal:
    """Refuse a query or path parameter (assumed)."""
    return Refusal(400, "The submitted data was invalid", (Problem("Invalid parameter", details, {"parameter": name}),))


def bad_form(details: str) -> Refusal:
    """Refuse a body that is no form with a file in it (assumed)."""
    return invalid_data([Problem("Invalid form", details, pointer("upFile"))])


def bad_line(line: int, details: str) -> Refusal:
    """Refuse a CSV file for what one of its lines says (source documented, text assumed)."""
    return invalid_data([Problem("Invalid CSV", details, {"line": str(line)})])


def integration_id_too_long(limit: int) -> Refusal:
    """Refuse an integration ID longer than documented (status assumed)."""
    return bad_parameter("integrationId", f"integrationId must have at most {limit} characters")


def bad_path(details: str) -> Refusal:
    """Refuse a request line that cannot be decoded (assumed)."""
    return Refusal(400, "The request path is not valid", (Problem("Invalid path", details, {"resource": "path"}),))


def bad_query(details: str) -> Refusal:
    """Refuse a query string that cannot be decoded (assumed)."""
    return Refusal(400, "The query string is not valid", (Problem("Invalid query", details, {"resource": "query"}),))


def bad_header(details: str) -> Refusal:
    """Refuse headers that contradict themselves (assumed)."""
    return Refusal(
        400, "The request headers are not valid", (Problem("Invalid header", details, {"resource": "headers"}),)
    )


def unauthorized(note: str) -> Refusal:
    """Refuse a caller. One body for every reason (assumed, schema documented); the journal has the reason."""
    return Refusal(401, "Invalid API key", note=note)


def forbidden(note: str) -> Refusal:
    """Refuse a known caller what is not his to do (schema documented, text assumed); the journal has the reason."""
    return Refusal(403, "Forbidden", note=note)


def no_control_token() -> Refusal:
    """Refuse to be steered by somebody without the control token."""
    how = "send it as 'Authorization: Bearer TOKEN', or as the password of HTTP Basic"
    return Refusal(401, f"The control token of this emulator is missing or wrong: {how}")


def wrong_login() -> Refusal:
    """Refuse to sign somebody in, without a word on what was wrong (status and text assumed)."""
    return Refusal(401, "Invalid email or password")


def missing_session_token() -> Refusal:
    """Refuse a caller of the third-party host who shows no key (text documented)."""
    return Refusal(401, "Missing Session Token", note="the Authorization header is missing")


def foreign_page() -> Refusal:
    """Refuse a write that a browser sent from a page of another origin."""
    return Refusal(403, "A page of another origin may not change this emulator")


def not_found(what: str) -> Refusal:
    """Refuse a request for something that does not exist (schema documented, text assumed)."""
    return Refusal(404, f"{what} not found")


def no_such_deployment(name: str) -> Refusal:
    """Refuse to steer or show a deployment that the Host names and that is not there."""
    return Refusal(
        404, f"There is no deployment {name!r}; without its name before .localhost, the configured one answers"
    )


def audience_not_found(problems: Iterable[Problem]) -> Refusal:
    """Refuse to act on audiences that do not exist (status documented, text assumed)."""
    return Refusal(404, "Audience not found", tuple(problems))


def method_not_allowed(method: str) -> Refusal:
    """Refuse a method on a path that has others (assumed)."""
    return Refusal(405, f"Method {method} is not allowed here")


def duplicate(problems: Iterable[Problem]) -> Refusal:
    """Refuse to create what exists (assumed: sibling endpoints document 409)."""
    return Refusal(409, "The submitted data conflicts with an existing entity", tuple(problems))


def audience_exists(integration_id: str) -> Refusal:
    """Refuse to create an audience twice (status documented; the message is the third-party host's sample)."""
    details = "An audience with this ID already exists for this integration"
    problem = Problem("Duplicate", details, pointer("integrationId"))
    return Refusal(409, f"The audience with the ID '{integration_id}' already exists", (problem,))


def profile_busy() -> Refusal:
    """Refuse one request more than may be in flight for a profile (status and message documented)."""
    return Refusal(409, "Too many requests are updating this profile at the same time")


def too_many_requests() -> Refusal:
    """Refuse a client that asks too often (text documented on the third-party host, assumed elsewhere)."""
    return Refusal(429, "Too many requests")


def body_too_large(limit: int) -> Refusal:
    """Refuse a body above the configured size in bytes (assumed)."""
    return Refusal(413, f"The request body exceeds {limit} bytes")


def unsupported_encoding(encoding: str) -> Refusal:
    """Refuse a Content-Encoding other than gzip and identity (assumed)."""
    return Refusal(415, f"Content-Encoding {encoding} is not supported")


def misdirected(host: str) -> Refusal:
    """Refuse a Host the emulator does not answer for, so that no web page can rebind a name to it."""
    return Refusal(421, f"This emulator does not answer for host {host}; add it to allowed_hosts")


def headers_too_large(limit: int) -> Refusal:
    """Refuse more header bytes than any client needs."""
    return Refusal(431, f"The request headers exceed {limit} bytes")


def internal_error() -> Refusal:
    """Say that the emulator itself failed; the log has the traceback."""
    return Refusal(500, "The emulator failed to handle this request; its log has the traceback")


def not_emulated(operation: str, route: str) -> Refusal:
    """Say that Talon.One has this operation and the emulator has not."""
    return Refusal(501, f"The emulator does not emulate {operation} ({route})")
