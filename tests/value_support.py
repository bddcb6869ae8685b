"""Texts that are nearly right: what one slip makes of a good one."""

from collections.abc import Iterator


def edits(text: str, alphabet: str) -> Iterator[str]:
    """The text itself, and with one character left out, exchanged or put in."""
    yield text
    for place in range(len(text) + 1):
        before, after = text[:place], text[place:]
        yield before + after[1:]
        for character in alphabet:
            yield before + character + after[1:]
            yield before + character + after
