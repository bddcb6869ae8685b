"""Talon.One's limits: how often a client may ask, and how many requests may wait for one profile (LIM-1)."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

import msgspec

from talon_emulator.exchange import Answer

Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]

_SECOND: Final = timedelta(seconds=1)


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The numbers, 0 for no limit; as they are, they are Talon.One's own (documented).

    `segment`: requests a second of one client on the third-party host, all its endpoints together (for paths other than
    Segment's, assumed). `management`: requests a second at each endpoint. `profile`: requests in flight for one
    profile, of which one runs and the others wait.
    """

    segment: Count = 60
    management: Count = 3
    profile: Count = 3


Choice = Literal["real", "off"] | Limits

OFF: Final = Limits(0, 0, 0)
_BY_NAME: Final = {"real": Limits(), "off": OFF}


def chosen(choice: Choice) -> Limits:
    """Return the numbers that a setting stands for."""
    return choice if isinstance(choice, Limits) else _BY_NAME[choice]


class Window:
    """At most so many a second of each kind (assumption: window-of-a-limit); what is refused does not count.

    The kinds are few: none is forgotten.
    """

    def __init__(self, limit: int) -> None:
        """Start with all of it left; 0 admits everything."""
        self._limit = limit
        self._admitted: dict[Hashable, deque[datetime]] = {}

    def admits(self, kind: Hashable, now: datetime) -> bool:
        """Tell whether one more of a kind may pass now, and count it if so."""
        if not self._limit:
            return True
        admitted = self._admitted.setdefault(kind, deque(maxlen=self._limit))
        if admitted and admitted[-1] > now:
            admitted.clear()  # the clock was set back: what was admitted is still to come
        if len(admitted) == self._limit and now - admitted[0] < _SECOND:
            return False
        admitted.append(now)
        return True


class Queues:
    """Requests for one profile, one after the other in the order of their coming."""

    def __init__(self, limit: int) -> None:
        """Let so many be there at a time for one profile; 0 lets all in at once, and none wait."""
        self._limit = limit
        self._queues: dict[Hashable, _Queue] = {}

    async def in_turn(self, profile: Hashable, work: Callable[[], Awaitable[Answer]]) -> Answer | None:
        """Do the work when it is its turn; None, undone, when too many are there already."""
        if not self._limit:
            return await work()
        queue = self._queues.setdefault(profile, _Queue())
        if queue.length >= self._limit:
            return None
        queue.length += 1
        try:
            async with queue.turn:
                return await work()
        finally:
            queue.length -= 1
            if not queue.length:
                self._queues.pop(profile, None)


class _Queue:
    def __init__(self) -> None:
        self.length = 0
        self.turn = asyncio.Lock()


class Limiter:
    """The limits at work at one deployment."""

    def __init__(self, limits: Limits) -> None:
        """Start with nothing used up."""
        self.limits = limits
        self.segment = Window(limits.segment)
        self.management = Window(limits.management)
        self.profiles = Queues(limits.profile)
