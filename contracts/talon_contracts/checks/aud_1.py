"""AUD-1: names of audiences with digits, capitals, punctuation and letters of other scripts."""

import itertools
from typing import Final

from talon_contracts.checks.check import of_audience_keys, often
from talon_contracts.views import NameView


def _has_digits_beside_letters(view: NameView) -> bool:
    pairs = itertools.pairwise(view.key)
    return any(left.isdigit() != right.isdigit() for left, right in pairs if "_" not in left + right)


def _has_capitals_inside(view: NameView) -> bool:
    return any(left.islower() and right.isupper() for left, right in itertools.pairwise(view.name))


CHECK: Final = of_audience_keys(
    "AUD-1",
    {
        "digits beside letters": often(_has_digits_beside_letters),
        "capitals inside a word": _has_capitals_inside,
        "beyond ASCII": lambda view: not view.name.isascii() and view.key != "",
        "punctuation": lambda view: any(not each.isalnum() and each not in " _" for each in view.name),
    },
)
