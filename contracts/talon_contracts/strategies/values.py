"""Trait values: plain ones, ones that fit a type, ones that do not, and numbers with many digits."""

import functools
from decimal import Decimal
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from talon_contracts.exact_json import Json

_WORDS: Final = ("Berlin", "a@example.com", "Ada", "gold", "x", "Ünï 🎉", "true", "5", "null")
_TEXTS: Final[tuple[Json, ...]] = (
    "x" * 256,
    "all work and no play " * 40,
    "ö" * 1000,
    "Zoe\u0308",
    "\u212b",
    "\ufb01",
    "\u1112\u1161\u11ab",
    " x ",
    "a  b",
    "line\r\nline\n",
    "\ufeffx",
    "&amp; <b>",
    "ſ İ ı ß",
)
"""Texts that are easily cut, composed, trimmed, unescaped or folded."""
_TIMES: Final = (
    "2024-01-02T03:04:05Z",
    "2024-02-29T23:59:59.066179717Z",
    "2026-01-21T15:04:05+07:00",
    "1999-12-31T00:00:00.5-11:30",
)
_NOT_TIMES: Final[tuple[Json, ...]] = (
    "2024-01-02T03:04:05",
    "2024-01-02",
    "2024-01-02 03:04:05Z",
    "2023-02-29T00:00:00Z",
    "2024-01-01T24:00:00Z",
    "tomorrow",
    "",
)
# The telling ones first: what a bridge that converts types would make right.
_WRONG: Final[dict[str, tuple[Json, ...]]] = {
    "string": (5, True, False, Decimal("1.5"), ["a"], [None]),
    "number": ("5", "0", "-3", "1.5", True, [1]),
    "boolean": ("true", "false", 1, 0, "", [True]),
    "time": (*_NOT_TIMES, 1704164645, True, [None]),
}
_FIXED_NUMBERS: Final[tuple[int | Decimal, ...]] = (
    2**53 + 1,
    -(2**53) - 1,
    2**63,
    2**64 + 1,
    10**30,
    10**30 + 1,
    Decimal("0.1"),
    Decimal("0.30000000000000004"),
    Decimal("1.10"),
    Decimal("-0.000000000000000000000000000001"),
    Decimal("3.14159265358979323846264338327950288"),
    Decimal("12345678901234567890.123456789"),
    Decimal("1E+22"),
    Decimal("6.02214076E+23"),
    Decimal("1E-7"),
)

_plain_strings: SearchStrategy[Json] = st.sampled_from(_WORDS[:6])
_plain_numbers: SearchStrategy[Json] = st.integers(0, 99)
_times: SearchStrategy[Json] = st.sampled_from(_TIMES)
_strings: SearchStrategy[Json] = st.one_of(st.sampled_from((*_WORDS, "")), st.text(max_size=12))
_texts: SearchStrategy[Json] = st.one_of(st.sampled_from(_TEXTS), _strings)


@functools.cache
def numbers() -> SearchStrategy[Json]:
    """Numbers whose digits are easily lost: beyond 2^53, long fractions, exponents; all within the double range."""
    digits = st.integers(-(10**24), 10**24)
    fractions = st.builds(lambda whole, places: Decimal(whole).scaleb(-places), digits, st.integers(1, 30))
    return st.one_of(st.sampled_from(_FIXED_NUMBERS), digits, fractions)


def texts() -> SearchStrategy[Json]:
    """Any text, among them long ones, decomposed ones, and others that a bridge might want to improve."""
    return _texts


def scalars() -> SearchStrategy[Json]:
    """Any string, number, boolean or null."""
    return _scalars


_scalars: SearchStrategy[Json] = st.one_of(
    _strings, st.integers(-5, 5), st.booleans(), st.none(), st.sampled_from(_FIXED_NUMBERS)
)


@functools.cache
def plain(attribute_type: str) -> SearchStrategy[Json]:
    """Values of a type with nothing special about them, so that only the rule in focus is at stake."""
    if attribute_type.startswith("(list "):
        item_type = attribute_type.removeprefix("(list ").removesuffix(")")
        return st.lists(plain(item_type), min_size=1, max_size=3)
    return {"string": _plain_strings, "number": _plain_numbers, "time": _times, "boolean": st.just(True)}[
        attribute_type
    ]


@functools.cache
def fitting(attribute_type: str) -> SearchStrategy[Json]:
    """Any value that an attribute of the type takes (ATT-2)."""
    if attribute_type.startswith("(list "):
        item_type = attribute_type.removeprefix("(list ").removesuffix(")")
        return st.lists(fitting(item_type), max_size=4)
    return {"string": _texts, "number": numbers(), "time": _times, "boolean": st.booleans()}[attribute_type]


@functools.cache
def unfitting(attribute_type: str) -> SearchStrategy[Json]:
    """Values that can be sent and that an attribute of the type refuses (ATT-2); never null, which deletes."""
    if attribute_type in _WRONG:
        return st.sampled_from(_WRONG[attribute_type])
    return st.sampled_from(("a", 5, True, [True], ["a", True], [None], ["a", None]))


ALIKE: Final[tuple[tuple[Json, ...], ...]] = (
    (True, 1),
    (0, False),
    (1, Decimal("1.0")),
    ("1", 1),
    ("", None),
    ([1], [True]),
    ([1], [Decimal("1.0")]),
    ([], None),
)
"""Two values that seem the same, and are not."""
SAMPLES: Final[tuple[Json, ...]] = ("Berlin", 5, True, None, Decimal("0.1"), ["a"])
"""A value of each kind."""


def samples(attribute_type: str) -> tuple[Json, ...]:
    """A few values for an attribute of the type: some that it takes, the telling ones that it does not."""
    item_type = attribute_type.removeprefix("(list ").removesuffix(")")
    fit: dict[str, tuple[Json, ...]] = {
        "string": _WORDS,
        "number": (0, 1, -3, *_FIXED_NUMBERS),
        "boolean": (True, False),
        "time": _TIMES,
    }
    values = fit[item_type]
    if item_type != attribute_type:
        values = ([], *([value] for value in values), [*values[:3]])
    return (*values, *_WRONG.get(attribute_type, ("a", 5, [True])))


@functools.cache
def lists_with_structure() -> SearchStrategy[Json]:
    """Lists that hold at least one object or list, which no attribute can (MAP-5)."""
    structure: SearchStrategy[Json] = st.one_of(
        st.builds(dict), st.builds(list), st.dictionaries(st.sampled_from(("a", "id", "")), _scalars, max_size=2)
    )
    return st.builds(
        lambda before, middle, after: [*before, middle, *after],
        st.lists(_scalars, max_size=2),
        structure,
        st.lists(_scalars, max_size=2),
    )
