"""Rules of the house that no tool checks: size, first lines, cited rules, what a start imports."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from talon_contracts.rules import RULES
from talon_emulator.assumptions import BY_ID

ROOT = Path(__file__).parent.parent
PARTS = ("bridge", "emulator", "contracts", "sandbox")
SOURCES = sorted(path for part in PARTS for path in (ROOT / part).rglob("*.py"))
LONGEST = 300  # lines; a longer module is two things

# An id is cited as `MAP-3`; the families are closed, so that UTF-8 or RFC-3339 are none.
CITED = re.compile(rf"\b(?:{'|'.join(sorted({rule.split('-')[0] for rule in RULES}))})-\d+\b")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_a_module_is_one_noun_and_says_so_in_its_first_line(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("\n") <= LONGEST, f"{named(path)} has {text.count(chr(10))} lines; what is it two of?"
    opening = ast.get_docstring(ast.parse(text))
    assert opening, f"{named(path)} does not say what it is"
    assert opening.splitlines()[0].endswith((".", ":")), f"{named(path)}: the first line is no sentence"


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_a_function_fits_a_screen(path: Path) -> None:
    for function in functions(path):
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        assert length <= 45, f"{named(path)}: {function.name} has {length} lines"


def test_every_cited_rule_exists() -> None:
    texts = [*SOURCES, *(ROOT / "tests").rglob("*.py"), *ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    for path in texts:
        unknown = set(CITED.findall(path.read_text("utf-8"))) - RULES.keys()
        assert not unknown, f"{named(path)} cites {unknown}"


def test_every_assumption_is_asked_for_and_nothing_else_is() -> None:
    texts = {path: path.read_text("utf-8") for path in SOURCES if "talon_emulator" in path.parts}
    asked: set[str] = set()
    settled: set[str] = set()
    for path, text in texts.items():
        for name, choice in re.findall(r"assumed\[\"([^\"]+)\"\](?: [!=]= \"([^\"]+)\")?", text):
            assert name in BY_ID, f"{named(path)} asks for {name}"
            assert not choice or choice in BY_ID[name].choices, f"{named(path)}: {name} is never {choice}"
            asked.add(name)
        cited = set(re.findall(r"assumption: ([a-z0-9-]+)", text))
        assert cited <= BY_ID.keys(), f"{named(path)} cites {cited - BY_ID.keys()}"
        settled |= cited
    several = {name for name, assumption in BY_ID.items() if len(assumption.choices) > 1}
    assert asked == several, "an assumption with several choices is asked for where it takes effect"
    assert several | settled == BY_ID.keys(), "an assumption with one choice is cited where it takes effect"


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("localtalon", {"talon_bridge", "talon_emulator", "uvicorn", "httpx", "msgspec"}),
        ("localtalon.cli", {"talon_bridge", "talon_emulator", "uvicorn", "httpx", "hypothesis", "rich"}),
        ("localtalon.plugin", {"talon_bridge", "talon_emulator", "uvicorn", "httpx", "msgspec"}),
        ("localtalon.startup", {"aiohttp", "httpx", "hypothesis", "jsonschema", "rich", "jinja2", "prometheus_client"}),
        ("talon_contracts.rules", {"hypothesis", "jsonschema", "httpx"}),
    ],
)
def test_heavy_imports_happen_on_use(module: str, heavy: set[str]) -> None:
    """A sandbox is started hundreds of times a day, and our package is imported by every pytest that has it."""
    script = f"import sys, {module}; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not heavy & set(loaded)
