"""The report section of a failed test: what Talon.One refused, and what became of the events that did not arrive."""

from collections.abc import Iterator
from itertools import islice

from localtalon.bridge import Bridge
from localtalon.deployment import Talon
from localtalon.explanation import LONGEST

MOST = 10  # requests, and events, that are shown


def section(talon: Talon, bridge: Bridge | None) -> str:
    """What there is to say; empty where all went well, or where both are gone already."""
    try:
        return "\n".join((*_refused(talon), *(_events(bridge) if bridge is not None else ())))
    except Exception as error:  # the failure of the test is what counts
        return f"(nothing can be shown: {type(error).__name__}: {error})"


def _refused(talon: Talon) -> Iterator[str]:
    bad = talon.journal.bad()
    if bad:
        yield f"Talon.One did not carry out {_counted(len(bad), 'request')}:"
    for each in islice(bad, MOST):
        status = each.status or "no answer"
        yield f"  {each.method} {each.path} -> {status}: {each.message}"[:LONGEST]
    yield from _more(len(bad))


def _events(bridge: Bridge) -> Iterator[str]:
    if bridge.closed:
        return
    events = bridge.events()
    ill = [each for each in events if not each.well]
    if ill:
        yield f"Of {_counted(len(events), 'event')}, {len(ill)} did not arrive whole:"
    for each in islice(ill, MOST):
        yield from (f"  {line}" for line in islice(each.lines(), MOST))
    yield from _more(len(ill))
    waiting = sum(each.state == "waiting" for each in events)
    if waiting:
        yield f"{_counted(waiting, 'event')} still waiting: bridge.idle() waits until all have arrived"


def _more(count: int) -> Iterator[str]:
    if count > MOST:
        yield f"  ... and {count - MOST} more"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
