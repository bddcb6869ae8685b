"""The known name that a wrong one was probably meant to be."""


def nearest(name: str, known: tuple[str, ...]) -> str:
    """Return a hint with the known name nearest to this one, or with all of them."""
    from difflib import get_close_matches

    folded = {item.lower(): item for item in known}
    close = get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
    return f"did you mean {folded[close[0]]!r}?" if close else "known are: " + ", ".join(known)
