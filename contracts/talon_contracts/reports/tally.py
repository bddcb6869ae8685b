"""The tally of a report: how many checks of each status, how many cases, errors and warnings."""

from typing import get_args

from talon_contracts.reports.events import Report, Status


def tally(report: Report) -> dict[str, int]:
    """The counts by name; every status is there."""
    statuses = [judged.status for judged in report.judged]
    severities = [finding.severity for judged in report.judged for finding in judged.findings]
    return {
        **{status: statuses.count(status) for status in get_args(Status)},
        "cases": sum(judged.cases for judged in report.judged),
        "errors": severities.count("error"),
        "warnings": severities.count("warning"),
    }
