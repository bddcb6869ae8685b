"""What the check has found, by rule: the same mistake in ten thousand events is one finding with a count."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from talon_contracts.reports.events import Finding, Judged, Place, Planned, Status

PLACES: Final = 3
"""So many places of one finding are named."""

MOST: Final = 1000
"""So many findings of one rule are told apart; what is different beyond them is counted."""

OF_TRAITS: Final = frozenset({"ID-1", "ID-2", "ID-4", "SRC-1", "MAP-3", "MAP-5", "MAP-7"})
"""Rules of which nothing is proved unless something was held against them."""


_NOTHING: Final = "there was nothing to hold against it: no trait got so far"


@dataclass(slots=True)
class _Group:
    times: int = 0
    finding: Finding | None = None
    others: list[Place] = field(default_factory=list)


@dataclass(slots=True)
class _Page:
    cases: int = 0
    reasons: list[str] = field(default_factory=list)
    groups: dict[Hashable, _Group] = field(default_factory=dict)
    beyond: int = 0


class Ledger:
    """Findings and cases of each planned rule. What is found under a rule that is not planned is a mistake of ours."""

    def __init__(self, planned: Sequence[Planned]) -> None:
        """Open an empty page for each rule."""
        self._planned = tuple(planned)
        self._pages = {plan.rule: _Page() for plan in planned}

    def tried(self, rule: str, cases: int = 1) -> None:
        """Count what a rule was held against."""
        self._pages[rule].cases += cases

    def unjudged(self, rule: str, reason: str) -> None:
        """Note that there is something a rule could not be held against."""
        self._pages[rule].reasons.append(reason)

    def wants(self, rule: str, key: Hashable) -> bool:
        """Count a mistake; whether `add` should be told of it, since so far it is known at few places or none."""
        page = self._pages[rule]
        group = page.groups.get(key)
        if group is None:
            if len(page.groups) >= MOST:
                page.beyond += 1
                return False
            group = page.groups[key] = _Group()
        group.times += 1
        return group.finding is None or len(group.others) < PLACES - 1

    def add(self, key: Hashable, finding: Finding) -> None:
        """Keep the first finding of its kind, and of later ones the place."""
        group = self._pages[finding.rule].groups[key]
        if group.finding is None:
            group.finding = finding
        elif finding.place is not None:
            group.others.append(finding.place)

    def found(self, finding: Finding) -> None:
        """Keep a finding that is the only one of its kind."""
        if self.wants(finding.rule, finding):
            self.add(finding, finding)

    def judged(self) -> Iterator[Judged]:
        """The verdicts, in the order of the plan. What time each took nobody can say: all are judged together."""
        for plan in self._planned:
            page = self._pages[plan.rule]
            findings = tuple(_findings(plan.rule, page))
            yield Judged(
                check=plan.check,
                rule=plan.rule,
                status=_status(plan.rule, findings, page),
                cases=page.cases,
                findings=findings,
                reason=_reason(plan.rule, page),
            )


def _findings(rule: str, page: _Page) -> Iterator[Finding]:
    """The findings of a page: errors first, else in the order in which they were found."""
    groups = [group for group in page.groups.values() if group.finding is not None]
    for severity in ("error", "warning"):
        yield from (_told(group) for group in groups if group.finding and group.finding.severity == severity)
    if page.beyond:
        message = f"{page.beyond} more mistakes are not told apart; mend these first"
        yield Finding(rule, message, severity="error" if _broken(groups) else "warning")


def _told(group: _Group) -> Finding:
    """The finding with how often it is so, and where else; a pointer is repeated only where it is another."""
    assert group.finding is not None
    if group.times == 1:
        return group.finding
    first = group.finding.place
    also = []
    for place in group.others:
        pointer = "" if first is not None and place.pointer == first.pointer else f" {place.pointer}"
        also.append(f"{place.file}:{place.line}{pointer}")
    more = f" ({group.times} times" + (f", also at {', '.join(also)}" if also else "") + ")"
    return replace(group.finding, message=group.finding.message + more)


def _status(rule: str, findings: Sequence[Finding], page: _Page) -> Status:
    if any(finding.severity == "error" for finding in findings):
        return "broken"
    if page.reasons:
        return "unjudged"
    return "unproven" if rule in OF_TRAITS and not page.cases else "kept"


def _broken(groups: Sequence[_Group]) -> bool:
    return any(group.finding is not None and group.finding.severity == "error" for group in groups)


def _reason(rule: str, page: _Page) -> str:
    """Why there is no verdict, or would be none if nothing were broken."""
    told = "; ".join(page.reasons[:PLACES])
    if not told:
        return "" if page.cases or rule not in OF_TRAITS else _NOTHING
    return told if len(page.reasons) <= PLACES else f"{told}; and {len(page.reasons) - PLACES} more"
