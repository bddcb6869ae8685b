"""What docs/attributes.md shows is what happens."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from emulator_support import Emulator, running
from localtalon.attribute_commands import attributes
from localtalon.attribute_comparison import Kind
from talon_emulator.seed import DEMO
from talon_emulator.settings import Settings

TEXT = (Path(__file__).parent.parent.parent / "docs" / "attributes.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(sh|text|toml)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture(name="emulator")
def the_demo() -> Iterator[Emulator]:
    with running(Settings(deployment=DEMO, limits="off")) as emulator:
        yield emulator


def test_every_example_runs_and_prints_what_is_shown(emulator: Emulator, tmp_path: Path) -> None:
    environment = dict(os.environ)
    printed = ""
    for language, block in BLOCKS:
        if language == "text":
            assert printed == block
        elif language == "toml":
            config = tmp_path / "localtalon.toml"
            config.write_text(f"{config.read_text()}\n{block}")
        elif block.startswith("export "):
            name, _, value = block.removeprefix("export ").strip().partition("=")
            environment[name] = value
        else:
            command = block.replace("localtalon ", f"{sys.executable} -m localtalon ", 1).strip()
            command += f" --deployment {emulator.url}"
            done = subprocess.run(
                ["sh", "-c", command], capture_output=True, text=True, timeout=60, cwd=tmp_path, env=environment
            )
            assert (done.returncode, done.stderr) == (0, ""), command
            printed = done.stdout.replace(emulator.url, "http://127.0.0.1:8900")
    assert json.loads(printed)["same"] is True


def test_every_option_and_every_difference_is_told() -> None:
    for command in attributes.commands.values():
        assert f"\n## {command.name}\n" in TEXT
        for option in command.params:
            assert isinstance(option, click.Option)
            assert option.opts[0] == "--config" or f"`{option.opts[0]}" in TEXT, option.opts
    for kind in Kind.__args__:  # type: ignore[attr-defined]
        assert f"\n| `{kind}` |" in TEXT
