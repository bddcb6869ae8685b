"""`make mutate` and `make cores`: whether unit tests notice each change of the rule cores, and reach all of them."""

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial

from mutation import equivalents, run, trial
from mutation.cores import CORES, Core


def main(arguments: Sequence[str]) -> int:
    """Return 0 when all is well, 1 when a core is not covered or a mutant survived, 2 when it could not run."""
    parser = argparse.ArgumentParser(prog="python -m mutation", description=__doc__)
    parser.add_argument("what", choices=("mutants", "coverage"))
    parser.add_argument("core", nargs="*", help="modules, such as talon_bridge.flatten; all cores without one")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 2, help="mutants tried at a time")
    asked = parser.parse_args(arguments)
    known = {core.module: core for core in CORES}
    if unknown := set(asked.core) - known.keys():
        sys.stderr.write(f"no core is called {', '.join(sorted(unknown))}; there are {', '.join(known)}\n")
        return 2
    cores = [known[name] for name in asked.core] or list(CORES)
    try:
        with trial.prepared():
            return _coverage(cores) if asked.what == "coverage" else _mutants(cores, asked.workers)
    except (run.CannotRun, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _coverage(cores: Sequence[Core]) -> int:
    ended = [run.status(trial.begin(partial(trial.cover, core))) for core in cores]
    return 1 if any(ended) else 0


def _mutants(cores: Sequence[Core], workers: int) -> int:
    listed = equivalents.read()
    results = []
    sys.stdout.write(f"{'core':<32}{'mutants':>8}{'killed':>8}{'equivalent':>12}{'survived':>10}{'seconds':>9}\n")
    for core in cores:
        result = run.try_all(core, listed.get(core.module, {}), workers, _tell)
        results.append(result)
        _line(core.module, [result])
    _line("together", results)
    for result in results:
        for name in result.judgement.survived:
            sys.stdout.write(
                f"\nsurvived; write the test that notices it:\n{equivalents.entry(result.core.module, name)}"
            )
        for name in result.judgement.idle:
            sys.stdout.write(f"\nnot needed any more:\n{equivalents.entry(result.core.module, name)}")
    return 1 if any(result.judgement.survived or result.judgement.idle for result in results) else 0


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _line(name: str, results: Sequence[run.Result]) -> None:
    tried = sum(result.mutants for result in results)
    alive = sum(result.survived for result in results)
    unknown = sum(len(result.judgement.survived) for result in results)
    seconds = sum(result.seconds for result in results)
    sys.stdout.write(f"{name:<32}{tried:>8}{tried - alive:>8}{alive - unknown:>12}{unknown:>10}{seconds:>9.0f}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
