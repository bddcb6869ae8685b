"""The door that Engage's identifies go through: this bridge's own, or another's over HTTP."""

from collections.abc import Awaitable, Callable, Sequence

Door = Callable[[Sequence[bytes]], Awaitable[None]]
"""Takes the JSON texts of identifies, in order, all or none; returns once they are safe behind it.

Raises `DoorUnavailable` where it may take them later, `DoorRefused` where it never will.
"""


class DoorUnavailable(Exception):
    """The door cannot take anything now; after `seconds` it may."""

    def __init__(self, message: str, seconds: float = 1.0) -> None:
        super().__init__(message)
        self.seconds = seconds


class DoorRefused(Exception):
    """The door does not take these identifies, today or tomorrow; the message says why and what to do."""
