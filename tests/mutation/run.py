"""A run: every mutant of some cores tried, a few at a time, and what came of it."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from mutation import equivalents, trial
from mutation.cores import Core
from mutation.equivalents import Judgement
from mutation.mutants import Mutant, Name, mutants


class CannotRun(Exception):
    """The tests of a core fail although nothing was changed."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of the mutants of one core."""

    core: Core
    mutants: int
    survived: int
    judgement: Judgement
    seconds: float


def try_all(core: Core, listed: dict[Name, str], workers: int) -> Result:
    """Try every mutant of a core, after its tests have passed without one."""
    began = time.monotonic()
    if status(trial.begin(partial(trial.check, core))):
        raise CannotRun(f"{core.module}: its tests fail without any change: {' '.join(core.tests)}")
    found = mutants(core.path.read_text("utf-8"))
    survived = {mutant.name for mutant in survivors(core, found, workers)}
    seconds = time.monotonic() - began
    return Result(core, len(found), len(survived), equivalents.judge(survived, listed), seconds)


def survivors(core: Core, found: Iterable[Mutant], workers: int) -> Iterator[Mutant]:
    """The mutants that the tests of the core did not notice."""
    works = ((mutant, partial(_try, core, mutant)) for mutant in found)
    for mutant, status in _finished(works, workers):
        if status == 0:
            yield mutant


def _try(core: Core, mutant: Mutant) -> int:
    return trial.test(core, mutant.code(str(core.path)))


def _finished(works: Iterator[tuple[Mutant, Callable[[], int]]], workers: int) -> Iterator[tuple[Mutant, int]]:
    going: dict[int, Mutant] = {}
    for mutant, work in works:
        if len(going) == workers:
            yield _next(going)
        going[trial.begin(work)] = mutant
    while going:
        yield _next(going)


def _next(going: dict[int, Mutant]) -> tuple[Mutant, int]:
    process, ended = os.wait()
    return going.pop(process), ended


def status(process: int) -> int:
    """Wait for a process: 0 when all went well."""
    return os.waitpid(process, 0)[1]
