"""What docs/reports.md shows is what happens."""

import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from report_support import report
from talon_contracts.reports import json_document

TEXT = (Path(__file__).parent.parent.parent / "docs" / "reports.md").read_text("utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def block(language: str, number: int = 0) -> str:
    return [text for kind, text in BLOCKS if kind == language][number]


@pytest.fixture(name="folder")
def with_the_files_of_the_page(tmp_path: Path) -> Path:
    (tmp_path / "localtalon.toml").write_text(block("toml"), "utf-8")
    (tmp_path / "events.ndjson").write_text(block("json"), "utf-8")
    return tmp_path


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = re.sub(r"\blocaltalon check\b", f"{sys.executable} -m localtalon check", command)
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, cwd=folder)


def test_the_example_finds_what_is_shown_and_writes_every_form(folder: Path) -> None:
    done = shell(block("sh"), folder)
    assert (done.returncode, done.stderr) == (1, "")
    for line in block("text").splitlines():
        assert line in done.stdout.splitlines()
    assert ElementTree.parse(folder / "out" / "check.xml").getroot().get("failures") == "3"
    assert "destination.custom_attributes[1]" in (folder / "out" / "check.html").read_text("utf-8")
    (run,) = json.loads((folder / "out" / "check.sarif").read_bytes())["runs"]
    assert [result["ruleId"] for result in run["results"]] == ["MAP-3", "ATT-1", "ATT-2"]


def test_the_document_is_read_as_shown(folder: Path) -> None:
    first, *findings = shell(block("sh", 1), folder).stdout.splitlines()
    assert first == "1 check 1 3"
    assert findings == [
        "MAP-3 events.ndjson 1 /traits/address/city",
        "ATT-1 localtalon.toml 2 destination.custom_attributes[1]",
        "ATT-2 events.ndjson 2 /traits/email",
    ]


def test_every_member_and_option_is_told() -> None:
    document = json_document.document(report("MAP-1"))
    (broken,) = (check for check in document["checks"] if check["status"] == "broken")
    for name in (*document, *document["counts"], *broken, *broken["findings"][0], "file", "pointer", "line"):
        assert f"`{name}`" in TEXT, name
    for option in ("json", "junit FILE", "html FILE", "sarif FILE", "github", "no-github"):
        assert f"`--{option}`" in TEXT, option
