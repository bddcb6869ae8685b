"""How cases are drawn: by Hypothesis, silently, without a memory, the failing one made small."""

from typing import Any

from hypothesis import Phase, Verbosity, settings


def drawing(examples: int, *, shrink: bool = True, **more: Any) -> settings:
    """Settings for so many cases; `more` are further ones of Hypothesis."""
    return settings(
        max_examples=examples,
        phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        print_blob=False,
        verbosity=Verbosity.quiet,
        **more,
    )
