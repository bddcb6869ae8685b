"""The command `localtalon check`: its arguments, exit codes and forms, and what docs/check.md shows."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from check_support import SHOP
from localtalon.check.event_rules import RULES as OF_EVENTS
from localtalon.check.plan_rules import RULES as OF_PLANS
from localtalon.check.stream import ALWAYS, OURS
from localtalon.check_command import check

ROOT = Path(__file__).parent.parent.parent
DOCUMENT = (ROOT / "docs" / "check.md").read_text("utf-8")
COMMANDS = re.findall(r"^```sh\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)[0].splitlines()
WELL = '{"userId": "u", "traits": {"email": "a"}}\n'
ILL = '{"userId": "u", "traits": {"vip": "true"}}\n'


def run(line: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a shell line with `localtalon` in it in a folder."""
    line = line.replace("localtalon", f"{sys.executable} -m localtalon", 1)
    own = {name: value for name, value in os.environ.items() if not name.startswith(("LOCALTALON_", "GITHUB_"))}
    return subprocess.run(
        ["sh", "-c", line], capture_output=True, text=True, timeout=60, cwd=folder, env={**own, **environ}
    )


@pytest.fixture(name="folder")
def with_a_config(tmp_path: Path) -> Path:
    (tmp_path / "localtalon.toml").write_text(SHOP, "utf-8")
    (tmp_path / "well.ndjson").write_text(WELL, "utf-8")
    (tmp_path / "ill.ndjson").write_text(ILL, "utf-8")
    return tmp_path


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_of_the_document_runs_on_the_example(tmp_path: Path, line: str) -> None:
    shop = shutil.copytree(ROOT / "examples" / "shop", tmp_path / "shop")
    done = run(line, shop)
    assert (done.returncode, done.stderr) == (1, ""), done.stdout
    for name in re.findall(r"check\.\w+", line):
        assert (shop / name).stat().st_size > 500


def test_every_option_and_every_rule_is_in_the_document() -> None:
    for parameter in check.params:
        for option in parameter.opts:
            assert option in DOCUMENT or option in ("paths", "--config", "--github"), option
    table = DOCUMENT.partition("## What is asked")[2].partition("\n\nA secret")[0]
    asked = set(re.findall(r"^\| ([A-Z0-9, -]+) \|", table, re.MULTILINE))
    told = {rule for row in asked for rule in row.split(", ")}
    assert told == {*OURS, *ALWAYS, *OF_EVENTS, *OF_PLANS, "AUD-4", "AUD-6"}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("localtalon check", 0),
        ("localtalon check localtalon.toml --events well.ndjson", 0),
        ("localtalon check --events well.ndjson ill.ndjson", 1),
        ("localtalon check --events ./*.ndjson", 1),
        ("localtalon check localtalon.toml --events well.ndjson ill.ndjson", 1),
        ("localtalon check --events well.ndjson --events ill.ndjson", 1),
        ("localtalon check --config localtalon.toml --events ill.ndjson", 1),
        ("localtalon check --events - < ill.ndjson", 1),
        ("localtalon check --events - < /dev/null", 2),
        ("gzip -c ill.ndjson | localtalon check --events -", 1),
        ("localtalon check --events ''", 2),
        ("localtalon check --events well.ndjson ''", 2),
        ("localtalon check --events missing.ndjson", 2),
        ("localtalon check --plan missing.json", 2),
        ("localtalon check missing.toml", 2),
        ("localtalon check well.ndjson", 2),
        ("localtalon check localtalon.toml other.toml", 2),
    ],
)
def test_exit_codes(folder: Path, line: str, code: int) -> None:
    done = run(line, folder)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_config_that_is_none_is_one_line(folder: Path) -> None:
    (folder / "localtalon.toml").write_text("[[audiences]]\nnam = 'x'\n", "utf-8")
    done = run("localtalon check", folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "localtalon: localtalon.toml: unknown key audiences[0].nam; did you mean name?\n"


def test_a_config_with_a_mark_in_front_is_told_of_it(folder: Path) -> None:
    (folder / "localtalon.toml").write_text(SHOP, "utf-8-sig")
    done = run("localtalon check", folder)
    assert (done.returncode, "byte order mark" in done.stderr) == (2, True)


@pytest.mark.parametrize("given", ["", "--events well.ndjson", "--plan plan.json", "--events ."])
def test_without_a_config_there_is_nothing_to_judge_by(folder: Path, given: str) -> None:
    (folder / "localtalon.toml").rename(folder / "shop.toml")
    done = run(f"localtalon check {given}", folder)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "--config" in done.stderr
    assert run("localtalon check --config shop.toml --events well.ndjson", folder).returncode == 0


def test_json_has_the_places(folder: Path) -> None:
    told = json.loads(run("localtalon check --events ill.ndjson --json", folder).stdout)
    text = json.dumps(told)
    for part in ('"ATT-2"', '"ill.ndjson"', '"/traits/vip"'):
        assert part in text


def test_github_shows_a_finding_beside_its_line(folder: Path) -> None:
    shown = run("localtalon check --events ill.ndjson", folder, GITHUB_ACTIONS="true").stdout
    assert re.search(r"^::error file=ill\.ndjson,line=1,", shown, re.MULTILINE)


def test_the_environment_lies_over_the_config(folder: Path) -> None:
    done = run("localtalon check", folder, LOCALTALON_DESTINATION_CUSTOM_ATTRIBUTES="Email")
    assert done.returncode == 1
    assert "'email' is, and differs in case" in done.stdout


def test_a_start_is_light(folder: Path) -> None:
    script = (
        "import sys\nfrom localtalon.cli import main\n"
        "try:\n    main(['check', '--events', 'well.ndjson'])\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "print(' '.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=folder, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    heavy = {"hypothesis", "jsonschema", "httpx", "aiohttp", "uvicorn", "starlette", "jinja2", "rich"}
    assert not heavy & loaded


def test_no_name_reaches_the_terminal_as_more_than_text(folder: Path) -> None:
    traits = {"\x1b[31mred\u202e\n::error::x": 1, "'; rm -rf / #": 2, "vip": "\x07"}
    (folder / "odd.ndjson").write_text(json.dumps({"userId": "u", "traits": traits}), "utf-8")
    line = "localtalon check --events odd.ndjson --junit a.xml --html a.html --sarif a.sarif"
    done = run(line, folder, GITHUB_ACTIONS="true")
    assert done.returncode == 1
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]|^::error::x", done.stdout, re.MULTILINE)
