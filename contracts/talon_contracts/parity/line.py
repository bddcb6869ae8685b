"""A line: a connection that asks gently, waits out a 429, and gives answers that are read with care."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from talon_contracts.exact_json import Json
from talon_contracts.targets import CannotJudge, Connection, Reply

_TOO_MANY: Final = 429
_PATIENCE: Final = (1.0, 1.0, 2.0, 4.0, 8.0, 16.0)  # seconds between two tries; no Retry-After is documented
_MOST_SHOWN: Final = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for a request; `asked` names that."""

    asked: str
    status: int
    body: bytes

    @property
    def said(self) -> str:
        """The request, the status and the beginning of the body."""
        shown = self.body[:_MOST_SHOWN].decode("utf-8", "replace").strip()
        return f"{self.asked}: {self.status} {shown}".rstrip()

    def at(self, *steps: str | int) -> Json:
        """The value below these members and indexes; raises CannotJudge where there is none."""
        value: Any = Reply(self.status, self.body).json()
        for step in steps:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                place = "".join(f"/{step}" for step in steps)
                raise CannotJudge(f"there is no {place} in the answer: {self.said}") from None
        found: Json = value
        return found

    def has(self, member: str) -> bool:
        """Whether the answer is an object with this member."""
        value = Reply(self.status, self.body).json()
        return isinstance(value, dict) and member in value

    def expect(self, *statuses: int) -> "Answer":
        """This answer; raises CannotJudge where its status is another one."""
        if self.status not in statuses:
            raise CannotJudge(self.said)
        return self


class Pace:
    """At most so many requests a second, evenly; 0 is as fast as it goes."""

    def __init__(self, rate: float, wait: Callable[[float], None] = time.sleep) -> None:
        self._gap = 1 / rate if rate else 0.0
        self._wait = wait
        self._next = 0.0

    def keep(self) -> None:
        """Wait for the moment of the next request."""
        if not self._gap:
            return
        now = time.monotonic()
        if self._next > now:
            self._wait(self._next - now)
        self._next = max(now, self._next) + self._gap


class Line:
    """One host, asked at a pace; of one thread."""

    def __init__(self, url: str, pace: Pace, timeout: float = 30.0) -> None:
        self.url = url
        self._pace = pace
        self._timeout = timeout
        self._connection = Connection(url, timeout=timeout)

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> Answer:
        """One exchange; raises CannotJudge where nothing comes back, or only 429 for half a minute."""
        for wait in (*_PATIENCE, 0.0):
            self._pace.keep()
            answer = self.send_at_once(method, path, headers, body)
            if answer.status != _TOO_MANY:
                return answer
            time.sleep(wait)
        raise CannotJudge(f"still refused after {sum(_PATIENCE):g} s: {answer.said}")

    def send_at_once(self, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> Answer:
        """One exchange without regard to limits."""
        reply = self._connection.request(method, path, headers, body)
        return Answer(f"{method} {path}", reply.status, reply.body)

    def another(self, timeout: float | None = None) -> Connection:
        """A connection of its own to the same host."""
        return Connection(self.url, timeout=self._timeout if timeout is None else timeout)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
