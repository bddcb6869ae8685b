"""Names of audiences: words, digits, punctuation, other scripts, nothing at all, and near-duplicates."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from talon_contracts.oracle import audience_key

_WORDS: Final = (
    "Order",
    "completed",
    "Last",
    "30days",
    "30Days",
    "30",
    "days",
    "2FA",
    "VIP2",
    "Q1/2024",
    "iOS",
    "HTMLReport",
    "camelCaseName",
    "snake_case",
    "Über",
    "Käufer",
    "ſtrong",
    "\u212aids",
    "İstanbul",
    "購入者",
    "покупатели",
    "٣٠",
    "²",
    "🎉",
    "a1b2c3",
)
_BETWEEN: Final = (" ", " ", " ", "-", "_", "__", "  ", "/", "", ".", " & ", "\t", "\u00a0", " (", ") ")


def audience_names() -> SearchStrategy[str]:
    """Any name that someone may give an audience, the empty one included."""
    return st.one_of(_from_words(), _from_words(), st.text(max_size=20))


@st.composite
def _from_words(draw: DrawFn) -> str:
    words = draw(st.lists(st.sampled_from(_WORDS), max_size=5))
    return "".join(word + draw(st.sampled_from(_BETWEEN)) for word in words)


@st.composite
def audience_definitions(draw: DrawFn) -> tuple[str, tuple[str, ...]]:
    """A name to define, and the keys that other audiences have: its own among them, or ones that look like it."""
    name = draw(audience_names())
    key = audience_key(name)
    alike = (key, key.upper(), f"{key}_", key.replace("_", ""), f"{key}s", name)
    others = draw(st.lists(st.sampled_from(alike), max_size=2))
    return name, tuple(others)
