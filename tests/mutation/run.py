"""A run: every mutant of some cores tried, a few at a time, and what came of it."""

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

from mutation import equivalents, trial
from mutation.cores import Core
from mutation.equivalents import Judgement
from mutation.mutants import Mutant, Name, mutants


class CannotRun(Exception):
    """The tests of a core fail although nothing was changed, or a trial went wrong in itself."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of the mutants of one core."""

    core: Core
    mutants: int
    survived: int
    judgement: Judgement
    seconds: float


def try_all(core: Core, listed: dict[Name, str], workers: int, tell: Callable[[str], None]) -> Result:
    """Try every mutant of a core, after its tests have passed without one; tell of survivors at once."""
    began = time.monotonic()
    seconds = _seconds_of_tests(core)
    found = mutants(core.path.read_text("utf-8"))
    survived = set()
    for mutant in survivors(core, found, workers, seconds):
        survived.add(mutant.name)
        if mutant.name not in listed:
            tell(f"{core.module}, line {mutant.line}: {mutant.name.before!r} -> {mutant.name.after!r} survived")
    judgement = equivalents.judge(survived, listed)
    return Result(core, len(found), len(survived), judgement, time.monotonic() - began)


def survivors(
    core: Core, found: Iterable[Mutant], workers: int, seconds: Mapping[str, float] = MappingProxyType({})
) -> Iterator[Mutant]:
    """The mutants that the tests of the core did not notice; `seconds` tells which tests are quick."""

    def trial_of(mutant: Mutant) -> int:
        return trial.test(core, mutant.code(str(core.path)), seconds)

    works = ((mutant, partial(trial_of, mutant)) for mutant in found)
    for mutant, ended in _finished(works, workers):
        if ended == 0:
            yield mutant


def _seconds_of_tests(core: Core) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder) / "seconds.json"
        if status(trial.begin(partial(trial.check, core, notes))):
            raise CannotRun(f"{core.module}: its tests fail without any change: {' '.join(core.tests)}")
        seconds: dict[str, float] = json.loads(notes.read_text("utf-8"))
        return seconds


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
    mutant = going.pop(process)
    if os.WIFEXITED(ended) and os.WEXITSTATUS(ended) == trial.BROKEN:
        raise CannotRun(f"the trial of {mutant.name} has an error of its own, see above")
    return mutant, ended


def status(process: int) -> int:
    """Wait for a process: 0 when all went well."""
    return os.waitpid(process, 0)[1]
