"""The table of wrong bridges, wrong Engages and wrong emulators, and of the rules that catch them."""

from engage import wrong_engages_catalogue
from wrong_bridges import wrong_bridges_catalogue
from wrong_bridges.wrong_bridges_catalogue import WrongBridge
from wrong_emulators import wrong_emulators_catalogue


def render() -> str:
    """Return the table in Markdown, in the order of the rules."""
    lines = ["| rule | wrong bridge | its mistake | also seen by |", "|---|---|---|---|"]
    kinds = sorted(wrong_bridges_catalogue.ALL, key=lambda kind: kind.rule)
    lines += [f"| {kind.rule} | {_words(kind)} | {_mistake(kind)} | {_also(kind)} |" for kind in kinds]
    lines += ["", "| check | rule | wrong Engage | its mistake |", "|---|---|---|---|"]
    engages = wrong_engages_catalogue.ALL
    lines += [f"| {kind.check} | {kind.rule} | {_words(kind)} | {_mistake(kind)} |" for kind in engages]
    lines += ["", "| check | wrong emulator | its mistake |", "|---|---|---|"]
    lines += [f"| {kind.check} | {_words(kind)} | {_mistake(kind)} |" for kind in wrong_emulators_catalogue.ALL]
    return "\n".join(lines) + "\n"


def _words(kind: type) -> str:
    """`JoinsWithDots` as `joins with dots`."""
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in kind.__name__)
    return words.strip()


def _mistake(kind: type) -> str:
    return (kind.__doc__ or "").splitlines()[0].rstrip(".").replace("|", "\\|")


def _also(kind: type[WrongBridge]) -> str:
    everything = len(kind.also) > 20
    return "all" if everything else ", ".join(sorted(kind.also - {kind.rule}))
