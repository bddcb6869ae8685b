"""Counts of what the bridge did since it was started."""

from collections import Counter


class Tally:
    """Counters that only go up; every process counts for itself.

    `requests` to Talon.One by (`single`, `merged` or `bulk`; the status as text, or `none` where no answer came),
    `accepted` events and `duplicates` (DEL-3) by door (`tracking`, `destination`, `webhook`, `engage`), `settled`
    events by state.
    """

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str]] = Counter()
        self.accepted: Counter[str] = Counter()
        self.duplicates: Counter[str] = Counter()
        self.settled: Counter[str] = Counter()

    def take(self, door: str, came: int, stored: int) -> None:
        """Count the events of a call: how many came, and how many of them were stored."""
        self.accepted[door] += stored
        self.duplicates[door] += came - stored
