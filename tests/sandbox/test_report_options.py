"""The options of a command that judges, as a shell sees them."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import click
import pytest
from click.testing import CliRunner, Result

from localtalon.report_options import Outputs, reporting
from report_support import verification
from talon_contracts.reports.events import Begun, Ended, Event, Judged, Planned

TESTS = Path(__file__).parent.parent


def run(events: Any, *options: str, github: str = "") -> Result:
    @click.command()
    @reporting
    @click.option("--other")
    def judge(other: str | None, outputs: Outputs) -> None:
        sys.exit(outputs.write(events))

    return CliRunner().invoke(judge, options, env={"GITHUB_ACTIONS": github})


@pytest.mark.parametrize(
    ("events", "code"),
    [
        (verification(), 0),
        (verification("MAP-1"), 1),
        (verification(unjudged="DEL-1"), 2),
        (verification("MAP-1", unjudged="DEL-1"), 1),
    ],
)
def test_the_exit_code_says_kept_broken_or_could_not_judge(events: Any, code: int) -> None:
    for options in ((), ("--json",)):
        assert run(events, *options).exit_code == code


def test_text_goes_to_standard_output_and_nothing_else_does() -> None:
    done = run(verification("MAP-1"), "--other", "x")
    assert done.stdout.splitlines()[-1] == "1 broken, 28 kept (2,837 cases, 31.2 s)"
    assert done.stderr == ""


def test_json_is_one_document() -> None:
    done = run(verification("MAP-1"), "--json", "--github")
    assert json.loads(done.stdout)["counts"]["broken"] == 1
    assert done.stderr.startswith("::error title=MAP-1 broken::")


def test_every_file_is_written_into_folders_that_are_made(tmp_path: Path) -> None:
    files = {name: tmp_path / "reports" / f"verify.{name}" for name in ("junit", "html", "sarif")}
    options = [text for name, path in files.items() for text in (f"--{name}", str(path))]
    assert run(verification("MAP-1"), *options).exit_code == 1
    assert ElementTree.parse(files["junit"]).getroot().get("failures") == "1"
    assert files["html"].read_text("utf-8").startswith("<!doctype html>")
    assert json.loads(files["sarif"].read_bytes())["version"] == "2.1.0"


def test_a_file_that_cannot_be_written_is_named_and_the_others_come(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    lost, kept = tmp_path / "file" / "verify.xml", tmp_path / "verify.html"
    done = run(verification("MAP-1"), "--junit", str(lost), "--html", str(kept))
    assert done.exit_code == 2
    assert re.fullmatch(rf"localtalon: the report '{re.escape(str(lost))}' cannot be written: .*\n", done.stderr)
    assert done.stdout.splitlines()[-1].startswith("1 broken")
    assert kept.exists()


def test_two_reports_cannot_go_to_one_file(tmp_path: Path) -> None:
    path = tmp_path / "verify.xml"
    done = run(verification(), "--junit", str(path), "--html", str(tmp_path / "." / "verify.xml"))
    assert (done.exit_code, path.exists()) == (2, False)
    assert "name one for each" in done.stderr


@pytest.mark.parametrize(
    ("github", "options", "annotated"),
    [("true", (), True), ("", (), False), ("true", ("--no-github",), False), ("", ("--github",), True)],
)
def test_annotations_come_where_github_is(github: str, options: tuple[str, ...], annotated: bool) -> None:
    done = run(verification("MAP-1"), *options, github=github)
    assert ("::error title=MAP-1 broken::" in done.stdout) is annotated
    if annotated:  # what is told between these is text, whatever it looks like
        first, *_, last, annotation = done.stdout.splitlines()
        assert first == f"::stop-commands::{last[2:-2]}"
        assert annotation.startswith("::error ")


class Stream:
    """A stream that breaks off with an error, and remembers that it was left in order."""

    def __init__(self, *, judged: int, error: BaseException) -> None:
        self.cleaned = False
        self._judged, self._error = judged, error

    def __iter__(self) -> Iterator[Event]:
        return self._events()

    def _events(self) -> Iterator[Event]:
        try:
            yield Begun("verify", (), tuple(Planned(name, "MAP-1", "") for name in "AB"), "0.1.0")
            for name in "AB"[: self._judged]:
                yield Judged(name, "MAP-1", "kept", 10)
            raise self._error
        finally:
            self.cleaned = True


@pytest.mark.parametrize("judged", [0, 1, 2])
@pytest.mark.parametrize(
    ("error", "named"),
    [(KeyboardInterrupt(), "an interrupt"), (SystemExit(0), "an error"), (RuntimeError("bug"), "RuntimeError")],
)
def test_a_stream_that_breaks_off_is_told_as_far_as_it_came(
    judged: int, error: BaseException, named: str, tmp_path: Path
) -> None:
    stream = Stream(judged=judged, error=error)
    path = tmp_path / "verify.xml"
    done = run(stream, "--json", "--junit", str(path))
    assert (done.exit_code, stream.cleaned) == (2, True)
    told = json.loads(done.stdout)
    assert told["counts"]["kept"] == judged
    assert told["notes"] == [f"stopped before its end by {named}"]
    assert told["counts"]["unjudged"] == max(2 - judged, 1)
    assert path.exists()
    assert ("RuntimeError: bug" in done.stderr) is isinstance(error, RuntimeError)


def test_a_stream_that_breaks_off_before_it_began_is_its_commands_business() -> None:
    def refused() -> Iterator[Event]:
        click.echo("localtalon: no such config", err=True)
        sys.exit(2)
        yield Ended(0.0)

    done = run(refused(), "--json")
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", "localtalon: no such config\n")


def test_a_stream_that_is_left_in_the_middle_is_closed() -> None:
    left: list[str] = []

    def events() -> Iterator[Event]:
        try:
            yield from verification()
        finally:
            left.append("in order")

    class Watched(Generator[Event, None, None]):
        """A stream in which Ctrl-C comes between two events."""

        def __init__(self) -> None:
            self._events = events()

        def send(self, value: None) -> Event:
            event = next(self._events)
            if isinstance(event, Judged):
                raise KeyboardInterrupt
            return event

        def throw(self, *raised: Any) -> Event:
            raise NotImplementedError

        def close(self) -> None:
            self._events.close()  # type: ignore[attr-defined]

    stream = Watched()  # kept, so that nothing but its reader ends it
    assert run(stream).exit_code == 2
    assert left == ["in order"]


_WAITING = """
import signal
import sys
from localtalon.report_options import Outputs
from talon_contracts.reports.events import Begun, Judged, Planned

signal.signal(signal.SIGINT, signal.default_int_handler)  # a test in the background has inherited that it is ignored

def events():
    try:
        yield Begun("verify", (), (Planned("A", "MAP-1", ""), Planned("B", "MAP-2", "")), "0.1.0")
        yield Judged("A", "MAP-1", "kept", 10)
        sys.stderr.write("waiting\\n")
        sys.stderr.flush()
        signal.pause()
    finally:
        sys.stderr.write("left in order\\n")

sys.exit(Outputs().write(events()))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_what_was_judged_before_ctrl_c_is_told() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _WAITING], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        told, warned = process.communicate(timeout=30)
    assert (process.returncode, warned) == (2, "left in order\n")
    assert told.splitlines()[-4:-1] == [
        "kept (1): A",
        "B could not judge: stopped before its end by an interrupt",
        "note: stopped before its end by an interrupt",
    ]
    assert told.splitlines()[-1].startswith("1 could not judge, 1 kept (10 cases, ")


_SCRIPT = """
import sys
from localtalon.report_options import Outputs
from report_support import verification
sys.exit(Outputs().write(verification("MAP-1")))
"""


def on_a_terminal(**environment: str) -> str:
    """All that a terminal is told, standard error with it."""
    import pty

    controller, terminal = pty.openpty()
    given = {**os.environ, "PYTHONPATH": str(TESTS), "TERM": "xterm", "COLUMNS": "80", "LINES": "24", **environment}
    with subprocess.Popen(
        [sys.executable, "-c", _SCRIPT], stdin=terminal, stdout=terminal, stderr=terminal, env=given
    ) as process:
        os.close(terminal)
        found = b"".join(iter(lambda: _read(controller), b""))
    os.close(controller)
    assert process.returncode == 1
    return found.decode()


def _read(controller: int) -> bytes:
    try:
        return os.read(controller, 65536)
    except OSError:  # how Linux says that the other end of a terminal is gone
        return b""


@pytest.mark.skipif(sys.platform == "win32", reason="terminals of POSIX")
def test_on_a_terminal_a_coloured_screen_stays() -> None:
    shown = on_a_terminal()
    assert "\x1b[31;1mbroken\x1b[0m" in shown
    assert shown.startswith("localtalon verify: ")
    assert len(shown.split("\r\n")) <= 24
    assert "\x1b[" not in on_a_terminal(NO_COLOR="1")


def test_what_an_encoding_cannot_hold_is_shown_as_its_escape(tmp_path: Path) -> None:
    script = (
        "from localtalon.report_options import Outputs\n"
        "from talon_contracts.reports.events import *\n"
        "begun = Begun('check', (('config', '\\u00e4\\u20ac\\ud800.toml'),), (), '0')\n"
        "Outputs().write([begun, Ended(0.0)])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
    )
    assert done.stdout.splitlines()[0] == b"localtalon check: config \xe4\\u20ac\\ud800.toml"
