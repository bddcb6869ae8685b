"""How far a judgement is, on standard error: a bar on a terminal, elsewhere a line now and then."""

import time
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TextIO

from talon_contracts.reports.events import Begun, Event, Judged, Tried
from talon_contracts.reports.text import printable

if TYPE_CHECKING:
    import rich.progress

EVERY: Final = 5.0
"""Seconds from one line to the next."""

AFTER: Final = 0.3
"""Seconds before a bar is shown: what is done at once needs none."""


class Progress:
    """Takes every event of a stream. Use as a context: the bar goes when it ends."""

    def __init__(self, stream: TextIO, every: float = EVERY, after: float = AFTER) -> None:
        self._stream = stream
        self._every = every
        self._after = after
        self._said_at = time.monotonic()
        self._bar: rich.progress.Progress | None = None
        self._tool = ""
        self._planned = 0
        self._judged = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def take(self, event: Event) -> None:
        """Show what an event says about how far it is."""
        if isinstance(event, Begun):
            self._tool, self._planned = printable(event.tool), len(event.planned)
        elif isinstance(event, Tried):
            wanted = f" of {event.wanted:,}" if event.wanted else ""
            self._show(printable(f"{event.check}: {event.cases:,}{wanted} cases"))
        elif isinstance(event, Judged):
            self._judged += 1
            self._show(printable(event.check))

    def _show(self, where: str) -> None:
        since = time.monotonic() - self._said_at
        if self._stream.isatty():
            if self._bar is None and since >= self._after:
                self._bar = _bar(self._stream, self._planned)
            if self._bar is not None:
                self._bar.update(self._bar.task_ids[0], completed=self._judged, where=where)
        elif since >= self._every:
            self._said_at = time.monotonic()
            self._stream.write(f"{self._tool}: {self._judged:,} of {self._planned:,} checks, {where}\n")
            self._stream.flush()


def _bar(stream: TextIO, planned: int) -> "rich.progress.Progress":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    where = TextColumn("{task.fields[where]}", markup=False)
    columns = (BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn(), where)
    bar = Bars(*columns, console=Console(file=stream), transient=True, redirect_stdout=False, redirect_stderr=False)
    bar.add_task("", total=planned, where="")
    bar.start()
    return bar
