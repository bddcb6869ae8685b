"""What docs/bridge.md shows is what happens."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from localtalon import Sandbox
from localtalon.dead_letter_commands import dead_letters, discard, replay
from talon_bridge.control.parameters import FILTERS
from talon_bridge.control.routes import TABLE

TEXT = (Path(__file__).parent.parent.parent / "docs" / "bridge.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(sh|json)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture(name="sandbox")
def at_the_end_of_a_bad_day(tmp_path: Path) -> Iterator[Sandbox]:
    path = tmp_path / "localtalon.toml"
    path.write_text("[bridge]\nmax_requests_per_second = 60\n")
    with Sandbox(path) as running:
        for message_id, user, traits in (
            ("message-0", "user-0", {"email": "ada@example.com"}),
            ("message-1", "user-1", {"vip": "true"}),
        ):
            call = {"userId": user, "messageId": message_id, "traits": traits, "writeKey": running.write_key}
            httpx.post(f"{running.bridge_url}/v1/identify", json=call, trust_env=False).raise_for_status()
        running.idle()
        yield running


def shape(value: Any) -> Any:
    """The names of the members, and of lists their first element."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else None


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on this machine")
def test_every_example_runs_and_answers_as_shown(sandbox: Sandbox, tmp_path: Path) -> None:
    with Sandbox(data=tmp_path / "DIR"):
        pass  # an outbox that no bridge is using
    printed = ""
    for language, block in BLOCKS:
        if language == "json":
            assert shape(json.loads(printed)) == shape(json.loads(block))
            continue
        for line in block.splitlines():
            sandbox.idle()
            printed = shell(line, sandbox, tmp_path)


def shell(line: str, sandbox: Sandbox, folder: Path) -> str:
    line = line.replace("http://127.0.0.1:8901", sandbox.bridge_url)
    command, *_ = line.split()
    if command == "localtalon":
        line = line.replace("localtalon ", f"{sys.executable} -m localtalon ", 1)
        line += "" if " doctor " in line else f" --bridge {sandbox.bridge_url}"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, cwd=folder)
    # The value of message-1 stays what it is, so that it dies again; everything else goes well.
    assert (done.returncode, done.stderr) == (1 if "--wait" in line else 0, ""), line
    if command == "curl":
        assert "error" not in json.loads(done.stdout), line
    return done.stdout


def test_every_path_is_in_its_table() -> None:
    for method, path, _ in TABLE:
        if path.startswith("/_bridge/engage"):
            continue  # told in docs/engage.md
        path = path.replace(":any_text", "").replace("message_id", "messageId")
        shown = path if not path.endswith("}/discard") else "…/discard"
        assert f"`{shown}" in TEXT or f"`{method} {shown}" in TEXT, path


def test_every_filter_option_and_metric_is_told(sandbox: Sandbox) -> None:
    for name in FILTERS:
        assert f"`{name}`" in TEXT or f"{name}=" in TEXT
    for command in (dead_letters, replay, discard):
        assert f"localtalon {command.name}" in TEXT
    shown = httpx.get(f"{sandbox.bridge_url}/metrics", trust_env=False).text
    for name in re.findall(r"^localtalon_bridge_(\w+)", shown, re.MULTILINE):
        assert f"`{name}`" in TEXT
