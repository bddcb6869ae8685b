"""A mismatch: what was seen against what a rule demands."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mismatch:
    """What was seen against what the rule demands; `case` can be sent again as it stands.

    `about` is the integration ID of the profile that differs, where one does.
    """

    rule: str
    case: object
    expected: object
    actual: object
    about: str = ""
