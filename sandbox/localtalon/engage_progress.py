"""How far a sync has come, on standard error: a bar on a terminal, elsewhere a line now and then."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click
import msgspec

if TYPE_CHECKING:
    import rich.progress

EVERY = 2.0  # seconds between two lines
ON_TERMINAL = 0.2  # seconds between two looks, where there is a bar


class Stage(msgspec.Struct, frozen=True):
    """One of the steps of a sync: what has been done so often (`read`, `sent`, `delivered`), of how many if known."""

    what: str
    done: int
    total: int | None = None
    more: str = ""


def told(stage: Stage, seconds: float, before: int = 0) -> str:
    """A stage in words: how far, how fast, how long it will still take. `seconds` ago it was at `before`."""
    rate = (stage.done - before) / seconds if seconds > 0 else 0.0
    of = "" if stage.total is None else f" of {stage.total:,}"
    words = [f"{stage.done:,}{of} {stage.what}{stage.more}"]
    if rate >= 1:
        words.append(f"{rate:,.0f} a second")
        if stage.total is not None and stage.total > stage.done:
            words.append(f"{_duration((stage.total - stage.done) / rate)} left")
    return ", ".join(words)


class Stages:
    """The stages one after the other; nothing is shown of what is done at once. Use as a context."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._first = Stage("", 0)
        self._begun = self._said_at = clock()
        self._bar: rich.progress.Progress | None = None
        self.look_every = ON_TERMINAL if sys.stderr.isatty() else EVERY

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hide()

    def at(self, stage: Stage) -> None:
        """Say how far it is."""
        now = self._clock()
        if stage.what != self._first.what:
            self._first, self._begun = stage, now
        words = told(stage, now - self._begun, self._first.done)
        if sys.stderr.isatty():
            self._show(stage, words)
        elif now - self._said_at >= EVERY:
            self._said_at = now
            click.echo(words, err=True)

    def hide(self) -> None:
        """Take the bar away, as long as something else is written."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _show(self, stage: Stage, words: str) -> None:
        if self._bar is None:
            self._bar = _bar()
        self._bar.update(self._bar.task_ids[0], completed=stage.done, total=stage.total, description=words)


def _bar() -> "rich.progress.Progress":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (BarColumn(), TextColumn("{task.description}", markup=False))
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    bar.add_task("", total=None)
    bar.start()
    return bar


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"
