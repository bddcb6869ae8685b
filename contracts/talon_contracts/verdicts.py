"""The verdicts that a trial can end in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Kept:
    """Every case came out as the oracle says; `features` counts in how many cases each showed."""

    check: str
    cases: int
    features: Mapping[str, int]
    seed: int


@dataclass(frozen=True, slots=True)
class Broken:
    """A case did not: the smallest one found, which can be sent again; not `steady`: it did not happen every time.

    `about` is the integration ID of the profile that differs, where one does.
    """

    check: str
    rule: str
    case: object
    expected: object
    actual: object
    seed: int
    steady: bool = True
    about: str = ""


@dataclass(frozen=True, slots=True)
class Unproven:
    """Every case came out well, but too few showed the features listed, so that nothing is proved."""

    check: str
    missing: tuple[str, ...]
    cases: int
    seed: int


@dataclass(frozen=True, slots=True)
class Unjudged:
    """No verdict: a target is missing, down, or never settles, or its set-up has nothing to try; says what was seen."""

    check: str
    reason: str


Verdict: TypeAlias = Kept | Broken | Unproven | Unjudged
