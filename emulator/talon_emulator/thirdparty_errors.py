"""The error shape of Talon.One's third-party host: `{"StatusCode", "Error", "RequestUUID"}` and a line feed.

The members, their order, the line feed and the escapes are those of the vendor's own HTTP library (observed).
"""

from typing import Final

import msgspec

from talon_emulator.errors import Problem, Refusal
from talon_emulator.exchange import Answer

# The sample of a 404 says this, whatever was not found (documented); what it names follows (assumed).
_NOT_FOUND: Final = "Not Found"
# Go escapes these inside JSON strings; outside of strings JSON has none of them.
_ESCAPES: Final = tuple(
    (character.encode(), rb"\u%04x" % ord(character)) for character in ("<", ">", "&", "\u2028", "\u2029")
)
_ENCODER = msgspec.json.Encoder()


class _Envelope(msgspec.Struct, frozen=True, rename="pascal"):
    status_code: int
    error: str
    request_uuid: str = msgspec.field(name="RequestUUID")


def answer(refusal: Refusal, request_uuid: str) -> Answer:
    """Render a refusal in the third-party host's error shape.

    `Error` is a text (documented schema); what the deployment refused follows in it (assumption: third-party-errors).
    """
    details = "; ".join(map(_told, refusal.errors))
    follows = f": {details}" if details else ""
    text = refusal.message + follows
    shown = (_NOT_FOUND if refusal.status == 404 else refusal.message) + follows
    body = _ENCODER.encode(_Envelope(refusal.status, shown, request_uuid))
    for character, escape in _ESCAPES:
        body = body.replace(character, escape)
    return Answer(refusal.status, body + b"\n", note=refusal.note or text)


def _told(problem: Problem) -> str:
    """Return what is wrong with its place, unless the text names the only one that it can be."""
    place = problem.source.get("pointer", "")
    steps = place.split("/")[1:]
    named = bool(steps) and f'"{steps[-1]}"' in problem.details and not any(map(str.isdecimal, steps))
    return problem.details if named or not steps else f"{place}: {problem.details}"


def no_deployment_url() -> Refusal:
    """Refuse a request to the third-party host that does not say which deployment it is for (text documented)."""
    return Refusal(400, "No Deployment URL specified")


def bad_deployment_url(given: str) -> Refusal:
    """Refuse a deployment that is named by neither a host nor the URL of one (assumed)."""
    return Refusal(400, f"destination-hostname is neither a host nor the URL of one: {given}")


def no_data_platform() -> Refusal:
    """Refuse a customer data platform that does not say its name (that it must is documented, text assumed)."""
    return Refusal(400, "No Customer Data Platform name specified")
