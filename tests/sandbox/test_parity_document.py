"""What docs/parity.md shows is what happens."""

import os
import re
import subprocess
import sys
from pathlib import Path

from emulator_support import running
from parity_support import APPLICATIONS, ENVIRONMENT, KEY, MANAGEMENT_KEY, SEED
from talon_emulator.seed import DeploymentSeed
from talon_emulator.settings import Settings

TEXT = (Path(__file__).parent.parent.parent / "docs" / "parity.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(sh|text)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
KEEPING = DeploymentSeed("demo", APPLICATIONS, SEED.management_keys, assumptions={"null-value": "keep"})


def shell(block: str, url: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a block, with fewer cases than it would have."""
    script = block.replace("https://demo.talon.one", url).replace("--yes", "--yes --cases 2")
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
            done = shell(block, emulator.url, tmp_path)
            printed = done.stdout
            # The emulator of the example keeps what is sent as null: that differs, and all else agrees.
            assert done.returncode == (0 if "--clean-only" in block else 1), done.stderr
    assert list(tmp_path.iterdir()) == []
