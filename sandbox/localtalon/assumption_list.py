"""The assumptions of the emulator, printed."""

import json
import shutil
import textwrap
from collections.abc import Mapping

from talon_emulator.assumptions import TABLE, in_effect


def for_programs(chosen: Mapping[str, str]) -> str:
    """A JSON array of the assumptions: id, question, choices, evidence, default, and the choice in effect."""
    effective = in_effect(chosen)
    listed = [
        {
            "id": a.id,
            "question": a.question,
            "choices": a.choices,
            "evidence": a.evidence,
            "default": a.default,
            "chosen": effective[a.id],
        }
        for a in TABLE
    ]
    return json.dumps(listed, indent=2)


def for_people(chosen: Mapping[str, str]) -> str:
    """The assumptions as text, as wide as the terminal; a star marks the choice in effect."""
    width = min(shutil.get_terminal_size((100, 24)).columns, 120)
    effective = in_effect(chosen)
    lines = ["* in effect; another is chosen with [emulator.assumptions] in the config, or in a seed document", ""]
    for assumption in TABLE:
        lines += textwrap.wrap(f"{assumption.id}: {assumption.question} [{assumption.evidence}]", width)
        for choice, does in assumption.choices.items():
            mark = "*" if choice == effective[assumption.id] else " "
            lines += textwrap.wrap(f"{choice}: {does}", width, initial_indent=f"  {mark} ", subsequent_indent=" " * 6)
    return "\n".join(lines)
