"""The list of rules is whole, and everything that cites a rule cites one that exists."""

import re

from talon_contracts import schemas, vectors
from talon_contracts.checks import CHECKS
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
