"""The worked example: what its README says is what happens, in its own folder, with its own commands."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from localtalon import Sandbox

SHOP = Path(__file__).parent.parent / "examples" / "shop"
README = (SHOP / "README.md").read_text("utf-8")
COMMANDS = {
    "localtalon": f"{sys.executable} -m localtalon",
    "pytest": f"{sys.executable} -m pytest -p no:cacheprovider",
}
MENDED = (
    ("localtalon.toml", 'name = "vip_customers"\ntype = "string"', 'name = "vip_customers"\ntype = "boolean"'),
    ("tracking-plan.json", '"As the till prints it",\n      "type": "string"', '"Points",\n      "type": "number"'),
    ("events/checkout.ndjson", '"City"', '"city"'),
)


@pytest.fixture(name="shop")
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHOP, tmp_path / "shop", ignore=shutil.ignore_patterns("__pycache__")))


def mend(shop: Path, *numbers: int) -> None:
    for number in numbers:
        name, wrong, right = MENDED[number]
        text = (shop / name).read_text("utf-8")
        assert text.count(wrong) == 1
        (shop / name).write_text(text.replace(wrong, right), "utf-8")


def run(line: str, shop: Path) -> subprocess.CompletedProcess[str]:
    command, _, rest = line.partition(" ")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("LOCALTALON_", "GITHUB_"))}
    return subprocess.run(
        ["sh", "-c", f"{COMMANDS[command]} {rest}"], capture_output=True, text=True, timeout=120, cwd=shop, env=environ
    )


def steps() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((SHOP / "ci.yml").read_text("utf-8"))["jobs"]["talon-one"]["steps"]
    return found


def sarif(shop: Path) -> list[tuple[str, str, str, int]]:
    """Of each result of the CI's check the rule, the level, the file and the line."""
    (line,) = (step["run"] for step in steps() if step.get("run", "").startswith("localtalon"))
    run(line, shop)
    (told,) = json.loads((shop / "check.sarif").read_text("utf-8"))["runs"]
    return sorted(
        (
            result["ruleId"],
            result["level"],
            result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
            result["locations"][0]["physicalLocation"]["region"]["startLine"],
        )
        for result in told["results"]
    )


def line_of(path: str, text: str) -> int:
    return 1 + (SHOP / path).read_text("utf-8").partition(text)[0].count("\n")


def test_the_check_of_the_ci_finds_the_three_mistakes_and_nothing_else(shop: Path) -> None:
    assert sarif(shop) == [
        ("ATT-2", "error", "tracking-plan.json", line_of("tracking-plan.json", '"loyalty_points"')),
        ("AUD-4", "error", "localtalon.toml", line_of("localtalon.toml", 'name = "VIP Customers"')),
        ("MAP-3", "error", "events/checkout.ndjson", line_of("events/checkout.ndjson", '"City"')),
    ]
    for rule in ("AUD-4", "ATT-2", "MAP-3"):
        assert f"**{rule}" in README


@pytest.mark.parametrize("left", [0, 1, 2])
def test_each_mistake_is_found_without_the_others(shop: Path, left: int) -> None:
    mend(shop, *{0, 1, 2} - {left})
    ((_, _, path, _),) = sarif(shop)
    assert path == MENDED[left][0]


def test_with_the_three_mended_all_is_well(shop: Path) -> None:
    (line,) = re.findall(r"^localtalon check .*$", README, re.MULTILINE)
    assert run(line, shop).returncode == 1
    mend(shop, 0, 1, 2)
    done = run(line, shop)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("mended", [(), (0, 1, 2)])
def test_the_tests_of_the_shop_pass(shop: Path, mended: tuple[int, ...]) -> None:
    mend(shop, *mended)
    assert "pytest" in [step.get("run") for step in steps()]
    done = run("pytest -q", shop)
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


def test_the_mistakes_are_what_the_emulator_and_the_bridge_say_too(shop: Path) -> None:
    """The check predicts what happens: the recorded events, sent for real."""
    (shop / "bridge.toml").write_text((shop / "localtalon.toml").read_text("utf-8"), "utf-8")
    with Sandbox(shop / "bridge.toml") as sandbox:
        talon = sandbox.deployment(shop / "bridge.toml")
        bridge = sandbox.bridge_for(talon)
        for path in sorted((shop / "events").glob("*.ndjson")):
            bridge.batch(map(json.loads, path.read_text("utf-8").splitlines()))
        bridge.audience("customer-1001", "vip_customers", True)
        bridge.identify("customer-1003", {"loyalty_points": "42"})
        bridge.idle()
        assert "address_city" not in talon.profile("customer-1003").attributes
        assert talon.profile("customer-1002").attributes["address_city"] == "Wien"  # not Graz
        refused = {trait.attribute: trait.rule for event in bridge.dead_letters() for trait in event.traits}
        assert refused == {"vip_customers": "ATT-2", "loyalty_points": "ATT-2"}


def test_the_files_of_the_table_are_there() -> None:
    for name in re.findall(r"^\| `([^`]+)`", README, re.MULTILINE):
        assert (SHOP / name).exists()
