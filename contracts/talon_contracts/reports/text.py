"""Text from outside, made fit to be shown: no control character of it reaches a terminal, nothing is endless."""


def printable(text: str) -> str:
    """The text on one line: what could move a cursor, start a line or not be written at all is shown as its escape."""
    return text if text.isprintable() else "".join(map(_escaped, text))


def printable_lines(text: str) -> str:
    """The same of a text that may have several lines."""
    return "\n".join(map(printable, text.split("\n")))


def folded(text: str) -> str:
    """A text of several lines, such as indented JSON, on one."""
    return printable(" ".join(line.strip(" ") for line in text.split("\n")).strip(" "))


def shortened(text: str, most: int) -> str:
    """The text, cut to so many characters."""
    return text if len(text) <= most else text[: max(most - 1, 0)] + "…"


def bounded(text: str, most: int) -> str:
    """The text, cut after so many characters with a note of how long it was."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters in all)"


def counted(number: int, noun: str) -> str:
    """A number and what it counts: `1 case`, `2,000 cases`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _escaped(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode()
