"""The options of every command that judges: where its report goes, and in which forms."""

import contextlib
import functools
import os
import secrets
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from talon_contracts.reports.events import COULD_NOT_JUDGE, Event, Report
from talon_contracts.reports.progress import Progress
from talon_contracts.reports.record import Record

if TYPE_CHECKING:
    from talon_contracts.reports.console import Screen

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where a report goes: standard output, as text or JSON; files; annotations that GitHub Actions shows."""

    as_json: bool = False
    junit: Path | None = None
    html: Path | None = None
    sarif: Path | None = None
    github: bool = False

    def write(self, events: Iterable[Event]) -> int:
        """Follow a stream to its end, report it, and give the exit code.

        A stream that breaks off is reported as far as it came; what has no verdict by then could not be judged.
        """
        started = time.monotonic()
        record = Record()
        try:
            _follow(events, record)
            report = record.report()
        except (Exception, KeyboardInterrupt, SystemExit) as error:
            if record.begun is None:
                raise
            if isinstance(error, Exception):
                traceback.print_exc()
            report = record.broken_off(time.monotonic() - started, f"stopped before its end by {_named(error)}")
        failures = list(self._files(report))
        self._print(report)
        for failure in failures:
            click.echo(f"localtalon: {failure}", err=True)
        return COULD_NOT_JUDGE if failures else report.exit_code

    def _print(self, report: Report) -> None:
        if self.as_json:
            from talon_contracts.reports import json_document

            _say(sys.stdout, json_document.text(report))
        else:
            self._print_text(report)
        if self.github:
            from talon_contracts.reports import annotations

            commands = annotations.text(report)
            if commands:
                _say(sys.stderr if self.as_json else sys.stdout, commands)

    def _print_text(self, report: Report) -> None:
        from talon_contracts.reports import console

        shown = "\n".join(console.lines(report, _screen(sys.stdout)))
        if self.github:  # no line of ours can be taken for a command to GitHub's runner
            mark = secrets.token_hex(16)
            shown = f"::stop-commands::{mark}\n{shown}\n::{mark}::"
        _say(sys.stdout, shown)

    def _files(self, report: Report) -> Iterator[str]:
        """Write every file that was asked for; yields what went wrong."""
        for path, writer in ((self.junit, _junit), (self.html, _html), (self.sarif, _sarif)):
            if path is None:
                continue
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(writer(report))
            except OSError as error:
                yield f"the report {str(path)!r} cannot be written: {error.strerror or error}; name another file"


def reporting(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command the options of a report; it takes them as one keyword argument, `outputs`."""

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")
    @_file("--junit", "JUnit XML, one test case a check")
    @_file("--html", "one HTML page that needs nothing else")
    @_file("--sarif", "SARIF 2.1.0, for code scanning")
    @click.option(
        "--github/--no-github",
        default=_in_github,
        help="Annotate the change in GitHub Actions (default: where GITHUB_ACTIONS=true).",
    )
    @functools.wraps(command)
    def with_outputs(*args: Any, as_json: bool, github: bool, **others: Any) -> R:
        files: dict[str, Path | None] = {name: others.pop(name) for name in ("junit", "html", "sarif")}
        named = [path.resolve() for path in files.values() if path is not None]
        if len(named) != len(set(named)):
            raise click.UsageError("two reports cannot go to the same file; name one for each")
        return command(*args, outputs=Outputs(as_json=as_json, github=github, **files), **others)

    return with_outputs


def _file(option: str, what: str) -> Callable[[Callable[..., R]], Callable[..., R]]:
    return click.option(option, metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help=f"Write {what}.")


def _in_github() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"


def _follow(events: Iterable[Event], record: Record) -> None:
    """Take every event; a stream that is left in the middle is closed, so that it can clean up."""
    with contextlib.ExitStack() as stack:
        close = getattr(events, "close", None)
        if close is not None:
            stack.callback(close)
        progress = stack.enter_context(Progress(sys.stderr))
        for event in events:
            record.take(event)
            progress.take(event)


def _named(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "an interrupt"
    return type(error).__name__ if isinstance(error, Exception) else "an error"


def _screen(stream: TextIO) -> "Screen":
    from talon_contracts.reports.console import Screen

    if not stream.isatty():
        return Screen()
    colour = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Screen(max(shutil.get_terminal_size().columns, 40), terminal=True, colour=colour)


def _say(stream: TextIO, text: str) -> None:
    """Print a text; what the stream's encoding cannot hold is shown as its escape."""
    encoding = stream.encoding or "utf-8"
    click.echo(text.encode(encoding, "backslashreplace").decode(encoding), file=stream)


def _junit(report: Report) -> bytes:
    from talon_contracts.reports import junit

    return junit.document(report)


def _html(report: Report) -> bytes:
    from talon_contracts.reports import page

    return page.text(report).encode("utf-8", "backslashreplace")


def _sarif(report: Report) -> bytes:
    from talon_contracts.reports import sarif

    return sarif.text(report).encode()
