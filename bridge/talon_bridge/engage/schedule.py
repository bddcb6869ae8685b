"""Rhythms of scheduled syncs: every so often, or as Segment documents it for its own audiences."""

import re
from hashlib import blake2b
from typing import Final, Protocol

import msgspec

from talon_bridge.engage.problems import EngageError

REAL_TIME_TO_BATCH: Final = "real-time-to-batch"
SHORTEST: Final = 1  # seconds
LONGEST: Final = 366 * 86_400
_HOUR: Final = 3600.0
_UNITS: Final = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
_FORM: Final = re.compile("".join(rf"(?:(?P<{unit}>\d{{1,9}}){unit})?" for unit in _UNITS), re.ASCII)


class Rhythm(Protocol):
    """When a computation is synced. Times are Unix seconds of the sandbox's clock, `id` is the computation's.

    However many runs were missed, one makes up for them: the next is reckoned from the last one that took place.
    """

    def first(self, begun: float, id: str) -> float:
        """The first run of a computation that has had none, looked after since `begun`."""
        ...

    def after(self, last: float, number: int, id: str) -> float:
        """The run after the one at `last`, which was the sync of this number."""
        ...


class Every(msgspec.Struct, frozen=True):
    """A run every so many seconds, the first one at once."""

    seconds: float

    def first(self, begun: float, id: str) -> float:
        """At once."""
        return begun

    def after(self, last: float, number: int, id: str) -> float:
        """So many seconds later."""
        return last + self.seconds


class RealTimeToBatch(msgspec.Struct, frozen=True):
    """The rhythm in which Segment says that real-time audiences reach destinations which take batches.

    Six hours pass until the first sync, and two to three between later ones (documented in its general note on how
    often audiences sync; uncertain, for other pages of it say every hour, every eight, and twelve to fifteen). Where
    between two and three hours is decided by a hash, so that a test sees the same each time.
    """

    def first(self, begun: float, id: str) -> float:
        """Six hours later."""
        return begun + 6 * _HOUR

    def after(self, last: float, number: int, id: str) -> float:
        """Two to three hours later."""
        digest = blake2b(f"{number} {id}".encode(), digest_size=6).digest()
        return last + (2 + int.from_bytes(digest) / 2**48) * _HOUR


def parse(text: str) -> Rhythm:
    """The rhythm that a text names; raises `EngageError`."""
    if text == REAL_TIME_TO_BATCH:
        return RealTimeToBatch()
    found = _FORM.fullmatch(text)
    counts = found.groupdict("0") if found else {}
    seconds = sum(int(count) * _UNITS[unit] for unit, count in counts.items())
    if not SHORTEST <= seconds <= LONGEST:
        hint = f'give "30s", "15m", "2h", "1d", "1h30m" or the like, from 1s to 366d, or "{REAL_TIME_TO_BATCH}"'
        raise EngageError("bad_definition", f"{text[:80]!r} is no rhythm of syncs", hint)
    return Every(float(seconds))
