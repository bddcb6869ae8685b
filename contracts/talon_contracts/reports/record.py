"""A record of a stream while it comes, from which a report can be made even when the stream breaks off."""

from talon_contracts.reports.events import Begun, Ended, Event, Judged, Planned, Report

NOT_REACHED = "no verdict came before the end"


class Record:
    """The events taken so far."""

    def __init__(self) -> None:
        self.begun: Begun | None = None
        self._judged: list[Judged] = []
        self._ended: Ended | None = None

    def take(self, event: Event) -> None:
        """Remember an event."""
        if isinstance(event, Begun):
            self.begun = event
        elif isinstance(event, Judged):
            self._judged.append(event)
        elif isinstance(event, Ended):
            self._ended = event

    def report(self) -> Report:
        """What was judged; raises ValueError when the stream had no beginning or no end."""
        if self._ended is None:
            raise ValueError("a stream of events ends with Ended")
        return self._report(self._missing(), self._ended, NOT_REACHED)

    def broken_off(self, seconds: float, why: str) -> Report:
        """What was judged before the stream broke off for that reason; raises ValueError when it had not begun.

        One that broke off behind its last verdict has still not come to its end: that is no pass either.
        """
        tool = "" if self.begun is None else self.begun.tool
        return self._report(self._missing() or [Planned(tool, tool, "")], Ended(seconds, (why,)), why)

    def _missing(self) -> list[Planned]:
        judged = {verdict.check for verdict in self._judged}
        return [] if self.begun is None else [plan for plan in self.begun.planned if plan.check not in judged]

    def _report(self, missing: list[Planned], ended: Ended, why: str) -> Report:
        """A check without a verdict is one that could not be judged, never one that is kept."""
        if self.begun is None:
            raise ValueError("a stream of events begins with Begun")
        left = (Judged(plan.check, plan.rule, "unjudged", reason=why) for plan in missing)
        return Report(self.begun, (*self._judged, *left), ended)
