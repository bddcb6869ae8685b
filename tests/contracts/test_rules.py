"""The list of rules is whole, and everything that cites a rule cites one that exists."""

import importlib
import re
from pathlib import Path

import pytest

from talon_contracts import checks, schemas, vectors
from talon_contracts.checks import CHECKS, Check
from talon_contracts.rules import RULES, Level

CITED = re.compile(r"\b(?:ID|MAP|AUD|ATT|KEY|LIM|DEL|SRC|VIEW)-[0-9]+\b")


def test_the_first_edition_is_complete() -> None:
    sizes = {"ID": 4, "MAP": 8, "AUD": 6, "ATT": 4, "KEY": 1, "LIM": 1, "DEL": 3, "SRC": 1, "VIEW": 1}
    assert list(RULES) == [f"{area}-{number + 1}" for area, size in sizes.items() for number in range(size)]


def test_every_rule_says_what_who_and_where() -> None:
    for rule in RULES.values():
        assert CITED.fullmatch(rule.id)
        assert rule.statement.endswith(".")
        assert rule.levels
        assert rule.source
        assert rule.letters == ",".join(level.value for level in rule.levels)
        assert (Level.DECIDED in rule.levels) == ("localtalon" in rule.source)


def test_cited_rules_exist() -> None:
    cited = {check.rule for check in CHECKS.values() if check.rule}
    for name in vectors.names():
        cited |= {rule for vector in vectors.load(name) for rule in vector.rules}
    for name in schemas.names():
        cited |= set(CITED.findall(str(schemas.load(name))))
    assert cited <= RULES.keys()


def stem(check: Check) -> str:
    """The name of the file that a check is looked for in."""
    return re.sub(r"[^a-z0-9]+", "_", check.name.lower())


def test_every_file_is_a_check_and_every_rule_has_one() -> None:
    files = {path.stem for path in Path(checks.__path__[0]).glob("*.py")}
    assert files == {"__init__", "check", *map(stem, CHECKS.values())}
    assert [*dict.fromkeys(check.rule for check in CHECKS.values())] == [*RULES, None]


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_a_check_says_what_it_is_about(check: Check) -> None:
    module = importlib.import_module(f"talon_contracts.checks.{stem(check)}")
    assert module.CHECK is check
    assert check.features
    about = RULES.get(check.rule or "")
    assert (module.__doc__ or "").startswith(about.id if about else "All rules")
    if about is not None:
        assert check.name.startswith(about.id)
        assert (check.statement, check.source, check.levels) == (about.statement, about.source, about.levels)
    else:
        assert check.statement.startswith("All rules")
