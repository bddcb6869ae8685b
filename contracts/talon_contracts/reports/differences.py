"""Two texts side by side: which parts of each are not in the other."""

import re
from collections.abc import Iterable
from typing import Final, TypeAlias

Parts: TypeAlias = tuple[tuple[str, bool], ...]
"""A text in parts, in order; True marks one that differs."""

COMPARED: Final = 300
"""Words beyond which what lies between the first and the last difference is marked as a whole."""

_WORD: Final = re.compile(r"\w+|\s+|.", re.DOTALL)


def marked(expected: str, actual: str) -> tuple[Parts, Parts]:
    """Both texts, with what differs marked."""
    left, right = _WORD.findall(expected), _WORD.findall(actual)
    start = _alike(zip(left, right, strict=False))
    room = min(len(left), len(right)) - start
    end = min(room, _alike(zip(reversed(left), reversed(right), strict=False)))
    middle = (left[start : len(left) - end], right[start : len(right) - end])
    marks = (
        _compared(*middle) if max(map(len, middle)) <= COMPARED else ([True] * len(middle[0]), [True] * len(middle[1]))
    )
    around = [False] * start, [False] * end
    return _joined(left, [*around[0], *marks[0], *around[1]]), _joined(right, [*around[0], *marks[1], *around[1]])


def around_difference(expected: str, actual: str, most: int) -> tuple[str, str]:
    """Both texts cut to the same stretch of so many characters, such that the first difference shows."""
    longest = max(len(expected), len(actual))
    if longest <= most:
        return expected, actual
    first = _alike(zip(expected, actual, strict=False))
    start = min(max(first - most // 3, 0), longest - most)
    return _window(expected, start, most), _window(actual, start, most)


def _window(text: str, start: int, most: int) -> str:
    cut = text[start : start + most]
    cut = "…" + cut[1:] if start else cut
    return cut[:-1] + "…" if start + most < len(text) else cut


def _alike(pairs: Iterable[tuple[str, str]]) -> int:
    number = 0
    for left, right in pairs:
        if left != right:
            break
        number += 1
    return number


def _compared(left: list[str], right: list[str]) -> tuple[list[bool], list[bool]]:
    from difflib import SequenceMatcher

    marks = [True] * len(left), [True] * len(right)
    for at_left, at_right, size in SequenceMatcher(None, left, right, autojunk=False).get_matching_blocks():
        marks[0][at_left : at_left + size] = [False] * size
        marks[1][at_right : at_right + size] = [False] * size
    return marks


def _joined(words: list[str], marks: list[bool]) -> Parts:
    """Words of one kind become one part."""
    parts: list[tuple[str, bool]] = []
    for word, mark in zip(words, marks, strict=True):
        if parts and parts[-1][1] == mark:
            parts[-1] = (parts[-1][0] + word, mark)
        else:
            parts.append((word, mark))
    return tuple(parts)
