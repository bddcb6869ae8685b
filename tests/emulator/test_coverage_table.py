"""The README says what the route table says."""

import coverage_table
from talon_emulator import operations

README = coverage_table.README.read_text("utf-8")


def test_the_readme_holds_the_table() -> None:
    assert coverage_table.of_text(README) == coverage_table.render(), "the route table has changed: make table"


def test_writing_the_table_keeps_the_rest() -> None:
    assert coverage_table.put_into(README) == README
    text = f"before\n{coverage_table.BEGIN}old\n{coverage_table.END}after\n"
    written = coverage_table.put_into(text)
    assert written.startswith(f"before\n{coverage_table.BEGIN}| API |")
    assert written.endswith(f"|\n{coverage_table.END}after\n")


def test_every_emulated_operation_is_in_the_table() -> None:
    table = coverage_table.render()
    for operation in operations.EMULATED:
        if not operation.id.startswith("ui."):
            assert operation.template in table, operation.id
