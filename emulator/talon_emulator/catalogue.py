"""The operations that Talon.One documents, as data; those that are not emulated answer 501 and say which they are."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from talon_emulator import errors, shapes
from talon_emulator.auth import Security
from talon_emulator.calls import Call, Handler, Operation
from talon_emulator.exchange import Answer

_FILE: Final = Path(__file__).parent / "catalogue.txt"
_PARAMETER = re.compile(r"\{\w*\}")
_SECURITY: Final[dict[str, Security]] = {
    "integration": "integration",
    "management": "management",
    "segment": "segment",
    "cdp": "customer_data",
    "braze": "braze",
    "customer_engagement": "customer_engagement",
    "emarsys": "emarsys",
    "iterable": "iterable",
    "mparticle": "mparticle",
    "shopify": "shopify",
}
# Who signs in has nothing to show yet; mParticle sends its key in the body, Shopify a token of its own (documented).
_OPEN: Final = frozenset(
    (
        "createSession",
        "createPasswordRecoveryEmail",
        "resetPassword",
        "mparticle/sendevent",
        "getCustomerHeadless",
        "getCustomerThemeBased",
        "upsertSession",
    )
)


class Documented(msgspec.Struct, frozen=True):
    """One documented operation; `api` is the document it is in, third-party ones by the first step of their path."""

    api: str
    method: str
    template: str
    id: str


def read(text: str) -> tuple[Documented, ...]:
    """Read a catalogue: one operation a line, four words each; `#` begins a comment line."""
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return tuple(Documented(*line.split()) for line in lines)


DOCUMENTED: Final = read(_FILE.read_text("utf-8"))


def route(operation: Documented | Operation) -> tuple[str, str]:
    """Return method and path of an operation without the names of its parameters, which are ours to choose."""
    return operation.method, _PARAMETER.sub("{}", operation.template)


def missing(emulated: Iterable[Operation]) -> tuple[Operation, ...]:
    """Return an operation that refuses with 501 for each documented one that is not among the emulated."""
    routes = {route(operation) for operation in emulated}
    return tuple(_refusing(documented) for documented in DOCUMENTED if route(documented) not in routes)


def _refusing(documented: Documented) -> Operation:
    method, template = route(documented)
    security = "none" if documented.id in _OPEN else _SECURITY[documented.api]
    return Operation(documented.id, method, template, security, _handler(documented))


def _handler(documented: Documented) -> Handler:
    refusal = errors.not_emulated(documented.id, f"{documented.method} {documented.template}")

    async def refuse(call: Call) -> Answer:
        return shapes.render(call.request.path, refusal)

    return refuse
