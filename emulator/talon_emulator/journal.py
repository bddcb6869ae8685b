"""What came in and what went out: the last exchanges of one deployment."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice, takewhile
from typing import Final, Literal

import msgspec

from talon_emulator.clock import timestamp

BODY_CAP: Final = 4096  # bytes kept of each body; Talon.One cuts its API logs there too (documented)

Kind = Literal["good", "bad"]


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One exchange. `key` is the title of the key, never the key; `seconds` is the time taken.

    `status` is that of what was done, 0 where nothing was; `note` tells when a fault kept it from the client.
    `application` is that of the key, None where it has none.
    """

    sequence: int
    at: datetime
    seconds: float
    method: str
    path: str
    query: str
    operation: str | None
    integration_ids: tuple[str, ...]
    key: str | None
    status: int
    note: str
    request: bytes
    answer: bytes
    request_size: int
    answer_size: int
    application: int | None = None

    @property
    def kind(self) -> Kind:
        """Say whether the request was carried out."""
        return "good" if 0 < self.status < 400 else "bad"


class Filter(msgspec.Struct, frozen=True):
    """Which exchanges to show; None lets everything through. `path` is a part of the path."""

    kind: Kind | None = None
    path: str | None = None
    integration_id: str | None = None
    status: int | None = None
    since: int | datetime | None = None

    def __call__(self, entry: Entry) -> bool:
        """Tell whether an exchange is wanted."""
        since = self.since
        return (
            (self.kind is None or entry.kind == self.kind)
            and (self.path is None or self.path in entry.path)
            and (self.integration_id is None or self.integration_id in entry.integration_ids)
            and (self.status is None or entry.status == self.status)
            and (since is None or (entry.sequence > since if isinstance(since, int) else entry.at >= since))
        )


class Journal:
    """A bounded list of exchanges, the newest last."""

    def __init__(self, size: int) -> None:
        """Keep the last `size` exchanges."""
        self._entries: deque[Entry] = deque(maxlen=size)
        self._next = 1
        self.forgotten = 0  # exchanges that were dropped since it was last emptied
        self._waiting: list[asyncio.Future[None]] = []
        self.ended = False

    @property
    def last(self) -> int:
        """Return the number of the newest exchange there was."""
        return self._next - 1

    def next_sequence(self) -> int:
        """Return the number of the next exchange."""
        number = self._next
        self._next += 1
        return number

    def append(self, entry: Entry) -> None:
        """Add an exchange, dropping the oldest when full."""
        if len(self._entries) == self._entries.maxlen:
            self.forgotten += 1
        self._entries.append(entry)
        if self._waiting:
            self._wake()

    def news(self) -> "asyncio.Future[None]":
        """Return what is done with the next exchange, or with the end of the journal."""
        future = asyncio.get_running_loop().create_future()
        if self.ended:
            future.set_result(None)
        self._waiting = [*(waiting for waiting in self._waiting if not waiting.done()), future]
        return future

    def end(self) -> None:
        """Send away those who wait for news: there will be none."""
        self.ended = True
        self._wake()

    def after(self, sequence: int, wanted: Callable[[Entry], bool]) -> list[Entry]:
        """Return the wanted exchanges that came after a number, the oldest first, as far as they are still kept."""
        newer = takewhile(lambda entry: entry.sequence > sequence, reversed(self._entries))
        return [entry for entry in reversed(list(newer)) if wanted(entry)]

    def clear(self) -> None:
        """Forget every exchange; the numbers go on."""
        self._entries.clear()
        self.forgotten = 0

    def latest(self, wanted: Callable[[Entry], bool], limit: int) -> list[Entry]:
        """Return the newest `limit` wanted exchanges, the newest first."""
        return list(islice(self._matching(wanted), limit))

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def _matching(self, wanted: Callable[[Entry], bool]) -> Iterator[Entry]:
        return (entry for entry in reversed(self._entries) if wanted(entry))


class View(msgspec.Struct, frozen=True, rename="camel"):
    """An exchange as the control API shows it; a body is JSON where it is whole and valid, else text."""

    sequence: int
    deployment: str
    at: str
    milliseconds: float
    kind: Kind
    method: str
    path: str
    query: str
    operation: str | None
    integration_id: str | None
    integration_ids: tuple[str, ...]
    key: str | None
    status: int
    note: str
    request: msgspec.Raw | str | None
    answer: msgspec.Raw | str | None
    request_bytes: int
    answer_bytes: int


def view(entry: Entry, deployment: str) -> View:
    """Return an exchange as the control API shows it."""
    return View(
        sequence=entry.sequence,
        deployment=deployment,
        at=timestamp(entry.at),
        milliseconds=round(entry.seconds * 1000, 3),
        kind=entry.kind,
        method=entry.method,
        path=entry.path,
        query=entry.query,
        operation=entry.operation,
        integration_id=entry.integration_ids[0] if len(entry.integration_ids) == 1 else None,
        integration_ids=entry.integration_ids,
        key=entry.key,
        status=entry.status,
        note=entry.note,
        request=_body(entry.request, entry.request_size),
        answer=_body(entry.answer, entry.answer_size),
        request_bytes=entry.request_size,
        answer_bytes=entry.answer_size,
    )


def _body(kept: bytes, size: int) -> msgspec.Raw | str | None:
    if not size:
        return None
    if len(kept) == size:
        try:
            kept.decode()
            msgspec.json.decode(kept, type=msgspec.Raw)
            return msgspec.Raw(kept)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
    return kept.decode("utf-8", "replace")
