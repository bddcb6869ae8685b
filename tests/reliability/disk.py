"""A disk that writes down what reaches it, and fails when told: a C library preloaded into the bridge (`disk.c`)."""

import atexit
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

from bridge_support import environment

_SOURCE = Path(__file__).with_name("disk.c")


@cache
def _library() -> Path:
    """The compiled library; the test is skipped where the machine has no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("there is no C compiler (cc) for Linux here: syncs cannot be watched")
    place = mkdtemp(prefix="localtalon-disk-")
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    library = Path(place) / "disk.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", str(library), str(_SOURCE)]
    subprocess.run([*command, "-ldl"], check=True)
    return library


class Disk:
    """What the bridges see that are started while it is `mounted`."""

    def __init__(self, place: Path) -> None:
        """Keep the log in this directory."""
        self._library = _library()
        self._log = place / "disk.log"
        self._faults = place / "disk.faults"

    @contextmanager
    def mounted(self) -> Iterator[None]:
        """Processes that start meanwhile write to this disk."""
        names = {"LD_PRELOAD": str(self._library), "DISK_LOG": str(self._log), "DISK_FAULTS": str(self._faults)}
        with environment(**names):
            yield

    @property
    def log(self) -> list[list[str]]:
        """What happened, in order; see `disk.c`."""
        return [line.split() for line in self._log.read_text().splitlines()]

    def fail(self, what: str) -> None:
        """From now on this fails with EIO: `write`, `sync` (of the log), `sync-db`."""
        told = self._faults.with_suffix(".new")
        told.write_text(what)
        told.rename(self._faults)

    def well(self) -> None:
        """Nothing fails any more."""
        self._faults.unlink(missing_ok=True)
