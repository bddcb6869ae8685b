"""The README's table of what is emulated, made from the route table."""

from collections.abc import Iterable

from talon_emulator import catalogue, operations
from talon_emulator.calls import Operation
from talon_emulator.catalogue import DOCUMENTED, Documented
from talon_emulator.control.routes import CONTROL

TITLES = {
    "integration": "Integration API",
    "management": "Management API",
    "segment": "Third-party API, Segment",
    "cdp": "Third-party API, customer data platforms",
    "": "Third-party API, others",
}


def render() -> str:
    """Return the table in Markdown."""
    emulated = {catalogue.route(operation): operation for operation in operations.EMULATED}
    lines = ["| API | emulated | of the documented |", "|---|---|---|"]
    for title in TITLES.values():
        documented = [catalogue.route(operation) for operation in DOCUMENTED if _title_of(operation) == title]
        there = [emulated[route] for route in documented if route in emulated]
        lines.append(f"| {title} | {_listed(there) or 'nothing yet'} | {len(there)} of {len(documented)} |")
    known = {catalogue.route(operation) for operation in DOCUMENTED}
    theirs = [operation for operation in operations.EMULATED if _is_talons(operation)]
    lines.append(f"| Talon.One, in no document | {_listed(o for o in theirs if catalogue.route(o) not in known)} | |")
    lines.append(f"| the emulator's own | {_listed(CONTROL)} | |")
    return "\n".join(lines) + "\n"


def _title_of(operation: Documented) -> str:
    return TITLES.get(operation.api, TITLES[""])


def _is_talons(operation: Operation) -> bool:
    return not operation.id.startswith(("emulator.", "ui."))


def _listed(found: Iterable[Operation]) -> str:
    methods: dict[str, list[str]] = {}
    for operation in found:
        methods.setdefault(operation.template, []).append(operation.method)
    return ", ".join(f"`{'/'.join(given)} {template}`" for template, given in sorted(methods.items()))
