"""The rules, printed."""

import json
import shutil
import textwrap

from talon_contracts.rules import RULES


def for_programs() -> str:
    """A JSON array of the rules: id, statement, levels (S, T, D), source."""
    return json.dumps(
        [{"id": r.id, "statement": r.statement, "levels": r.letters, "source": r.source} for r in RULES.values()],
        indent=2,
    )


def for_people() -> str:
    """The rules as text, as wide as the terminal, with what the letters mean."""
    width = min(shutil.get_terminal_size((100, 24)).columns, 120)
    lines = ["S stated by the destination's documentation, T documented by Talon.One, D decided here", ""]
    for rule in RULES.values():
        text = f"{rule.statement} [{rule.letters}]"
        lines += textwrap.wrap(text, width, initial_indent=f"{rule.id:<8}", subsequent_indent=" " * 8)
        lines += textwrap.wrap(f"source: {rule.source}", width, initial_indent=" " * 8, subsequent_indent=" " * 16)
    return "\n".join(lines)
