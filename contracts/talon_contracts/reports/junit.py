"""A report as JUnit XML, which Jenkins, GitLab and GitHub's tools read: one test case a check.

A broken rule is a failure, a check without a verdict an error; what else there is to say is the case's output.
"""

from typing import TYPE_CHECKING, Final

from talon_contracts.reports.events import Judged, Report, Status
from talon_contracts.reports.plain import details, headline
from talon_contracts.reports.tally import tally
from talon_contracts.reports.text import printable

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_TAGS: Final[dict[Status, str]] = {"broken": "failure", "unproven": "error", "unjudged": "error", "untried": "skipped"}


def document(report: Report) -> bytes:
    """The document in UTF-8; what XML cannot hold stands in it as its escape."""
    from xml.etree.ElementTree import Element, SubElement, indent, tostring

    counts = tally(report)
    numbers = {
        "tests": str(len(report.judged)),
        "failures": str(counts["broken"]),
        "errors": str(counts["unproven"] + counts["unjudged"]),
        "skipped": str(counts["untried"]),
        "time": _seconds(report.ended.seconds),
    }
    name = printable(f"localtalon {report.begun.tool}")
    root = Element("testsuites", {"name": name, **numbers})
    suite = SubElement(root, "testsuite", {"name": name, **numbers})
    _properties(SubElement(suite, "properties"), report)
    for judged in report.judged:
        _case(suite, judged, report)
    if report.ended.notes:
        SubElement(suite, "system-out").text = "\n".join(map(printable, report.ended.notes))
    indent(root)
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _properties(into: "Element", report: Report) -> None:
    from xml.etree.ElementTree import SubElement

    begun = report.begun
    told = [("version", begun.version), *begun.subject]
    told += [] if begun.seed is None else [("seed", str(begun.seed))]
    for name, value in told:
        SubElement(into, "property", name=printable(name), value=printable(value))


def _case(suite: "Element", judged: Judged, report: Report) -> None:
    from xml.etree.ElementTree import SubElement

    case = SubElement(
        suite,
        "testcase",
        classname=printable(f"localtalon.{report.begun.tool}"),
        name=printable(judged.check),
        time=_seconds(judged.seconds),
    )
    place = next((finding.place for finding in judged.findings if finding.place is not None), None)
    if place is not None:
        case.set("file", printable(place.file))
    tag = _TAGS.get(judged.status)
    if tag is not None:
        told = SubElement(case, tag, message=headline(judged, report), type=printable(judged.rule))
        told.text = details(judged, report)
    elif judged.findings or judged.reason:
        SubElement(case, "system-out").text = details(judged, report)


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"
