"""The tables in the documentation that are made from the code: `make table` writes them."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import catch_table
import coverage_table

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Table:
    """A table between two marks in a document."""

    name: str
    document: Path
    render: Callable[[], str]

    @property
    def begin(self) -> str:
        """The line above the table."""
        return f"<!-- {self.name}: begin, written by `make table` -->\n"

    @property
    def end(self) -> str:
        """The line below the table."""
        return f"<!-- {self.name}: end -->\n"

    def of(self, text: str) -> str:
        """What a text has between the marks."""
        return text.partition(self.begin)[2].partition(self.end)[0]

    def put_into(self, text: str) -> str:
        """The text with the table between its marks."""
        before, _, rest = text.partition(self.begin)
        return f"{before}{self.begin}{self.render()}{self.end}{rest.partition(self.end)[2]}"


EMULATED = Table("emulated", ROOT / "README.md", coverage_table.render)
CAUGHT = Table("caught", ROOT / "docs" / "verify.md", catch_table.render)
ALL = (EMULATED, CAUGHT)

if __name__ == "__main__":
    for table in ALL:
        table.document.write_text(table.put_into(table.document.read_text("utf-8")), "utf-8")
        sys.stdout.write(f"{table.document.name}: {table.name}\n")
