"""A report as text for people: one broken rule fits the screen of a terminal, elsewhere nothing is left out."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from talon_contracts.reports.differences import around_difference
from talon_contracts.reports.events import Finding, Judged, Report, Status
from talon_contracts.reports.plain import located
from talon_contracts.reports.tally import tally
from talon_contracts.reports.text import bounded, counted, folded, printable, shortened

SHOWN: Final = 10
"""Findings of one check that a terminal shows."""

_LONGEST: Final = 10_000  # of one text, anywhere
_COMMAND: Final = 2_000  # a command that is cut cannot be pasted, so it is cut late
_ROWS_OF_NAMES: Final = 2
_ROOM_FOR_REST: Final = 18  # ` and 1,000 more` and its tail
_COLOURS: Final = {"kept": "32", "broken": "31;1", "unproven": "33", "unjudged": "33", "untried": "33"}
_MORE: Final = "(--json shows all)"


@dataclass(frozen=True, slots=True)
class Screen:
    """Where a report is shown, at least 40 columns wide.

    On a `terminal` texts are cut to its columns; elsewhere only endless ones are cut.
    """

    columns: int = 100
    terminal: bool = False
    colour: bool = False

    def cut(self, text: str, rows: int, indent: int = 0) -> str:
        """A text on one line, which takes at most so many rows."""
        return shortened(text, rows * self.columns - indent) if self.terminal else bounded(text, _LONGEST)

    def painted(self, text: str, status: Status) -> str:
        """A text in the colour of a status."""
        return f"\x1b[{_COLOURS[status]}m{text}\x1b[0m" if self.colour else text


def lines(report: Report, screen: Screen) -> Iterator[str]:
    """The whole report."""
    words = report.begun.words
    yield screen.cut(_heading(report), 1)
    kept = [judged for judged in report.judged if judged.status == "kept"]
    if kept:
        yield from _folded_names(screen, words["kept"], "kept", kept)
    for status in ("unproven", "unjudged", "untried"):
        yield from _without_verdict(report, status, screen)
    for judged in sorted(report.judged, key=lambda judged: judged.status == "broken"):
        if judged.findings or judged.status == "broken":
            yield from () if screen.terminal else ("",)
            yield from _with_findings(report, judged, screen)
    for note in report.ended.notes:
        yield screen.cut(f"note: {printable(note)}", 3)
    yield _closing(report, screen)


def _heading(report: Report) -> str:
    begun = report.begun
    told = [f"{label} {value}" for label, value in begun.subject]
    told += [] if begun.seed is None else [f"seed {begun.seed}"]
    return printable(f"localtalon {begun.tool}" + (f": {', '.join(told)}" if told else ""))


def _folded_names(screen: Screen, word: str, status: Status, judged: list[Judged], tail: str = "") -> Iterator[str]:
    """`kept (3): MAP-1, MAP-2, MAP-3`, in rows; a terminal shows the first of them."""
    heading = printable(word)
    row, rows, left = f" ({len(judged):,}):", 0, len(judged)
    for verdict in judged:
        name = shortened(printable(verdict.check), screen.columns // 2) + ("," if left > 1 else tail)
        last = screen.terminal and rows + 1 == _ROWS_OF_NAMES
        used = len(row) + (0 if rows else len(heading))
        if used + 1 + len(name) > screen.columns - (_ROOM_FOR_REST if last and left > 1 else 0):
            if last:
                row += f" and {left:,} more{tail}"
                break
            yield row if rows else screen.painted(heading, status) + row
            row, rows = " ", rows + 1
        row, left = f"{row} {name}", left - 1
    yield row if rows else screen.painted(heading, status) + row


def _without_verdict(report: Report, status: Status, screen: Screen) -> Iterator[str]:
    """Checks without a verdict, together where the reason is the same: a target that is down takes one line, not 30."""
    by_reason: dict[str, list[Judged]] = {}
    for judged in report.judged:
        if judged.status == status:
            by_reason.setdefault(judged.reason, []).append(judged)
    for reason, together in by_reason.items():
        if len(together) == 1:
            yield _titled(report, together[0], folded(reason), screen)
            yield from _repeating(together[0])
            continue
        yield from _folded_names(screen, report.begun.words[status], status, together, ":" if reason else "")
        if reason:
            yield "  " + screen.cut(folded(reason), 3, 2)


def _titled(report: Report, judged: Judged, told: str, screen: Screen) -> str:
    """`MAP-1 broken: what is wrong`."""
    check, word = printable(judged.check), printable(report.begun.words[judged.status])
    cut = screen.cut(told, 2, len(check) + len(word) + 3)
    return f"{check} {screen.painted(word, judged.status)}" + (f": {cut}" if cut else "")


def _with_findings(report: Report, judged: Judged, screen: Screen) -> Iterator[str]:
    findings = judged.findings
    single = len(findings) == 1 and findings[0].severity == "error" and findings[0].place is None
    yield _titled(report, judged, _message(findings[0], judged) if single else _number_of(findings), screen)
    statement = next((plan.statement for plan in report.begun.planned if plan.check == judged.check), "")
    if judged.status == "broken" and statement:
        yield "  " + screen.cut(folded(statement), 1, 2)
    if judged.reason and judged.status in ("kept", "broken"):
        yield "  " + screen.cut(folded(judged.reason), 3, 2)
    left = SHOWN if screen.terminal else sys.maxsize
    for alike in _grouped(findings):
        if left <= 0:
            break
        yield from _group(alike[:left], judged, screen, titled=not single)
        left -= len(alike)
    if len(findings) > SHOWN and screen.terminal:
        yield f"  and {len(findings) - SHOWN:,} more {_MORE}"
    if judged.status in ("kept", "broken"):
        yield from _repeating(judged)


def _grouped(findings: Iterable[Finding]) -> Iterable[list[Finding]]:
    """Findings that differ in nothing but their place are told once, errors first."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in sorted(findings, key=lambda finding: finding.severity):
        key = (finding.severity, finding.rule, finding.message, finding.hint, finding.commands)
        groups.setdefault((*key, finding.expected, finding.actual), []).append(finding)
    return groups.values()


def _group(alike: list[Finding], judged: Judged, screen: Screen, *, titled: bool) -> Iterator[str]:
    first = alike[0]
    if titled:
        warning = "warning: " if first.severity == "warning" else ""
        yield "  " + screen.cut(f"{warning}{_message(first, judged)}", 2, 2)
    indent = "    " if titled else "  "
    for finding in alike:
        if finding.place is not None:
            yield f"{indent}{screen.cut(located(finding.place), 2, 4)}"
    if first.hint:
        yield f"{indent}hint: {screen.cut(folded(first.hint), 2, 10)}"
    yield from _compared(first, screen, indent)
    for command in first.commands:
        yield f"{indent}$ {bounded(printable(command), _COMMAND if screen.terminal else _LONGEST)}"


def _compared(finding: Finding, screen: Screen, indent: str) -> Iterator[str]:
    expected, actual = folded(finding.expected), folded(finding.actual)
    most = screen.columns - len(indent) - 9 if screen.terminal else _LONGEST
    if expected or actual:
        shown = around_difference(expected, actual, most)
        yield f"{indent}expected {shown[0]}"
        yield f"{indent}actual   {shown[1]}"


def _message(finding: Finding, judged: Judged) -> str:
    """What is wrong; the rule is named where the check does not name it already."""
    rule = "" if finding.rule in judged.check else f"{finding.rule}: "
    return printable(f"{rule}{finding.message}")


def _repeating(judged: Judged) -> Iterator[str]:
    """The command that repeats it, and the seed where that does not name it."""
    seed = "" if judged.seed is None else str(judged.seed)
    if judged.again:
        aside = f" (seed {seed})" if seed and seed not in judged.again else ""
        yield f"  again: {printable(judged.again)}{aside}"
    elif seed:
        yield f"  seed: {seed}"


def _number_of(findings: tuple[Finding, ...]) -> str:
    warnings = sum(finding.severity == "warning" for finding in findings)
    told = [(len(findings) - warnings, "finding"), (warnings, "warning")]
    return ", ".join(counted(number, noun) for number, noun in told if number)


def _closing(report: Report, screen: Screen) -> str:
    order: tuple[Status, ...] = ("broken", "unjudged", "unproven", "untried", "kept")
    counts = tally(report)
    told = [
        screen.painted(f"{counts[status]:,} {printable(report.begun.words[status])}", status)
        for status in order
        if counts[status]
    ]
    told += [counted(counts["warnings"], "warning")] if counts["warnings"] else []
    effort = [counted(counts["cases"], "case")] if counts["cases"] else []
    return f"{', '.join(told) or 'nothing was judged'} ({', '.join([*effort, f'{report.ended.seconds:.1f} s'])})"
