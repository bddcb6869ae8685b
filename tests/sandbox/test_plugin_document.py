"""What docs/plugin.md shows is what happens."""

import inspect
import re
from pathlib import Path

import pytest

from localtalon import Bridge, Talon
from localtalon.bridge_engage import Audience, ComputedTrait, Engage
from localtalon.differences import amended
from localtalon.talon_controls import Clock
from plugin_support import run_pytest

TEXT = (Path(__file__).parent.parent.parent / "docs" / "plugin.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
(SHOWN,) = re.findall(r"^```text\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
(COMMANDS,) = re.findall(r"^```sh\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("command", COMMANDS.splitlines())
def test_every_example_passes_but_the_one_that_shall_fail(command: str, tmp_path: Path) -> None:
    for number, example in enumerate(EXAMPLES):
        (tmp_path / f"test_example_{number}.py").write_text(example)
    done = run_pytest(tmp_path, *command.split()[1:])
    tests = sum(len(re.findall(r"^ *def test_", example, re.MULTILINE)) for example in EXAMPLES)
    assert (done.failed, done.passed) == (1, tests - 1), done.text
    assert SHOWN in done.text


def public(kind: type) -> list[str]:
    return [name for name in vars(kind) if not name.startswith("_")]


def test_all_that_the_fixtures_can_do_is_told() -> None:
    rest: list[type] = [Clock, Engage, Audience, ComputedTrait]
    for kind, silent in ((Talon, {"close"}), (Bridge, {"close"}), *((each, set[str]()) for each in rest)):
        missing = [name for name in public(kind) if not re.search(rf"\b{name}\b", TEXT)]
        assert set(missing) <= silent, kind


def test_every_argument_of_the_marker_is_told() -> None:
    for name in ("config", "limits", *inspect.signature(amended).parameters):
        assert f"`{name}`" in TEXT
