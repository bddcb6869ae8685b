"""What a terminal shows of a report, and what a log does."""

import io
import math
import os
import re
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from report_support import BROKEN, REPORTS, report, verification
from talon_contracts.reports.console import SHOWN, Screen, lines
from talon_contracts.reports.events import Begun, Ended, Finding, Judged, Place, Planned, Report
from talon_contracts.reports.progress import Progress
from talon_contracts.reports.tally import tally
from talon_contracts.reports.text import folded, printable

SCREEN_ROWS, LOG = 24, Screen()


def rows(shown: list[str], columns: int) -> int:
    return sum(max(1, math.ceil(len(line) / columns)) for line in shown)


def checked(*findings: Finding, status: str = "broken") -> Report:
    begun = Begun("check", (("config", "localtalon.toml"),), (Planned("MAP-3", "MAP-3", "what must hold"),), "0.1.0")
    return Report(begun, (Judged("MAP-3", "MAP-3", status, findings=findings),), Ended(0.25))  # type: ignore[arg-type]


@pytest.mark.parametrize("columns", [80, 100])
@pytest.mark.parametrize("broken", [(), ("MAP-1",), ("MAP-1", "AUD-4")])
@pytest.mark.parametrize("unjudged", ["", "DEL-1"])
def test_a_verification_fits_a_screen(columns: int, broken: tuple[str, ...], unjudged: str) -> None:
    shown = list(lines(report(*broken, unjudged=unjudged), Screen(columns, terminal=True)))
    assert rows(shown, columns) <= SCREEN_ROWS


def test_a_broken_rule_is_told_with_all_that_shows_it_again() -> None:
    for screen in (LOG, Screen(80, terminal=True)):
        shown = list(lines(report("MAP-1", unjudged="DEL-1"), screen))
        at = shown.index("MAP-1 broken: the profile is not what the event makes of it")
        assert shown[at + 1].startswith("  A nested object becomes one attribute per leaf")
        assert shown[at + 2 : at + 7] == [
            f"  expected {BROKEN.expected}",
            f"  actual   {BROKEN.actual}",
            *(f"  $ {command}" for command in BROKEN.commands),
            "  again: localtalon verify --rule MAP-1 --seed 20260121",
        ]
        assert shown[-1] == "1 broken, 1 could not judge, 27 kept (2,749 cases, 31.2 s)"
        assert any(line.startswith("DEL-1 could not judge: the bridge did not become idle") for line in shown)


@example(checked(Finding("MAP-3", "\x1b[2J\n::error::x", "\r", Place("\x07", "\x00", 1), ("\n",), "a\n  b", "\x1b")))
@given(REPORTS)
def test_no_control_character_is_shown_and_everything_is_told(told: Report) -> None:
    shown = list(lines(told, LOG))
    assert all(line.isprintable() for line in shown)
    counts = tally(told)
    for status, word in told.begun.words.items():
        assert (f"{counts[status]:,} {word}" in shown[-1]) is (counts[status] > 0)
    text = "\n".join(shown)
    for judged in told.judged:
        for finding in judged.findings:
            assert printable(finding.message) in text
            assert all(printable(command) in text for command in finding.commands)
        if judged.status in ("unproven", "unjudged"):
            assert folded(judged.reason) in text


@given(REPORTS, st.integers(40, 200))
def test_on_a_terminal_no_line_but_a_command_is_endless(told: Report, columns: int) -> None:
    for line in lines(told, Screen(columns, terminal=True)):
        assert line.isprintable()
        named = any(printable(judged.check) in line or printable(judged.again) in line for judged in told.judged)
        assert len(line) <= 4 * columns or named or line.lstrip().startswith(("$ ", "again:"))


def many(number: int) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            "MAP-3", f"trait_{index % 7} is not listed", "list it", Place("a.ndjson", f"/traits/{index}", index + 1)
        )
        for index in range(number)
    )


def test_many_findings_are_all_in_a_log_and_counted_on_a_terminal() -> None:
    places = r"^    a\.ndjson:\d+ /traits/\d+$"
    log = "\n".join(lines(checked(*many(300)), LOG))
    assert len(re.findall(places, log, re.MULTILINE)) == 300
    assert log.count("trait_3 is not listed") == 1
    terminal = "\n".join(lines(checked(*many(300)), Screen(80, terminal=True)))
    assert len(re.findall(places, terminal, re.MULTILINE)) == SHOWN
    assert "and 290 more (--json shows all)" in terminal
    assert "more" not in "\n".join(lines(checked(*many(SHOWN)), Screen(80, terminal=True)))


def test_warnings_of_a_kept_rule_are_told_and_errors_come_first() -> None:
    odd = Finding("MAP-3", "looks odd", severity="warning")
    kept = list(lines(checked(odd, status="kept"), LOG))
    assert kept[-3:] == ["MAP-3 kept: 1 warning", "  warning: looks odd", "1 kept, 1 warning (0.2 s)"]
    both = list(lines(checked(odd, BROKEN), LOG))
    assert both.index("  warning: looks odd") > both.index("  MAP-1: the profile is not what the event makes of it")
    assert "MAP-3 broken: 1 finding, 1 warning" in both


def test_checks_without_a_verdict_for_one_reason_are_told_together() -> None:
    planned = tuple(Planned(f"MAP-{number}", "MAP-1", "") for number in range(1, 9))
    judged = tuple(Judged(plan.check, plan.rule, "unjudged", reason="nothing listens there") for plan in planned)
    shown = list(lines(Report(Begun("verify", (), planned, "0"), judged, Ended(0.0)), Screen(80, terminal=True)))
    assert shown[1] == "could not judge (8): MAP-1, MAP-2, MAP-3, MAP-4, MAP-5, MAP-6, MAP-7, MAP-8:"
    assert shown[2:] == ["  nothing listens there", "8 could not judge (0.0 s)"]


def test_the_words_of_a_stream_are_its_own() -> None:
    words = {"kept": "agrees", "broken": "differs", "unproven": "proved nothing", "unjudged": "unknown"}
    begun = Begun("parity", (), (), "0", words=words)  # type: ignore[arg-type]
    told = Report(begun, (Judged("a", "a", "kept"), Judged("b", "b", "broken"), Judged("c", "c", "unjudged")), Ended(0))
    shown = list(lines(told, LOG))
    assert shown[1:] == ["agrees (1): a", "c unknown", "", "b differs", "1 differs, 1 unknown, 1 agrees (0.0 s)"]


def test_colour_changes_no_text() -> None:
    told = report("MAP-1", unjudged="DEL-1")
    coloured = "\n".join(lines(told, Screen(80, terminal=True, colour=True)))
    assert "\x1b[31;1mbroken\x1b[0m" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == "\n".join(lines(told, Screen(80, terminal=True)))


def test_elsewhere_progress_is_a_line_now_and_then() -> None:
    stream = io.StringIO()
    with Progress(stream, every=0.0) as progress:
        for event in verification("MAP-1"):
            progress.take(event)
    told = stream.getvalue().splitlines()
    assert told[0] == "verify: 0 of 29 checks, ID-1: 50 of 100 cases"
    assert told[-1] == "verify: 29 of 29 checks, VIEW-1"
    quiet = io.StringIO()
    with Progress(quiet) as progress:
        for event in verification("MAP-1"):
            progress.take(event)
    assert quiet.getvalue() == ""


def on_a_terminal(after: float) -> str:
    """What a terminal is told of a whole stream, and an end."""
    controller, terminal = os.openpty()
    with open(terminal, "w", encoding="utf-8") as stream:
        with Progress(stream, after=after) as progress:
            for event in verification("MAP-1"):
                progress.take(event)
        stream.write("end")
        stream.flush()
        shown = ""
        while not shown.endswith("end"):
            shown += os.read(controller, 65536).decode()
    os.close(controller)
    return shown


@pytest.mark.skipif(sys.platform == "win32", reason="terminals of POSIX")
def test_on_a_terminal_progress_is_a_bar_that_goes() -> None:
    shown = on_a_terminal(after=0.0)
    assert "\x1b[2K" in shown[shown.rindex("29/29") :]  # the line of the bar is cleared
    assert on_a_terminal(after=60.0) == "end"
