"""A report as SARIF 2.1.0, which code scanning reads: a result for each finding, a notification where no verdict is."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from talon_contracts.reports.events import Finding, Judged, Place, Report
from talon_contracts.reports.plain import details, headline
from talon_contracts.reports.text import bounded, printable

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LONGEST: Final = 20_000  # of one text


def text(report: Report) -> str:
    """The document, in ASCII."""
    return json.dumps(document(report), indent=2)


def document(report: Report) -> dict[str, Any]:
    """The same as a dictionary."""
    rules = list(_statements(report))
    unjudged = [judged for judged in report.judged if judged.status in ("unproven", "unjudged")]
    begun = report.begun
    run = {
        "tool": {
            "driver": {
                "name": "localtalon",
                "version": begun.version,
                "rules": [_rule(rule, statement) for rule, statement in _statements(report).items()],
            }
        },
        "automationDetails": {"id": f"localtalon/{begun.tool}/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": not unjudged,
                "exitCode": report.exit_code,
                "toolExecutionNotifications": [_notification(judged, report, rules) for judged in unjudged],
            }
        ],
        "results": [result for judged in report.judged for result in _results(judged, report, rules)],
        "properties": {"seed": begun.seed, "subject": [f"{label}: {value}" for label, value in begun.subject]},
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _statements(report: Report) -> dict[str, str]:
    """What each rule says that is planned or was found broken."""
    found = {planned.rule: planned.statement for planned in report.begun.planned}
    for judged in report.judged:
        for rule in (judged.rule, *(finding.rule for finding in judged.findings)):
            found.setdefault(rule, "")
    return found


def _rule(rule: str, statement: str) -> dict[str, Any]:
    says = {"text": printable(statement or rule)}
    return {"id": rule, "shortDescription": says, "fullDescription": says, "help": says}  # code scanning wants them all


def _results(judged: Judged, report: Report, rules: list[str]) -> Iterator[dict[str, Any]]:
    for finding in judged.findings:
        yield _result(finding, rules)
    if judged.status == "broken" and not judged.findings:
        told = Finding(judged.rule, headline(judged, report))
        yield _result(told, rules)


def _result(finding: Finding, rules: list[str]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": rules.index(finding.rule),
        "level": finding.severity,
        "message": {"text": _message(finding)},
        "partialFingerprints": {"localtalon/v1": _fingerprint(finding)},
    }
    if finding.place is not None:
        told["locations"] = [_location(finding.place)]
    return told


def _message(finding: Finding) -> str:
    lines = [finding.message, finding.hint]
    lines += (
        [f"expected: {finding.expected}", f"actual: {finding.actual}"] if finding.expected or finding.actual else []
    )
    lines += [f"$ {command}" for command in finding.commands]
    told = "\n".join(printable(bounded(line, _LONGEST)) for line in lines if line) or printable(finding.rule)
    return told.replace("](", "] (")  # which a viewer would take for a link


def _location(place: Place) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": uri(place.file)}}
    if place.line:
        physical["region"] = {"startLine": place.line}
    located: dict[str, Any] = {"physicalLocation": physical}
    if place.pointer:
        located["logicalLocations"] = [{"fullyQualifiedName": place.pointer}]
    return located


def uri(file: str) -> str:
    """A file's name as a URI: relative to where the command ran, unless it is absolute."""
    path = Path(file)
    quoted = quote(path.as_posix(), errors="backslashreplace")
    return f"file://{quoted if quoted.startswith('/') else '/' + quoted}" if path.is_absolute() else quoted


def _fingerprint(finding: Finding) -> str:
    """The same for the same thing in a later run, wherever its lines have moved."""
    place = finding.place or Place("")
    told = json.dumps([finding.rule, finding.message, place.file, place.pointer])
    return hashlib.sha256(told.encode()).hexdigest()


def _notification(judged: Judged, report: Report, rules: list[str]) -> dict[str, Any]:
    return {
        "level": "error",
        "message": {
            "text": f"{printable(judged.check)} {headline(judged, report)}\n{details(judged, report)}".rstrip()
        },
        "associatedRule": {"id": judged.rule, "index": rules.index(judged.rule)},
    }
