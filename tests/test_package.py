"""The wheel: everything that the packages read at run time is in it, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("bridge/talon_bridge", "emulator/talon_emulator", "contracts/talon_contracts", "sandbox/localtalon")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_the_wheel_holds_every_file_of_the_packages(wheel: list[str]) -> None:
    kept = {
        str(path.relative_to((ROOT / package).parent))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in wheel if ".dist-info/" not in name} == kept
    assert any(name.endswith(".sql") for name in kept)
    assert any(name.endswith(".json") for name in kept)
    assert any(name.endswith(".css") for name in kept)


def test_the_wheel_has_the_command_and_the_licence(wheel: list[str]) -> None:
    assert any(name.endswith("entry_points.txt") for name in wheel)
    assert any("LICENSE" in name for name in wheel)
