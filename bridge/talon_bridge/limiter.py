"""How fast a destination may be asked: a token bucket, and a gate that its answers can close."""

import asyncio
from collections.abc import Callable

_ROUNDING = 1e-6  # of a token: the wait for one, rounded down, must not end in a wait too short for the clock to show


class Limiter:
    """`rate` requests a second (0: no limit), with bursts of one second's worth. `clock` gives monotonic seconds.

    The gate is closed for some time, or, where the destination as a whole failed, until one request has proven that it
    is back: then one goes out at a time.
    """

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._tokens = max(rate, 1.0)
        self._filled_at = clock()
        self._opens_at = 0.0
        self._proving = False
        self._proven = asyncio.Event()
        self.closed_because = ""

    @property
    def rate(self) -> float:
        """Requests a second; 0: no limit."""
        return self._rate

    def share(self, rate: float) -> None:
        """Go on at another rate."""
        self._tokens = min(self._tokens, max(rate, 1.0))
        self._rate = rate

    async def wait(self) -> None:
        """Return when the next request may go out; then say with `well` or `close_for` what came of it."""
        while True:
            if self._proving:
                await self._proven.wait()
                continue
            delay = self._take()
            if delay <= 0:
                break
            await asyncio.sleep(delay)
        if self.closed_because:
            self._proving = True
            self._proven.clear()

    def give_back(self) -> None:
        """No request went out after all."""
        self._tokens += 1
        self._end_proof()

    def well(self) -> None:
        """The destination as a whole works."""
        self.closed_because = ""
        self._end_proof()

    def close_for(self, seconds: float, because: str = "") -> None:
        """Let nothing out for this long; a longer closure that is already under way stands.

        With a reason, only one request at a time goes out afterwards until `well`.
        """
        self._opens_at = max(self._opens_at, self._clock() + seconds)
        self.closed_because = because or self.closed_because
        self._end_proof()

    @property
    def closed_for(self) -> float:
        """Seconds until the gate opens; 0 when it is open."""
        return max(0.0, self._opens_at - self._clock())

    def _end_proof(self) -> None:
        self._proving = False
        self._proven.set()

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
