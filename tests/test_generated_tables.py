"""The tables in the documentation are those that the code makes."""

import pytest

from generated_tables import ALL, EMULATED, Table
from talon_contracts.rules import RULES
from talon_emulator import operations
from wrong_bridges import wrong_bridges_catalogue
from wrong_emulators import wrong_emulators_catalogue


@pytest.mark.parametrize("table", ALL, ids=lambda table: table.name)
def test_the_document_has_the_table_as_it_is(table: Table) -> None:
    text = table.document.read_text("utf-8")
    assert table.of(text) == table.render(), "the code has changed: make table"
    assert table.put_into(text) == text


def test_writing_keeps_the_rest() -> None:
    written = EMULATED.put_into(f"before\n{EMULATED.begin}old\n{EMULATED.end}after\n")
    assert written.startswith(f"before\n{EMULATED.begin}| API |")
    assert written.endswith(f"|\n{EMULATED.end}after\n")


def test_every_emulated_operation_is_in_the_table() -> None:
    table = EMULATED.render()
    for operation in operations.EMULATED:
        if not operation.id.startswith("ui."):
            assert operation.template in table, operation.id


def test_every_rule_is_broken_by_some_wrong_bridge_or_emulator() -> None:
    broken = {kind.rule for kind in wrong_bridges_catalogue.ALL}
    broken |= {kind.check.split()[0] for kind in wrong_emulators_catalogue.ALL}
    assert broken == RULES.keys()
