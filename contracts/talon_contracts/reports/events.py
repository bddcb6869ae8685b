"""The events of a judgement: one stream, of `check`, `verify` or `parity`, from which every report is written.

A stream is one `Begun`, then for each check any number of `Tried` and one `Judged`, then one `Ended`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

Status = Literal["kept", "broken", "unproven", "unjudged", "untried"]
"""`unproven`: all went well, but the cases did not show what they must; `unjudged`: a target gave no verdict;
`untried`: what is set up has nothing that the check could be tried on, which is nobody's fault."""

KEPT, BROKEN, COULD_NOT_JUDGE = 0, 1, 2
"""Exit codes."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is wrong: the file as it was named, a JSON pointer into it, its line (0: not known)."""

    file: str
    pointer: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; a `warning` breaks nothing.

    `commands` are lines for a shell that show it again, `expected` and `actual` texts (JSON where they are values).
    """

    rule: str
    message: str
    hint: str = ""
    place: Place | None = None
    commands: tuple[str, ...] = ()
    expected: str = ""
    actual: str = ""
    severity: Literal["error", "warning"] = "error"


@dataclass(frozen=True, slots=True)
class Planned:
    """A check to come: its name, the rule that it speaks for, and what that says."""

    check: str
    rule: str
    statement: str


@dataclass(frozen=True, slots=True)
class Begun:
    """What is judged (label and value, such as `bridge` and its URL), by which checks; `words` name the statuses."""

    tool: str
    subject: tuple[tuple[str, str], ...]
    planned: tuple[Planned, ...]
    version: str
    seed: int | None = None
    words: Mapping[Status, str] = field(default_factory=lambda: WORDS)


@dataclass(frozen=True, slots=True)
class Tried:
    """How far a check is: cases so far, of how many at least."""

    check: str
    cases: int
    wanted: int


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict. `features` counts in how many of the cases each showed; `reason` says why there is no verdict.

    `again` is the command that repeats it, where there is one.
    """

    check: str
    rule: str
    status: Status
    cases: int = 0
    seconds: float = 0.0
    features: Mapping[str, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    seed: int | None = None
    again: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of the stream, after so many seconds; `notes` are what else there is to say (what was left behind)."""

    seconds: float
    notes: tuple[str, ...] = ()


Event: TypeAlias = Begun | Tried | Judged | Ended

WORDS: Final[Mapping[Status, str]] = {
    "kept": "kept",
    "broken": "broken",
    "unproven": "proved nothing",
    "unjudged": "could not judge",
    "untried": "not tried",
}


@dataclass(frozen=True, slots=True)
class Report:
    """A whole stream, without its progress."""

    begun: Begun
    judged: tuple[Judged, ...]
    ended: Ended

    @property
    def exit_code(self) -> int:
        """1 when a rule is broken, else 2 when one has no verdict or nothing was judged, else 0."""
        found = {judged.status for judged in self.judged}
        if "broken" in found:
            return BROKEN
        return KEPT if found - {"untried"} == {"kept"} else COULD_NOT_JUDGE


def collected(events: Iterable[Event]) -> Report:
    """The report of a stream; raises ValueError for one that has no beginning or no end."""
    begun: Begun | None = None
    ended: Ended | None = None
    judged: list[Judged] = []
    for event in events:
        if isinstance(event, Begun):
            begun = event
        elif isinstance(event, Judged):
            judged.append(event)
        elif isinstance(event, Ended):
            ended = event
    if begun is None or ended is None:
        raise ValueError("a stream begins with Begun and ends with Ended")
    return Report(begun, tuple(judged), ended)
