"""The sandbox's clock: the machine's time, or one that a test has set; Engage goes by it, the delivery never."""

import math
from collections.abc import Callable
from typing import Final, Literal

Mode = Literal["real", "shifted", "frozen"]

# From 1970 to 9000: on both sides there is room for whatever is reckoned from the time.
FIRST: Final = 0.0
BEHIND_LAST: Final = 221_845_392_000.0


class ClockError(ValueError):
    """A time to which the clock cannot be set; it was left as it is."""


class SandboxClock:
    """A clock over `base`, which gives Unix seconds. What a restart of the process ends, is what was set."""

    def __init__(self, base: Callable[[], float]) -> None:
        self._base = base
        self._ahead = 0.0
        self._stands_at: float | None = None
        self.mode: Mode = "real"
        self._told: list[Callable[[], None]] = []

    def now(self) -> float:
        """The time in Unix seconds."""
        return self._base() + self._ahead if self._stands_at is None else self._stands_at

    def freeze(self, at: float | None = None) -> None:
        """Stand still, at the present time where none is given. Raises `ClockError`."""
        self._turn("frozen", self.now() if at is None else at)

    def set(self, at: float) -> None:
        """Go on from that time, or stand still there if it stands still. Raises `ClockError`."""
        self._turn("frozen" if self.mode == "frozen" else "shifted", at)

    def advance(self, seconds: float) -> None:
        """Go forward; what stands still goes on standing still. Raises `ClockError`."""
        self.set(self.now() + seconds)

    def real(self) -> None:
        """Back to the time of the machine."""
        self.mode, self._ahead, self._stands_at = "real", 0.0, None
        self._tell()

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` whenever somebody has set the clock, until what is returned is called."""
        self._told.append(changed)
        return lambda: self._told.remove(changed)

    def _turn(self, mode: Mode, at: float) -> None:
        if not (math.isfinite(at) and FIRST <= at < BEHIND_LAST):
            raise ClockError("the time must be between the years 1970 and 9000")
        self.mode = mode
        self._stands_at = at if mode == "frozen" else None
        self._ahead = 0.0 if mode == "frozen" else at - self._base()
        self._tell()

    def _tell(self) -> None:
        for changed in tuple(self._told):
            changed()
