"""Regular expressions that are nearly another."""

import re
from collections.abc import Iterator

_SIGNS = re.compile(r"\[[^]]+\]|\\[wds]|\(\?:")
_WIDER = {"+": "*", "*": "+"}


def is_pattern(text: str) -> bool:
    """Whether a string is a regular expression, by its looks."""
    return _SIGNS.search(text) is not None


def patterns(text: str) -> Iterator[str]:
    """The pattern with a repetition, a range or a count changed, or a character left out, where it is still one."""
    seen = {text}
    for other in (*_changed(text), *_shortened(text)):
        if other not in seen and _compiles(other):
            seen.add(other)
            yield other


def _changed(text: str) -> Iterator[str]:
    for place, character in enumerate(text):
        before, after = text[:place], text[place + 1 :]
        if character in _WIDER and not before.endswith(("\\", "(", "[")):
            yield before + _WIDER[character] + after
        if character.isascii() and character.isdigit():
            yield from (
                before + str(digit) + after for digit in (int(character) - 1, int(character) + 1) if 0 <= digit <= 9
            )
        if character in "AaZz" and "-" in (before[-1:], after[:1]):
            yield before + chr(ord(character) + (1 if character in "Aa" else -1)) + after


def _shortened(text: str) -> Iterator[str]:
    for place in range(len(text)):
        if text[place - 1 : place + 2] != "{0,":  # no lower bound is the bound 0
            yield text[:place] + text[place + 1 :]


def _compiles(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True
