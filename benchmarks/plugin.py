"""What the pytest plugin costs: a run that does not use it, and a test that does."""

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

# What pytest does with a plugin at its start: it reads the list of the distribution's files, imports, registers.
LOADING = """
import importlib.metadata, time
from _pytest.config import get_config

plugins, distribution = get_config().pluginmanager, importlib.metadata.distribution("localtalon")
began = time.perf_counter()
files = list(map(str, distribution.files))
import localtalon.plugin
plugins.register(localtalon.plugin, "localtalon")
print((time.perf_counter() - began) * 1e3)
"""
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


def _start() -> Measurement:
    """In fresh processes. Two whole runs differ by more than it costs, from one time to the next (measured)."""
    command = [sys.executable, "-c", LOADING]
    rounds = [float(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(STARTS)]
    detail = f"median of {STARTS}; least {min(rounds):.1f} ms"
    return Measurement("pytest start, plugin unused: ms added", "<= 5", statistics.median(rounds), detail)


def _tests(folder: Path) -> Iterator[Measurement]:
    (folder / "test_using.py").write_text(USING)
    report = folder / "report.xml"
    options = ["-q", f"--junitxml={report}", "-o", "junit_duration_report=total", "test_using.py"]
    subprocess.run([sys.executable, "-m", "pytest", *options], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    times: dict[str, list[float]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        times.setdefault(case.get("name", "").partition("[")[0], []).append(float(case.get("time", "0")) * 1e3)
    empty = statistics.median(times["test_empty"])
    for name, what in (("test_fixtures", "a test with talon and bridge"), ("test_identify", "and an identify")):
        own = statistics.median(times[name])
        detail = f"median of {TESTS}; p90 {statistics.quantiles(times[name], n=10)[8]:.1f} ms"
        yield Measurement(f"{what}: ms added", "<= 20", own - empty, detail)


def measure() -> Iterator[Measurement]:
    """Start, and tests, which run in a folder that has nothing else."""
    yield _start()
    with tempfile.TemporaryDirectory() as folder:
        yield from _tests(Path(folder))
