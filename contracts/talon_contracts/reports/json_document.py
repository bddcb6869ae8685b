"""A report as one JSON document, which leaves nothing out."""

import json
from typing import Any, Final

from talon_contracts.reports.events import Finding, Judged, Place, Report
from talon_contracts.reports.tally import tally

FORMAT: Final = 1
"""Goes up when a member goes or changes its meaning; new members do not count."""


def text(report: Report) -> str:
    """The document, in ASCII."""
    return json.dumps(document(report), indent=2)


def document(report: Report) -> dict[str, Any]:
    """The same as a dictionary."""
    begun = report.begun
    statements = {planned.check: planned.statement for planned in begun.planned}
    return {
        "format": FORMAT,
        "tool": begun.tool,
        "version": begun.version,
        "subject": [{"label": label, "value": value} for label, value in begun.subject],
        "seed": begun.seed,
        "exitCode": report.exit_code,
        "seconds": report.ended.seconds,
        "counts": tally(report),
        "notes": list(report.ended.notes),
        "checks": [_check(judged, statements.get(judged.check, ""), report) for judged in report.judged],
    }


def _check(judged: Judged, statement: str, report: Report) -> dict[str, Any]:
    return {
        "check": judged.check,
        "rule": judged.rule,
        "statement": statement,
        "status": judged.status,
        "word": report.begun.words[judged.status],
        "reason": judged.reason,
        "cases": judged.cases,
        "seconds": judged.seconds,
        "features": dict(judged.features),
        "seed": judged.seed,
        "again": judged.again,
        "findings": [_finding(finding) for finding in judged.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "message": finding.message,
        "hint": finding.hint,
        "place": None if finding.place is None else _place(finding.place),
        "commands": list(finding.commands),
        "expected": finding.expected,
        "actual": finding.actual,
    }


def _place(place: Place) -> dict[str, Any]:
    return {"file": place.file, "pointer": place.pointer, "line": place.line or None}
