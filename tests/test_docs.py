"""What the documentation shows is what happens."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import httpx
import pytest

from localtalon import Sandbox, config, config_file
from localtalon.cli import main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "benchmarks").glob("*.md")])


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


def shell(command: str) -> str:
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on this machine")
def test_the_curl_lines_of_the_first_screen_make_a_profile(sandbox: Sandbox) -> None:
    first_screen = "\n".join(README.splitlines()[:20])
    lines = re.findall(r"^curl .*$", first_screen, re.MULTILINE)
    assert len(lines) == 2
    ports = {"http://127.0.0.1:8901": sandbox.bridge_url, "http://127.0.0.1:8900": sandbox.emulator_url}
    identify, read_back = (re.sub("|".join(ports), lambda found: ports[found.group()], line) for line in lines)
    assert json.loads(shell(f"{identify} -s")) == {"success": True}
    assert httpx.get(f"{sandbox.bridge_url}/_bridge/idle?timeout=20", trust_env=False).status_code == 200
    profile = json.loads(shell(f"{read_back} -s"))["profile"]
    assert profile["attributes"] == {"email": "ada@example.com", "address_city": "Berlin"}


def test_explain_prints_what_the_readme_shows() -> None:
    (command,) = (block for block in blocks("sh") if "explain -" in block)
    shown = shell(command.replace(".venv/bin/localtalon", f"{sys.executable} -m localtalon"))
    assert shown == blocks("text")[0]


def test_the_python_example_runs() -> None:
    (example,) = (block for block in blocks("python") if "def test_" not in block)
    done = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("http://127.0.0.1:") == 2


def test_the_example_of_a_test_passes(tmp_path: Path) -> None:
    (example,) = (block for block in blocks("python") if "def test_" in block)
    (tmp_path / "test_example.py").write_text(example, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_check_finds_the_mistakes_of_the_shop() -> None:
    (command,) = (block for block in blocks("sh") if block.startswith("localtalon check"))
    told = shell(f"cd examples/shop && {command.replace('localtalon', f'{sys.executable} -m localtalon')}")
    assert "3 broken" in told


def test_every_command_is_in_the_readme() -> None:
    for name in main.list_commands(click.Context(main)):
        assert f"`localtalon {name}" in README


def test_the_config_reference_is_a_config(tmp_path: Path) -> None:
    (text,) = blocks("toml", (ROOT / "docs" / "config.md").read_text("utf-8"))
    path = tmp_path / "localtalon.toml"
    path.write_text(text, "utf-8")
    loaded = config_file.load(path, {})
    assert loaded.bridge_settings("http://127.0.0.1:8900").destination.custom_attributes == ("email", "address_city")


@pytest.mark.parametrize("section", ["emulator", "bridge", "destination"])
def test_every_key_of_the_config_is_in_its_reference(section: str) -> None:
    reference = (ROOT / "docs" / "config.md").read_text("utf-8")
    fields = getattr(config, f"{section.title()}Section").__struct_fields__
    missing = [name for name in fields if not re.search(rf"\b{name}\b", reference)]
    assert missing == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_paths_lead_somewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    for target in re.findall(r"\]\((?!http|#)([^)#]+)", text):
        assert (path.parent / target).exists(), target
    for mentioned in re.findall(r"`((?:bridge|emulator|contracts|sandbox|tests|benchmarks)/[\w./-]+)`", text):
        assert (ROOT / mentioned).exists(), mentioned


@pytest.mark.parametrize("part", ["bridge/talon_bridge", "emulator/talon_emulator", "contracts/talon_contracts"])
def test_the_picture_of_the_house_shows_every_room(part: str) -> None:
    picture = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    rooms = {path.name.removesuffix(".py") for path in (ROOT / part).iterdir() if not path.name.startswith("_")}
    rooms = {room for room in rooms if "." not in room}
    assert [room for room in sorted(rooms) if f"`{room}`" not in picture and f"`{room}/`" not in picture] == []


def test_the_changelog_knows_the_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    newest = re.search(r"^## \[(.+?)\]", changelog, re.MULTILINE)
    assert newest is not None
    assert newest[1] in ("Unreleased", version)
