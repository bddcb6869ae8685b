"""Every form of a report says the same, whatever text it must hold."""

import json
import re
from collections import Counter
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from report_support import BROKEN, REPORTS, TEXTS, report
from talon_contracts.reports import annotations, json_document, junit, page, sarif
from talon_contracts.reports.differences import around_difference, marked
from talon_contracts.reports.events import Begun, Ended, Finding, Judged, Place, Planned, Report, collected
from talon_contracts.reports.record import Record
from talon_contracts.reports.tally import tally
from talon_contracts.reports.text import bounded, folded, printable, printable_lines

HOSTILE = '</script><script src="//evil"></script>\x1b[2J\r\n::error::x \x00\ufffe \u202e [a](http://evil) %0A,:'


def one(finding: Finding, status: Any = "broken", rule: str = "MAP-3", tool: str = "check") -> Report:
    begun = Begun(tool, (), (Planned(rule, rule, "what must hold"),), "0.1.0")
    return Report(begun, (Judged(rule, rule, status, findings=(finding,)),), Ended(1.0))


def of(told: Report, *statuses: str) -> list[Judged]:
    return [judged for judged in told.judged if judged.status in statuses]


hostile = example(
    one(Finding("MAP-3", HOSTILE, HOSTILE, Place(HOSTILE, HOSTILE, 3), (HOSTILE,), HOSTILE, "b" + HOSTILE))
)
usual = example(report("MAP-1", "AUD-4", unjudged="DEL-1"))


# JSON


@hostile
@usual
@given(REPORTS)
def test_json_leaves_nothing_out(told: Report) -> None:
    text = json_document.text(told)
    assert text.isascii()
    found = json.loads(text)
    assert (found["format"], found["exitCode"], found["seed"]) == (1, told.exit_code, told.begun.seed)
    assert found["counts"] == tally(told)
    assert [check["status"] for check in found["checks"]] == [judged.status for judged in told.judged]
    for check, judged in zip(found["checks"], told.judged, strict=True):
        assert (check["check"], check["rule"], check["reason"]) == (judged.check, judged.rule, judged.reason)
        assert (check["features"], check["again"]) == (judged.features, judged.again)
        assert [read_back(finding) for finding in check["findings"]] == list(judged.findings)


def read_back(found: dict[str, Any]) -> Finding:
    place = found.pop("place")
    at = None if place is None else Place(place["file"], place["pointer"], place["line"] or 0)
    return Finding(**{**found, "commands": tuple(found["commands"])}, place=at)


def test_json_names_every_check_with_its_statement() -> None:
    checks = json.loads(json_document.text(report("MAP-1")))["checks"]
    (broken,) = (check for check in checks if check["status"] == "broken")
    assert broken["statement"].startswith("A nested object becomes one attribute per leaf")
    assert broken["findings"][0]["commands"] == list(BROKEN.commands)


# JUnit XML


@hostile
@usual
@given(REPORTS)
def test_junit_counts_what_was_judged(told: Report) -> None:
    root = ElementTree.fromstring(junit.document(told))
    (suite,) = root
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases] == [printable(judged.check) for judged in told.judged]
    counts = {"tests": len(cases), "failures": len(of(told, "broken")), "errors": len(of(told, "unproven", "unjudged"))}
    for element in (root, suite):
        assert {name: int(element.attrib[name]) for name in counts} == counts
        assert float(element.attrib["time"]) == pytest.approx(told.ended.seconds, abs=0.001)
    assert len(suite.findall("testcase/failure")) == counts["failures"]
    assert len(suite.findall("testcase/error")) == counts["errors"]
    for case, judged in zip(cases, told.judged, strict=True):
        if judged.findings:
            shown = "".join(case.itertext())
            assert all(printable(finding.message) in shown for finding in judged.findings)


def test_a_warning_is_no_failure_in_junit() -> None:
    told = one(Finding("MAP-3", "looks odd", place=Place("a.json", "/traits/x", 4), severity="warning"), "kept")
    (case,) = ElementTree.fromstring(junit.document(told)).iter("testcase")
    assert (case.get("file"), [child.tag for child in case]) == ("a.json", ["system-out"])
    assert "warning: MAP-3: looks odd\nat a.json:4 /traits/x" in "".join(case.itertext())


# HTML


class Page(HTMLParser):
    """What a browser makes of a page: the tags, their attributes, the text beside them."""

    VOID = frozenset({"meta"})

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: Counter[str] = Counter()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.ids: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


@hostile
@usual
@given(REPORTS)
def test_a_page_shows_every_check_and_runs_and_fetches_nothing(told: Report) -> None:
    text = page.text(told)
    assert all(char.isprintable() or char == "\n" for char in text)
    found = Page(text)
    assert found.open == []
    assert found.tags["section"] == len(told.judged)
    assert found.tags["article"] == sum(len(judged.findings) for judged in told.judged)
    assert not {"script", "img", "link", "iframe", "object", "form", "base", "style src"} & found.tags.keys()
    assert found.tags["style"] == 1
    for _, name, value in found.attributes:
        assert not name.startswith("on")
        assert name not in ("src", "style", "action", "srcset")
        if name == "href":
            assert value.startswith("#")
            assert value[1:] in found.ids
    for judged in told.judged:
        for finding in judged.findings:
            assert printable(finding.message) in found.text
            assert printable_lines(finding.expected) in found.text


def test_a_page_forbids_what_it_does_not_need() -> None:
    found = Page(page.text(report()))
    (policy,) = (value for tag, name, value in found.attributes if tag == "meta" and value.startswith("default-src"))
    assert "default-src 'none'" in policy
    assert "script" not in policy


def test_a_page_marks_what_differs_and_draws_what_the_cases_showed() -> None:
    text = page.text(report("MAP-1"))
    assert "<mark>a_b</mark>" in text
    assert "<mark>a.b</mark>" in text
    found = Page(text)
    assert "62 (62 %)" in found.text
    assert "20260121" in found.text
    assert "localtalon verify --rule MAP-1 --seed 20260121" in found.text
    widths = [value for tag, name, value in found.attributes if (tag, name) == ("rect", "width")]
    assert {"62.00", "9.00", "0.00"} <= set(widths)


def test_a_page_of_endless_texts_and_findings_stays_small() -> None:
    endless = "<" * 2_000_000
    finding = Finding("MAP-3", endless, endless, Place("a.json"), (endless,), endless, endless + "x")
    text = page.text(one(finding))
    assert len(text) < 1_000_000
    assert "(2,000,000 characters in all)" in text
    begun = Begun("check", (), (), "0.1.0")
    many = Judged("MAP-3", "MAP-3", "broken", findings=(BROKEN,) * (page.SHOWN + 7))
    assert "and 7 more" in page.text(Report(begun, (many,), Ended(1.0)))


# GitHub


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """The workflow commands of a text, as GitHub's runner takes them apart."""
    found = []
    for line in text.split("\n") if text else []:
        matched = re.fullmatch(r"::(error|warning|notice) ([^:]*)::(.*)", line)
        assert matched is not None, line
        properties = dict(pair.split("=", 1) for pair in matched[2].split(","))
        for name, value in properties.items():
            properties[name] = plain(value.replace("%3A", ":").replace("%2C", ","))
        found.append((matched[1], properties, plain(matched[3])))
    return found


def plain(escaped: str) -> str:
    return escaped.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


@hostile
@usual
@given(REPORTS)
def test_annotations_are_the_most_severe_and_count_the_rest(told: Report) -> None:
    found = commands(annotations.text(told))
    severities = [finding.severity for judged in told.judged for finding in judged.findings]
    silent = [
        judged
        for judged in told.judged
        if judged.status != "kept" and not any(finding.severity == "error" for finding in judged.findings)
    ]
    errors, warnings = severities.count("error") + len(silent), severities.count("warning")
    kinds = Counter(kind for kind, _, _ in found)
    assert kinds["error"] == min(errors, annotations.SHOWN)
    assert kinds["warning"] == min(warnings, annotations.SHOWN)
    left = errors + warnings - kinds["error"] - kinds["warning"]
    assert kinds["notice"] == (1 if left else 0)
    assert all(char.isprintable() or char == "\n" for _, _, message in found for char in message)


def test_ten_errors_and_ten_warnings_are_annotated_whatever_their_order() -> None:
    odd = Finding("MAP-3", "looks odd", severity="warning")
    begun = Begun("check", (), (), "0.1.0")
    judged = (
        Judged("A", "MAP-3", "kept", findings=(odd,) * 12),
        Judged("B", "MAP-1", "broken", findings=(BROKEN,) * 25),
    )
    *shown, (kind, properties, message) = commands(annotations.text(Report(begun, judged, Ended(1.0))))
    assert [kind for kind, _, _ in shown] == ["error"] * 10 + ["warning"] * 10
    assert (kind, properties) == ("notice", {"title": "localtalon check"})
    assert message.startswith("17 more of 37 ")


def test_an_annotation_names_file_line_and_pointer() -> None:
    finding = Finding("MAP-3", "100%: not, %0A %25 listed", "add it", Place("a,b:c%0A.json", "/traits/x", 7))
    ((kind, properties, message),) = commands(annotations.text(one(finding)))
    assert (kind, message) == ("error", "100%: not, %0A %25 listed\nadd it")
    assert properties == {"file": "a,b:c%0A.json", "line": "7", "title": "MAP-3 broken /traits/x"}
    odd = Finding("MAP-3", "looks odd", severity="warning")
    assert commands(annotations.text(one(odd, "kept"))) == [("warning", {"title": "MAP-3"}, "looks odd")]


# SARIF


@hostile
@usual
@given(REPORTS)
def test_sarif_has_a_result_for_each_finding(told: Report) -> None:
    document = json.loads(sarif.text(told))
    assert set(document) == {"$schema", "version", "runs"}
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    ids = [rule["id"] for rule in rules]
    assert len(ids) == len(set(ids))
    findings = [finding for judged in told.judged for finding in judged.findings]
    silent = [judged for judged in of(told, "broken") if not judged.findings]
    assert len(run["results"]) == len(findings) + len(silent)
    for result in run["results"]:
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("error", "warning")
        assert "](" not in result["message"]["text"]
        for location in result.get("locations", ()):
            physical = location["physicalLocation"]
            address = physical["artifactLocation"]["uri"]
            assert re.fullmatch(r"[A-Za-z0-9/._~%:-]*", address)
            assert urlsplit(address).scheme in ("", "file")
            assert physical.get("region", {"startLine": 1})["startLine"] >= 1
    (invocation,) = run["invocations"]
    assert len(invocation["toolExecutionNotifications"]) == len(of(told, "unproven", "unjudged"))
    assert invocation["executionSuccessful"] is not bool(of(told, "unproven", "unjudged"))
    assert invocation["exitCode"] == told.exit_code


def test_a_sarif_result_lies_where_the_finding_does() -> None:
    told = one(Finding("MAP-3", "not listed", "add it", Place("events/ä b.json", "/traits/x", 7)))
    (run,) = json.loads(sarif.text(told))["runs"]
    (result,) = run["results"]
    (location,) = result["locations"]
    assert unquote(location["physicalLocation"]["artifactLocation"]["uri"]) == "events/ä b.json"
    assert location["physicalLocation"]["region"] == {"startLine": 7}
    assert location["logicalLocations"] == [{"fullyQualifiedName": "/traits/x"}]
    assert result["message"]["text"] == "not listed\nadd it"
    assert run["tool"]["driver"]["rules"][0]["shortDescription"]["text"] == "what must hold"


def test_a_fingerprint_outlives_a_moved_line_and_nothing_else() -> None:
    def fingerprint(message: str, line: int) -> Any:
        told = one(Finding("MAP-3", message, place=Place("a.json", "/traits/x", line)))
        return json.loads(sarif.text(told))["runs"][0]["results"][0]["partialFingerprints"]

    assert fingerprint("not listed", 7) == fingerprint("not listed", 8)
    assert fingerprint("not listed", 7) != fingerprint("wrong type", 7)


@pytest.mark.parametrize(("file", "expected"), [("/tmp/a.json", "file:///tmp/a.json"), ("c:d.json", "c%3Ad.json")])
def test_a_file_is_named_as_a_uri(file: str, expected: str) -> None:
    assert sarif.uri(file) == expected


# What they share


@given(TEXTS)
def test_a_printable_text_has_no_control_character_and_keeps_what_can_be_shown(text: str) -> None:
    for shown in (printable(text), folded(text)):
        assert shown.isprintable()
    assert printable_lines(text).replace("\n", "").isprintable()
    assert printable("".join(filter(str.isprintable, text))) == "".join(filter(str.isprintable, text))


def test_lone_surrogates_can_be_written_in_every_form() -> None:
    told = one(Finding("MAP-3", "\ud800", "\udfff", Place("\ud800.json"), ("\ud800",), "\ud800", "\udbff"))
    for written in (json_document.text, page.text, annotations.text, sarif.text):
        assert "\\ud800" in written(told).encode().decode()
    assert b"\\ud800" in junit.document(told)


@given(st.text(max_size=60), st.text(max_size=60), st.integers(1, 80))
def test_a_bounded_text_says_how_long_it_was(text: str, other: str, most: int) -> None:
    shown = bounded(text, most)
    assert shown == text or shown == f"{text[:most]}… ({len(text)} characters in all)"


@example('{"a":1,"b":2}', '{"a":1,"c":2}')
@example("a a", "a")
@given(st.text("ab {}1", max_size=40), st.text("ab {}1", max_size=40))
def test_marked_parts_are_the_texts_and_what_is_not_marked_is_in_both(expected: str, actual: str) -> None:
    left, right = marked(expected, actual)
    assert "".join(part for part, _ in left) == expected
    assert "".join(part for part, _ in right) == actual
    assert "".join(part for part, differs in left if not differs) == "".join(
        part for part, differs in right if not differs
    )
    if expected == actual:
        assert not any(differs for _, differs in (*left, *right))


@example("x" * 100 + "a" + "x" * 100, "x" * 100 + "b" + "x" * 100, 40)
@example("x" * 100, "x" * 100 + "b", 40)
@given(st.text("ab", max_size=200), st.text("ab", max_size=200), st.integers(20, 100))
def test_the_first_difference_of_long_texts_shows(expected: str, actual: str, most: int) -> None:
    left, right = around_difference(expected, actual, most)
    assert max(len(left), len(right)) == min(max(len(expected), len(actual)), most)
    assert (left == right) is (expected == actual)


# A stream that breaks off


def test_what_has_no_verdict_at_the_end_could_not_be_judged() -> None:
    record = Record()
    for event in (Begun("verify", (), (Planned("A", "MAP-1", ""), Planned("B", "MAP-2", "")), "0"), Ended(2.0)):
        record.take(event)
    record.take(Judged("A", "MAP-1", "kept"))
    told = record.report()
    assert [(judged.check, judged.status) for judged in told.judged] == [("A", "kept"), ("B", "unjudged")]
    assert told.exit_code == 2


def test_a_stream_that_breaks_off_is_no_pass_even_behind_its_last_verdict() -> None:
    record = Record()
    record.take(Begun("verify", (), (Planned("A", "MAP-1", ""),), "0"))
    record.take(Judged("A", "MAP-1", "kept"))
    told = record.broken_off(3.0, "stopped")
    assert (told.exit_code, told.ended.seconds, told.judged[-1].reason) == (2, 3.0, "stopped")


@pytest.mark.parametrize("events", [[], [Ended(1.0)], [Begun("verify", (), (), "0")]])
def test_a_stream_has_a_beginning_and_an_end(events: list[Any]) -> None:
    record = Record()
    for event in events:
        record.take(event)
    with pytest.raises(ValueError, match=r"a stream of events (begins|ends) with"):
        record.report()
    with pytest.raises(ValueError, match="a stream begins"):
        collected(events)
