"""What the pytest plugin costs: a run that does not use it, and a test that does."""

import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.measurement import Measurement

STARTS = 31
TESTS = 200

EMPTY = "def test_nothing() -> None:\n    pass\n"
USING = f"""
import pytest

@pytest.mark.parametrize("number", range({TESTS}))
def test_empty(number):
    pass

@pytest.mark.parametrize("number", range({TESTS}))
def test_fixtures(talon, bridge, number):
    pass

@pytest.mark.parametrize("number", range({TESTS}))
def test_identify(talon, bridge, number):
    bridge.identify("u1", {{"email": "ada@example.com"}})
    bridge.idle()
    assert talon.profile("u1").attributes == {{"email": "ada@example.com"}}
"""


def _run(folder: Path, *options: str) -> float:
    """Processor seconds of a pytest run: the clock on the wall is of no use on a machine that does other things."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _starts(folder: Path) -> Measurement:
    (folder / "test_nothing.py").write_text(EMPTY)
    pairs = [(_run(folder, "-p", "no:localtalon"), _run(folder)) for _ in range(STARTS + 1)][1:]
    without, with_plugin = (statistics.median(each[side] for each in pairs) * 1e3 for side in (0, 1))
    added = statistics.median(one - other for other, one in pairs) * 1e3
    return Measurement("pytest start, unused: ms added", "<= 5", added, f"{with_plugin:.0f} ms of {without:.0f} ms")


def _tests(folder: Path) -> Iterator[Measurement]:
    (folder / "test_using.py").write_text(USING)
    report = folder / "report.xml"
    _run(folder, f"--junitxml={report}", "-o", "junit_duration_report=total", "test_using.py")
    times: dict[str, list[float]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        times.setdefault(case.get("name", "").partition("[")[0], []).append(float(case.get("time", "0")) * 1e3)
    empty = statistics.median(times["test_empty"])
    for name, what in (("test_fixtures", "a test with talon and bridge"), ("test_identify", "and an identify")):
        own = statistics.median(times[name])
        detail = f"median of {TESTS}; p90 {statistics.quantiles(times[name], n=10)[8]:.1f} ms"
        yield Measurement(f"{what}: ms added", "<= 20", own - empty, detail)


def measure() -> Iterator[Measurement]:
    """Start and tests, each run in a folder that has nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        yield _starts(Path(folder))
        yield from _tests(Path(folder))
