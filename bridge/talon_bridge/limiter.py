"""How fast a destination may be asked: a token bucket and a gate that a Retry-After can close."""

import asyncio
from collections.abc import Callable

_ROUNDING = 1e-6  # of a token: the wait for one, rounded down, must not end in a wait too short for the clock to show


class Limiter:
    """`rate` requests a second (0: no limit), with bursts of one second's worth. `clock` gives monotonic seconds."""

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._tokens = max(rate, 1.0)
        self._filled_at = clock()
        self._opens_at = 0.0

    async def wait(self) -> None:
        """Return when the next request may go out."""
        while True:
            delay = self._take()
            if delay <= 0:
                return
            await asyncio.sleep(delay)

    def close_for(self, seconds: float) -> None:
        """Let nothing out for this long; a longer closure that is already under way stands."""
        self._opens_at = max(self._opens_at, self._clock() + seconds)

    @property
    def closed_for(self) -> float:
        """Seconds until the gate opens; 0 when it is open."""
        return max(0.0, self._opens_at - self._clock())

    def _take(self) -> float:
        """Take a token and return 0, or return the seconds after which to ask again."""
        if (closed := self.closed_for) > 0:
            return closed
        if self._rate <= 0:
            return 0.0
        now = self._clock()
        self._tokens = min(max(self._rate, 1.0), self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._tokens >= 1 - _ROUNDING:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._rate
