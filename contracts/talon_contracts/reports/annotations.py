"""A report as workflow commands, which GitHub Actions shows beside the changed lines."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from talon_contracts.reports.events import Finding, Judged, Place, Report
from talon_contracts.reports.plain import headline
from talon_contracts.reports.text import bounded, printable

SHOWN: Final = 10
"""Errors, and warnings, that GitHub shows of one step (documented)."""

_LONGEST: Final = 2_000  # of one text; GitHub cuts a message at 4 KB (observed)


@dataclass(frozen=True, slots=True)
class _Annotation:
    kind: Literal["error", "warning"]
    title: str
    message: str
    place: Place | None = None

    def __str__(self) -> str:
        told = {}
        if self.place is not None:
            told["file"] = self.place.file
            if self.place.line:
                told["line"] = str(self.place.line)
        told["title"] = self.title
        properties = ",".join(f"{name}={_property(value)}" for name, value in told.items())
        return f"::{self.kind} {properties}::{_data(self.message)}"


def text(report: Report) -> str:
    """The commands, a line each: as many errors and warnings as are shown, then a notice about those left out."""
    found = [annotation for judged in report.judged for annotation in _of(judged, report)]
    errors = [annotation for annotation in found if annotation.kind == "error"]
    warnings = [annotation for annotation in found if annotation.kind == "warning"]
    shown = [*errors[:SHOWN], *warnings[:SHOWN]]
    lines = [str(annotation) for annotation in shown]
    if len(shown) < len(found):
        left = f"{len(found) - len(shown):,} more of {len(found):,} are in the log and in the report files"
        lines.append(f"::notice title={_property(f'localtalon {report.begun.tool}')}::{_data(left)}")
    return "\n".join(lines)


def _of(judged: Judged, report: Report) -> Iterator[_Annotation]:
    title = f"{judged.check} {report.begun.words[judged.status]}"
    errors = [finding for finding in judged.findings if finding.severity == "error"]
    if judged.status != "kept" and not errors:
        yield _Annotation("error", title, headline(judged, report))
    for finding in judged.findings:
        where = "" if finding.place is None else finding.place.pointer
        about = title if finding.severity == "error" else judged.check
        yield _Annotation(finding.severity, f"{about} {where}".rstrip(), _message(finding, judged), finding.place)


def _message(finding: Finding, judged: Judged) -> str:
    told = [finding.message if finding.rule in judged.check else f"{finding.rule}: {finding.message}"]
    told += [finding.hint] if finding.hint else []
    told += [f"expected: {finding.expected}", f"actual: {finding.actual}"] if finding.expected or finding.actual else []
    told += [f"$ {command}" for command in finding.commands]
    return "\n".join(printable(bounded(line, _LONGEST)) for line in told)


def _data(text: str) -> str:
    """The part behind `::`."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(printable(bounded(text, _LONGEST))).replace(":", "%3A").replace(",", "%2C")
