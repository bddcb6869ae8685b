"""For the tests of the pytest plugin: a pytest run of its own, in a folder that has nothing but its tests."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple


class Run(NamedTuple):
    """What a run printed, and how many of its tests came to which end."""

    code: int
    text: str
    passed: int
    failed: int
    errors: int


def run_pytest(folder: Path, *options: str, **environment: str) -> Run:
    """Run pytest there, strictly: every warning is an error, every marker must be known."""
    ours = ("LOCALTALON_", "PYTEST_", "HYPOTHESIS_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    inherited = {name: value for name, value in inherited.items() if not name.lower().endswith("_proxy")}
    # pytest prints the lines of its summary in full where it takes the machine for a CI service.
    inherited = {name: value for name, value in inherited.items() if name not in ("CI", "BUILD_NUMBER")}
    strict = ["-W", "error", "--strict-markers", "--strict-config", "-p", "no:cacheprovider", "--rootdir", str(folder)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *strict, *options],
        cwd=folder,
        env={**inherited, **environment, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    text = done.stdout + done.stderr
    passed, failed, errors = (_count(text, what) for what in ("passed", "failed", "errors?"))
    return Run(done.returncode, text, passed, failed, errors)


def _count(text: str, what: str) -> int:
    found = re.findall(rf"(\d+) {what}\b", text.strip().splitlines()[-1])
    return int(found[0]) if found else 0
