"""The report section of a failed test: what Talon.One refused, and what became of the events that did not arrive."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from localtalon.bridge import Bridge
from localtalon.deployment import Talon
from localtalon.explanation import LONGEST

MOST = 10  # requests, and events, that are shown
LATEST = 1000  # events that are looked at when a bridge ends: a test that went well should not wait for more


class Told:
    """What the fixtures of one test have to say: asked while they live, and kept when they end."""

    def __init__(self) -> None:
        self._lines: dict[str, Callable[[int | None], Iterable[str]]] = {}

    def talon(self, talon: Talon) -> None:
        """From now on there is a deployment."""
        self._lines["talon"] = lambda latest: _lines(_refused(talon))

    def bridge(self, bridge: Bridge) -> None:
        """From now on there is a bridge."""
        self._lines["bridge"] = lambda latest: _lines(_events(bridge, latest))

    def knows(self, name: str) -> bool:
        """Whether there is one."""
        return name in self._lines

    def keep(self, name: str) -> None:
        """It ends: a fixture that ends after it may fail too."""
        kept = self._lines[name](LATEST)
        self._lines[name] = lambda latest: kept

    def section(self) -> str:
        """All there is to say; empty where all went well."""
        return "\n".join(
            line for name in ("talon", "bridge") if name in self._lines for line in self._lines[name](None)
        )


def _lines(found: Iterator[str]) -> tuple[str, ...]:
    try:
        return tuple(found)
    except Exception as error:  # the failure of the test is what counts
        return (f"(nothing can be shown: {type(error).__name__}: {error})",)


def _refused(talon: Talon) -> Iterator[str]:
    if talon.closed:
        return
    found = talon.journal.kept("bad")
    bad = found.entries
    if found.forgotten:
        yield f"The journal of Talon.One has forgotten its oldest {_counted(found.forgotten, 'exchange')}."
    if bad:
        yield f"Talon.One did not carry out {_counted(len(bad), 'request')}:"
    for each in islice(bad, MOST):
        status = each.status or "no answer"
        yield f"  {each.method} {each.path} -> {status}: {each.message}"[:LONGEST]
    yield from _more(len(bad))


def _events(bridge: Bridge, latest: int | None) -> Iterator[str]:
    if bridge.closed:
        return
    events = bridge.events(latest=latest)
    ill = [each for each in events if not each.well]
    if ill:
        which = "the latest " if len(events) == latest else ""
        yield f"Of {which}{_counted(len(events), 'event')}, {len(ill)} did not arrive whole:"
    for each in islice(ill, MOST):
        yield from (f"  {line}" for line in islice(each.lines(), MOST))
    yield from _more(len(ill))
    others = Counter(each.type for each in events if each.type != "identify")
    if others:
        types = ", ".join(f"{number} {kind}" for kind, number in others.items())
        yield f"Only identify calls go to Talon.One [ID-3]; there were others: {types}"[:LONGEST]
    waiting = sum(each.state == "waiting" for each in events)
    if waiting:
        yield f"{_counted(waiting, 'event')} still waiting: bridge.idle() waits until all have arrived"


def _more(count: int) -> Iterator[str]:
    if count > MOST:
        yield f"  ... and {count - MOST} more"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
