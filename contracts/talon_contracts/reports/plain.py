"""One check's verdict as plain text, as a build server shows it below the name of a failed test."""

from collections.abc import Iterator
from typing import Final

from talon_contracts.reports.events import Finding, Judged, Place, Report
from talon_contracts.reports.text import bounded, printable, printable_lines

_LONGEST: Final = 20_000  # of one text


def headline(judged: Judged, report: Report) -> str:
    """What became of the check, on one line."""
    told = judged.reason or next((finding.message for finding in judged.findings), "")
    return bounded(
        printable(f"{report.begun.words[judged.status]}: {told}" if told else report.begun.words[judged.status]), 500
    )


def details(judged: Judged, report: Report) -> str:
    """Everything about it: the statement, the reason, every finding, how to repeat it."""
    statement = next((planned.statement for planned in report.begun.planned if planned.check == judged.check), "")
    shown = [printable_lines(bounded(text, _LONGEST)) for text in (statement, judged.reason) if text]
    shown += ["\n".join(_finding(finding)) for finding in judged.findings]
    if judged.again:
        shown.append(f"again: {printable(judged.again)}")
    if judged.seed is not None:
        shown.append(f"seed: {judged.seed}")
    return "\n\n".join(shown)


def located(place: Place) -> str:
    """A place as editors take it: `file:line pointer`."""
    line = f":{place.line}" if place.line else ""
    return printable(f"{place.file}{line} {place.pointer}".rstrip())


def _finding(finding: Finding) -> Iterator[str]:
    yield f"{finding.severity}: {printable(f'{finding.rule}: {finding.message}')}"
    if finding.place is not None:
        yield f"at {located(finding.place)}"
    if finding.hint:
        yield f"hint: {printable(finding.hint)}"
    if finding.expected or finding.actual:
        yield f"expected:\n{printable_lines(bounded(finding.expected, _LONGEST))}"
        yield f"actual:\n{printable_lines(bounded(finding.actual, _LONGEST))}"
    for command in finding.commands:
        yield f"$ {bounded(printable(command), _LONGEST)}"
