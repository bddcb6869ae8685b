"""Why Engage says no: a code for programs, a sentence for people, and what to do."""

from typing import Literal

Code = Literal[
    "unknown_audience",  # there is no such audience or computed trait
    "bad_definition",  # a member of a definition cannot be used
    "bad_key",  # AUD-3
    "key_taken",  # AUD-3
    "key_fixed",  # AUD-2: keys never change
    "kind_fixed",  # an audience never becomes a computed trait, and a trait never changes its type
    "defined_in_config",
    "does_not_fit",  # the attribute in Talon.One is missing, has another case, or another type
    "sync_running",
    "empty_source",
    "too_many_leave",
    "bad_source",  # the source cannot be read to its end
    "no_source",  # nothing is configured to sync from
    "bad_members",
    "unavailable",  # the store cannot be used now
]


class EngageError(Exception):
    """Nothing was changed. `hint` says what to do."""

    def __init__(self, code: Code, message: str, hint: str) -> None:
        super().__init__(message)
        self.code: Code = code
        self.message = message
        self.hint = hint
