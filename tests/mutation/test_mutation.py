"""The mutation run itself: what it changes, that it notices what tests notice, and what its list must be."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutation import equivalents
from mutation.cores import CORES, ROOT, Core
from mutation.mutants import Name, mutants
from mutation.patterns import is_pattern, patterns

SAMPLE = '''
"""A module."""
from typing import TypeAlias

LIMITS: TypeAlias = "int | None"
LOW = 3


def clamp(value: int, high: int = 9) -> int:
    """Keep a value within limits."""
    assert value >= 0
    if value < LOW:
        return LOW
    return min(value, high)
'''


def after(source: str) -> set[tuple[str, str]]:
    return {(mutant.name.before, mutant.name.after) for mutant in mutants(source)}


def test_what_is_changed_and_what_is_left_alone() -> None:
    assert after(SAMPLE) == {
        ("LOW = 3", "LOW = 4"),
        ("LOW = 3", "LOW = 2"),
        ("def clamp(value: int, high: int=9) -> int:", "def clamp(value: int, high: int=10) -> int:"),
        ("def clamp(value: int, high: int=9) -> int:", "def clamp(value: int, high: int=8) -> int:"),
        ("if value < LOW:", "if True:"),
        ("if value < LOW:", "if False:"),
        ("if value < LOW:", "if value <= LOW:"),
        ("if value < LOW:", "if value >= LOW:"),
        ("return LOW", "return None"),
        ("return min(value, high)", "return None"),
        ("return min(value, high)", "return max(value, high)"),
    }


@pytest.mark.parametrize(
    ("line", "changes"),
    [
        ("x = a and (not b)", {"x = a or not b", "x = not b", "x = a", "x = a and b", ""}),
        ("x = a + 'b'", {"x = a - 'b'", "x = a + ''", ""}),
        ("x = -a if b else c", {"x = -a if True else c", "x = -a if False else c", "x = a if b else c", ""}),
        ("x = [a for a in b if c]", {"x = [a for a in b]", ""}),
        ("x = f(a, k=b)", {"x = f(a)", ""}),
        ("x = a.strip('')", {"x = a", "x = a.strip('/?')", ""}),
        ("x = (*a, b)", {"x = (b,)", "x = (*a,)", ""}),
        ("x = {**a, b: c}", {"x = {b: c}", "x = {**a}", ""}),
        ("x += a", {"x = a", ""}),
        ("x = a | b", {"x = a", "x = b", ""}),
        ("x = True", {"x = False", ""}),
        ("x = any(a)", {"x = all(a)", ""}),
        ("raise a", {""}),
        ("a()", {""}),
    ],
)
def test_the_changes_of_a_statement(line: str, changes: set[str]) -> None:
    found = [mutant.name for mutant in mutants(f"def f():\n    {line}")]
    assert {name.after for name in found} == changes
    assert {(name.scope, name.before) for name in found} == {("f", line)}


@given(st.from_regex(r"\[[a-z]-[a-z]\][+*?]?(\\w|[0-9]-[0-9]|x){0,3}", fullmatch=True).filter(is_pattern))
def test_a_changed_pattern_is_another_pattern(text: str) -> None:
    try:
        re.compile(text)
    except re.error:
        return
    found = list(patterns(text))
    assert text not in found
    assert len(set(found)) == len(found)
    assert all(re.compile(other) for other in found)


def test_the_patterns_next_to_one() -> None:
    assert set(patterns("[0-9]+a")) == {
        "[1-9]+a", "[0-8]+a", "[0-9]*a", "[-9]+a", "[09]+a", "[0-]+a", "[0-9]a", "[0-9]+", "0-9]+a",
    }  # fmt: skip


@pytest.mark.parametrize("core", CORES, ids=lambda core: core.module)
def test_every_mutant_of_a_core_has_a_name_and_can_be_run(core: Core) -> None:
    source = core.path.read_text("utf-8")
    found = mutants(source)
    assert len({mutant.name for mutant in found}) == len(found) >= 20
    assert all(mutant.name.before != mutant.name.after for mutant in found)
    assert found[0].code(str(core.path)).co_filename == str(core.path)
    assert [mutant.name for mutant in mutants("\n\n" + source)] == [mutant.name for mutant in found]


@pytest.mark.parametrize("core", CORES, ids=lambda core: core.module)
def test_every_equivalent_is_a_mutant_and_says_why(core: Core) -> None:
    """That it survives is for `make mutate` to say; that it is still there can be said at once."""
    listed = equivalents.read()
    assert listed.keys() <= {core.module for core in CORES}
    found = {mutant.name for mutant in mutants(core.path.read_text("utf-8"))}
    gone = listed.get(core.module, {}).keys() - found
    assert not gone, f"tests/mutation/equivalents.toml: {core.module} has no such mutant: {sorted(gone)}"


codes = st.text("'\"\\a\n{…# ", max_size=8)


@given(st.builds(Name, codes, codes, codes, st.integers(1, 3)))
def test_an_entry_can_be_pasted(name: Name) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.toml"
        path.write_text(equivalents.entry("m", name).replace('reason = ""', 'reason = "why"'), "utf-8")
        assert equivalents.read(path) == {"m": {name: "why"}}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[[equivalent]]\nmodule = "m"\nscope = "s"\nbefore = "b"\nreason = "r"', "has no 'after'"),
        (equivalents.entry("m", Name("s", "b", "a")), "has no reason"),
        (equivalents.entry("m", Name("s", "b", "a")).replace('""', '"r"') * 2, "is there twice"),
    ],
)
def test_an_entry_that_is_not_complete(text: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "list.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=complaint):
        equivalents.read(path)


def test_survivors_and_entries_are_held_together() -> None:
    one, two, three = (Name("f", "x", after) for after in ("1", "2", "3"))
    judged = equivalents.judge({one, two}, {two: "why", three: "no more"})
    assert judged == equivalents.Judgement(survived=(one,), idle=(three,))


def module(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mutation", *arguments]
    return subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": "tests"}, capture_output=True, text=True, timeout=300)


def test_the_tests_of_each_core_reach_all_of_it() -> None:
    """`make cores`."""
    ended = module("coverage")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert [line.split()[:2] for line in ended.stdout.splitlines()] == [[core.module, "100"] for core in CORES]


def test_a_core_that_is_none() -> None:
    ended = module("mutants", "talon_bridge.app")
    assert ended.returncode == 2
    assert ended.stderr.startswith("no core is called talon_bridge.app; there are talon_bridge.flatten, ")


def test_the_mutants_of_the_smallest_core() -> None:
    ended = module("mutants", "talon_bridge.flatten")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.splitlines()[0].split() == ["core", "mutants", "killed", "equivalent", "survived", "seconds"]


UNTESTED = """
from mutation import run, trial
from mutation.cores import Core
from mutation.mutants import mutants

core = Core("talon_bridge.flatten", ("bridge/test_nearest.py",))
some = mutants(core.path.read_text("utf-8"))[:3]
with trial.prepared():
    print({mutant.name for mutant in run.survivors(core, some, 2)} == {mutant.name for mutant in some})
"""


def test_changes_that_no_test_notices_survive() -> None:
    command = [sys.executable, "-c", UNTESTED]
    ended = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": "tests"}, capture_output=True, text=True, timeout=300)
    assert ended.stdout == "True\n", ended.stderr
