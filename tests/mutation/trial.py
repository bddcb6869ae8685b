"""A trial: the tests of a core in a process of their own, which may be given a changed core."""

import contextlib
import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import io
import json
import os
import resource
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from mutation.cores import ROOT, Core

_CPU_SECONDS = 30  # for what never ends; counted by the processor, since the machine may be busy
_SECONDS = 300
BROKEN = 70  # the exit code of a process in which the trial itself has an error
_EXAMPLES_TO_REACH_ALL = 10  # of each property; what needs more luck to be reached deserves an example of its own

# What the tests import that is not ours: loaded once, before the processes part. What is ours is loaded in each.
_FOREIGN = ("aiohttp", "hypothesis.strategies", "httpx", "jsonschema", "msgspec", "pytest", "starlette.applications")
_FOREIGN_SERVERS = ("uvicorn", "uvicorn.protocols.http.httptools_impl", "uvloop")


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds one module, and makes it of the code that it was told."""

    def __init__(self, core: Core, code: CodeType) -> None:
        self._core = core
        self._code = code

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Answer for the one module only."""
        return importlib.util.spec_from_loader(name, self) if name == self._core.module else None

    def exec_module(self, module: ModuleType) -> None:
        """Run the changed code as the module."""
        module.__file__ = str(self._core.path)
        exec(self._code, module.__dict__)


@contextlib.contextmanager
def prepared() -> Iterator[None]:
    """Load what every trial needs, and let the properties draw the same examples in each."""
    with tempfile.TemporaryDirectory() as compiled:
        sys.pycache_prefix, sys.dont_write_bytecode = compiled, False  # what is ours is compiled once
        _load()
        yield


def _load() -> None:
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    for name in (*_FOREIGN, *_FOREIGN_SERVERS):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    from hypothesis import Phase, settings

    # The profile of tests/conftest.py inherits these. Nothing is shrunk: that a test fails is enough.
    settings.register_profile("mutation", derandomize=True, phases=(Phase.explicit, Phase.generate))
    settings.load_profile("mutation")
    gc.freeze()
    ours = [name for name in sys.modules if name.startswith(("talon_", "localtalon"))]
    assert not ours, f"{ours} would be the same in every trial"


def begin(work: Callable[[], int]) -> int:
    """Let a process of its own do some work within limits; return the number of the process."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    status = BROKEN
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
        signal.alarm(_SECONDS)
        os.chdir(ROOT)
        status = work()
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def test(core: Core, code: CodeType, seconds: Mapping[str, float]) -> int:
    """Run the tests of a core on changed code of it, the quick ones first; return pytest's exit code."""
    sys.meta_path.insert(0, _Changed(core, code))
    # That they fail is enough, and is known sooner without an account of it.
    status, _ = _pytest(core, "--tb=no", "--assert=plain", "-p", "no:unraisableexception", plugins=[_Quickest(seconds)])
    return status


def check(core: Core, notes: Path) -> int:
    """Run the tests of a core as it is; note how long each takes, and show what they say when they fail."""
    watch = _Watch()
    status, said = _pytest(core, plugins=[watch])
    notes.write_text(json.dumps(watch.seconds), "utf-8")
    if status:
        sys.stdout.write(said)
    return status


class _Watch:
    """A plugin that sees how long each test takes."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Take note of a test, or of what goes before and after it."""
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration


class _Quickest:
    """A plugin that lets quick tests come first."""

    def __init__(self, seconds: Mapping[str, float]) -> None:
        self._seconds = seconds

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Put the tests in order."""
        items.sort(key=lambda item: self._seconds.get(item.nodeid, 0.0))


def cover(core: Core) -> int:
    """Run the tests of a core as it is; show which lines and branches they do not reach, and return 1 when any."""
    import coverage
    from hypothesis import settings

    settings.register_profile("coverage", max_examples=_EXAMPLES_TO_REACH_ALL)
    settings.load_profile("coverage")
    measured = coverage.Coverage(branch=True, include=[str(core.path)], data_file=None, config_file=False)
    with measured.collect():
        status, said = _pytest(core)
    if status:
        sys.stdout.write(said)
        return status
    report = io.StringIO()
    reached = measured.report(show_missing=True, file=report)
    line = report.getvalue().splitlines()[2]
    sys.stdout.write(f"{core.module:<32}{line.split('%')[0].rsplit(maxsplit=1)[-1]:>4} %{line.split('%')[1]}\n")
    return 0 if reached == 100 else 1


def _pytest(core: Core, *more: str, plugins: Sequence[object] = ()) -> tuple[int, str]:
    import pytest

    options = ["-x", "-q", "--no-header", "-p", "no:cacheprovider", "-p", "_hypothesis_pytestplugin", *more]
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        status = pytest.main([*options, *(str(ROOT / "tests" / test) for test in core.tests)], plugins)
    return int(status), said.getvalue()
