"""What the tests of `localtalon check` share: a small config, and the report of a check in this process."""

import json
from pathlib import Path
from typing import Any

from localtalon.check import stream, subject
from talon_contracts.reports.events import Finding, Report, collected

CONFIG = """\
[destination]
custom_attributes = ["email", "age", "vip", "signed_up_at", "favourite_tags", "address_city"]

[deployment]
name = "shop"

[[deployment.applications]]
id = 1
name = "Shop"
api_keys = [{ title = "bridge", key = "a1a1a1a1" }]
"""
TYPES = {
    "email": "string",
    "age": "number",
    "vip": "boolean",
    "signed_up_at": "time",
    "favourite_tags": "(list string)",
    "address_city": "string",
    "big_spenders": "boolean",
    "lifetime_value": "number",
}


def definitions(types: dict[str, str]) -> str:
    """The tables that define attributes."""
    return "".join(f'\n[[deployment.attributes]]\nname = "{name}"\ntype = "{kind}"\n' for name, kind in types.items())


SHOP = CONFIG + definitions(TYPES)


def check(
    folder: Path,
    config: str = SHOP,
    events: list[Any] | None = None,
    plan: Any = None,
    ignored: tuple[str, ...] = (),
    strict: bool = False,
) -> Report:
    """The report on a config, events (written one a line) and a plan."""
    path, recorded, planned = folder / "localtalon.toml", folder / "events.ndjson", folder / "plan.json"
    path.write_text(config, "utf-8")
    recorded.write_text("".join(f"{json.dumps(event)}\n" for event in events or ()), "utf-8")
    planned.write_text(json.dumps(plan, indent=1), "utf-8")
    return collected(
        stream.events(
            subject.read(path, ignored, strict),
            [str(recorded)] if events is not None else [],
            None if plan is None else str(planned),
        )
    )


def findings(report: Report) -> list[Finding]:
    """All findings of a report."""
    return [finding for judged in report.judged for finding in judged.findings]


def errors(report: Report) -> list[tuple[str, str, int]]:
    """Of each error the rule, the pointer and the line."""
    return [
        (finding.rule, finding.place.pointer, finding.place.line)
        for finding in findings(report)
        if finding.severity == "error" and finding.place is not None
    ]


def at(document: Any, pointer: str) -> Any:
    """What a JSON pointer leads to; raises LookupError where it leads nowhere."""
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        document = document[int(key)] if isinstance(document, list) else document[key]
    return document
