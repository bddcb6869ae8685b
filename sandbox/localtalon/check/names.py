"""Traits that the destination would not let through: which of them are mistakes, and what to do about each."""

import re
import shlex
from collections.abc import Collection, Iterator
from functools import lru_cache
from itertools import zip_longest
from typing import Final, Literal

from localtalon.check.subject import Subject
from talon_bridge.audience_key import possible_name
from talon_contracts.reports.events import Finding

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+|\d+")
_LONG: Final = 8
"""From so many letters on, a word that differs in one of them is the same word, misspelt."""


def not_listed(name: str, subject: Subject, beside: Collection[str] = ()) -> Finding:
    """The finding, yet without a place, for a trait whose flattened name is not in Custom Attributes (MAP-3).

    It is an error where another name was probably meant, or Talon.One has an attribute of just this name. Else it may
    well not be meant for Talon.One: a warning, unless the check is strict. `beside` are the names that come with it:
    who sends both means both.
    """
    meant, differs_in = meant_by(name, subject.custom_attributes)
    message = f"the trait {name!r} is not in Custom Attributes"
    consequence = "it will not be sent"
    otherwise = f"if it is not meant for Talon.One, say so with --ignore {shlex.quote(name)}"
    if differs_in == "case" or (meant and meant not in beside):
        message += f"; {meant!r} is, and differs in {differs_in}"
        hint = f"send it as {meant!r}, or add {name!r} to destination.custom_attributes; {otherwise}"
        return Finding("MAP-3", f"{message}: {consequence}", hint)
    if name in subject.defined:
        message += ", though Talon.One has an attribute of this name"
        hint = f"add {name!r} to destination.custom_attributes; {otherwise}"
        return Finding("MAP-3", f"{message}: {consequence}", hint)
    severity: Literal["error", "warning"] = "error" if subject.strict else "warning"
    if possible_name(name):
        hint = f"to send it, define it and add {name!r} to destination.custom_attributes; {otherwise}"
        return Finding("MAP-3", f"{message}: {consequence}", hint, severity=severity)
    message += ", and no Talon.One attribute can have this name"
    hint = f"to send it, give it a name of letters, digits and _; {otherwise}"
    return Finding("MAP-3", f"{message}: {consequence}", hint, severity=severity)


@lru_cache(maxsize=4096)  # the same traits come with every event
def meant_by(name: str, known: tuple[str, ...]) -> tuple[str, str]:
    """The known name that was probably meant by another, and in what it differs; nothing where none was."""
    for other in known:
        if other.casefold() == name.casefold():
            return other, "case"
    return next(((other, "spelling") for other in known if _slipped(name, other)), ("", ""))


def _slipped(name: str, known: str) -> bool:
    """Whether a name is another with other marks between its words, or with one word misspelt. Digits count."""
    words, others = _words(name), _words(known)
    if "".join(words) == "".join(others):
        return bool(words)
    wrong = [(one, other) for one, other in zip_longest(words, others, fillvalue="") if one != other]
    return len(wrong) == 1 and _misspelt(*wrong[0])


def _words(name: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(name)]


def _misspelt(one: str, other: str) -> bool:
    """Whether two words are one: a letter doubled or not, two exchanged; of a long word one wrong, but no plural."""
    if not (one.isalpha() and other.isalpha()):
        return False
    if _single(one) == _single(other) or other in _exchanged(one):
        return True
    if min(len(one), len(other)) < _LONG or f"{one}s" == other or one == f"{other}s":
        return False
    short, long = sorted((one, other), key=len)
    start = next((index for index, letter in enumerate(short) if letter != long[index]), len(short))
    return long[start + 1 :] == short[start + (len(long) == len(short)) :]


def _single(word: str) -> str:
    return re.sub(r"(.)\1+", r"\1", word)


def _exchanged(word: str) -> Iterator[str]:
    for index in range(len(word) - 1):
        yield f"{word[:index]}{word[index + 1]}{word[index]}{word[index + 2 :]}"
