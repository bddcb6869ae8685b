"""A report as one HTML page, which needs nothing else: no script, no other file, no network."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from talon_contracts.reports.differences import Parts, marked
from talon_contracts.reports.events import Finding, Judged, Report
from talon_contracts.reports.plain import located
from talon_contracts.reports.tally import tally
from talon_contracts.reports.text import bounded, counted, printable, printable_lines

if TYPE_CHECKING:
    from jinja2 import Template

SHOWN: Final = 500
"""Findings of one check that the page shows; the others are counted."""

_LONGEST: Final = 20_000  # of one text


def text(report: Report) -> str:
    """The page."""
    statements = {planned.check: planned.statement for planned in report.begun.planned}
    judged = sorted(report.judged, key=lambda verdict: _ORDER.index(verdict.status))
    return _template().render(
        report=report, begun=report.begun, judged=judged, counts=tally(report), statements=statements, shown=SHOWN
    )


_ORDER: Final = ("broken", "unjudged", "unproven", "untried", "kept")


def _bars(judged: Judged) -> list[tuple[str, int, float]]:
    """Each feature that cases can show: its name, in how many it showed, and the share of them in percent."""
    return [
        (name, shown, min(100.0, 100 * shown / judged.cases) if judged.cases else 0.0)
        for name, shown in judged.features.items()
    ]


def _compared(finding: Finding) -> tuple[Parts, Parts]:
    return marked(_lines(finding.expected), _lines(finding.actual))


def _line(told: str) -> str:
    return bounded(printable(told), _LONGEST)


def _lines(told: str) -> str:
    return bounded(printable_lines(told), _LONGEST)


@cache
def _template() -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(Path(__file__).parent / "templates")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters.update(line=_line, lines=_lines, bars=_bars, compared=_compared, located=located, counted=counted)
    return made.get_template("page.html")
