"""What docs/parity.md shows is what happens."""

import os
import re
import subprocess
import sys
from pathlib import Path

from emulator_support import running
from localtalon.config_file import load
from localtalon.parity import ENTRIES
from parity_support import APPLICATIONS, ENVIRONMENT, KEY, MANAGEMENT_KEY, SEED
from talon_emulator.seed import DeploymentSeed
from talon_emulator.settings import Settings

TEXT = (Path(__file__).parent.parent.parent / "docs" / "parity.md").read_text("utf-8")
SECTION = re.compile("^## ", re.MULTILINE)
BLOCK = re.compile(r"^```(sh|text|toml)\n(.*?)^```", re.MULTILINE | re.DOTALL)
(OF_THE_EMULATOR,) = (part for part in SECTION.split(TEXT) if part.startswith("Against the emulator\n"))
BLOCKS = BLOCK.findall(TEXT.replace(OF_THE_EMULATOR, ""))
KEEPING = DeploymentSeed("demo", APPLICATIONS, SEED.management_keys, assumptions={"null-value": "keep"})


def shell(block: str, url: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    script = block.replace("https://demo.talon.one", url).replace("http://127.0.0.1:8900", url)
    script = script.replace("localtalon parity", f"{sys.executable} -m localtalon parity")
    environment = {
        **os.environ,
        **ENVIRONMENT,
        "API_KEY_OF_THE_APPLICATION": KEY,
        "MANAGEMENT_KEY": MANAGEMENT_KEY,
    }
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=90, cwd=folder, env=environment)


def test_every_command_does_what_is_shown(tmp_path: Path) -> None:
    printed = ""
    with running(Settings(deployment=KEEPING, limits="off")) as emulator:
        for language, block in BLOCKS:
            if language == "text":
                assert block in printed
                continue
            done = shell(block.replace("--yes", "--yes --only null-value --only quoted-number"), emulator.url, tmp_path)
            printed = done.stdout
            # Two entries are enough here. The emulator of the example keeps what is sent as null: that differs.
            assert done.returncode == (0 if "--clean-only" in block else 1), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_emulator_agrees_with_itself_everywhere(tmp_path: Path) -> None:
    (_, config), (_, command) = BLOCK.findall(OF_THE_EMULATOR)
    file = tmp_path / "localtalon.toml"
    file.write_text(config, "utf-8")
    with running(load(file).emulator_settings()) as emulator:
        done = shell(command.replace("--yes", "--yes --cases 20"), emulator.url, tmp_path)
    assert done.returncode == 0, done.stdout
    assert re.search(rf"^{len(ENTRIES)} agrees ", done.stdout, re.MULTILINE)
    assert list(tmp_path.iterdir()) == [file]
