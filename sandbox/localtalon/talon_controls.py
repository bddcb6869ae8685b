"""The controls of a test: the clock of a deployment or of a bridge, and a fault that is in effect."""

from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from localtalon.in_process import ControlError, InProcess
from talon_emulator.nearest import nearest

_PARTS = ("weeks", "days", "hours", "minutes", "seconds", "milliseconds", "microseconds")


class Clock:
    """The time of a deployment or bridge, set at `path`. Moments have an offset, or are RFC 3339 text."""

    def __init__(self, app: InProcess, path: str, **query: str) -> None:
        self._app = app
        self._path = path
        self._query = query

    @property
    def now(self) -> datetime:
        """What time it is there."""
        return self._moved("GET", "")

    def freeze(self, at: datetime | str | None = None) -> datetime:
        """Stand still, now or at that moment."""
        return self._moved("POST", "/freeze", {} if at is None else {"at": at})

    def set(self, at: datetime | str) -> datetime:
        """Go on from that moment, or stand still there if it stands still."""
        return self._moved("POST", "/set", {"at": at})

    def advance(self, by: timedelta | float | None = None, **parts: float) -> datetime:
        """Go forward by so many seconds, or by the parts of a timedelta: `advance(days=3, hours=1)`."""
        for name in parts:
            if name not in _PARTS:
                raise TypeError(f"advance takes no {name!r} ({nearest(name, _PARTS)})")
        whole = (by if isinstance(by, timedelta) else timedelta(seconds=by or 0)) + timedelta(**parts)
        if whole < timedelta(0):
            raise ControlError(f"advance goes forward only, and {whole.total_seconds():g} s is back; set() goes there")
        return self._moved("POST", "/advance", {"seconds": whole.total_seconds()})

    def real(self) -> datetime:
        """Back to the time of this machine."""
        return self._moved("POST", "/real")

    def _moved(self, method: str, path: str, document: Any = None) -> datetime:
        told = self._app.control(method, self._path + path, document, **self._query)
        return datetime.fromisoformat(told["now"])


class Fault:
    """A fault in effect, until it is ended; as a context, until the block ends."""

    def __init__(self, emulator: InProcess, deployment: str, number: int) -> None:
        self._emulator = emulator
        self._deployment = deployment
        self._number = number
        self._struck: int | None = None

    @property
    def hits(self) -> int:
        """How often it has struck, until it was ended."""
        if self._struck is not None:
            return self._struck
        listed = self._emulator.control("GET", "/_emulator/faults", deployment=self._deployment)["faults"]
        return next((each["hits"] for each in listed if each["id"] == self._number), 0)

    def end(self) -> None:
        """All is well again; ending an ended one does nothing."""
        if self._struck is None:
            struck = self.hits
            self._emulator.ask("DELETE", f"/_emulator/faults/{self._number}", deployment=self._deployment)
            self._struck = struck

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
