"""The known name that an unknown one was probably meant to be."""

import difflib
from functools import lru_cache

import msgspec


class Nearest(msgspec.Struct, frozen=True):
    """A known name close to one that is not known, and how they differ: `case` or `spelling`."""

    name: str
    differs_in: str


@lru_cache(maxsize=4096)  # the same traits come with every event, and comparing spellings is slow
def nearest(name: str, known: tuple[str, ...]) -> Nearest | None:
    """The known name that differs from `name` in case only, else the closest in spelling, else None."""
    folded = name.casefold()
    for candidate in known:
        if candidate.casefold() == folded and candidate != name:
            return Nearest(candidate, "case")
    close = difflib.get_close_matches(name, [c for c in known if c != name], n=1, cutoff=0.8)
    return Nearest(close[0], "spelling") if close else None
