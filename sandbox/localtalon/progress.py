"""How far a long command has come, on standard error: a bar on a terminal, elsewhere a line now and then."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

if TYPE_CHECKING:
    import rich.progress


class Progress:
    """Steps towards a total. `what` names the work; nothing is shown of work that is done at once. Use as a context.

    `every` is how many seconds are between two lines.
    """

    def __init__(self, what: str, every: float = 2.0) -> None:
        self._what = what
        self._every = every
        self._bar: rich.progress.Progress | None = None
        self._said_at = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def at(self, done: int, total: int) -> None:
        """Say how far it is."""
        if sys.stderr.isatty():
            if self._bar is None and done < total:
                self._bar = _bar(self._what)
            if self._bar is not None:
                self._bar.update(self._bar.task_ids[0], completed=done, total=total)
        elif done < total and time.monotonic() - self._said_at >= self._every:
            self._said_at = time.monotonic()
            click.echo(f"{self._what}: {done:,} of {total:,}", err=True)


def _bar(what: str) -> "rich.progress.Progress":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Bars(*columns, console=Console(stderr=True), transient=True)
    bar.add_task(what)
    bar.start()
    return bar
