"""The time as the emulator tells it: the machine's, or one that a test has set."""

from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec


class Clock(Protocol):
    """Something that tells the time."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)


class FrozenClock(msgspec.Struct, frozen=True):
    """A clock that stands still."""

    moment: datetime

    def now(self) -> datetime:
        """Return the moment at which it stands."""
        return self.moment


class ShiftedClock(msgspec.Struct, frozen=True):
    """A clock that goes as another one does, so much ahead of it."""

    base: Clock
    ahead: timedelta

    def now(self) -> datetime:
        """Return the other clock's time, shifted."""
        return self.base.now() + self.ahead


def timestamp(moment: datetime) -> str:
    """Write a moment as RFC 3339 in UTC with microseconds and `Z`, as Talon.One does (observed)."""
    try:
        told = moment.astimezone(UTC)
    except OverflowError:  # the first or the last day there is, in another place
        told = moment.replace(tzinfo=UTC)
    return told.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
