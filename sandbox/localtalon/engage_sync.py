"""A sync through a running bridge: rows streamed to it, and watched until the identifies are delivered."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from localtalon.bridge_client import BridgeClient, BridgeError
from localtalon.dead_letter_list import found as dead_letters
from localtalon.engage_list import Shown, noun, place
from localtalon.engage_outcome import write_refused
from localtalon.engage_progress import Stage, Stages
from talon_bridge.engage.computations import ValueType
from talon_bridge.engage.rows import Row
from talon_bridge.engage.sources import is_database, open_source
from talon_bridge.engage.sources.columns import CsvOptions
from talon_bridge.engage.sources.files import LINES, PACKED
from talon_bridge.engage.sources.ndjson_rows import encode

UNDER_WAY = ("reading", "sending")
_WHEN_DECIDED = (
    "If the sync was decided, a bridge that keeps its data goes on with it when it starts: `localtalon engage list`"
)
_WHEN_SENT = "The bridge had all identifies; one that keeps its data goes on delivering them when it starts"
_IDLE_WAIT = 1.0  # seconds
_ROUNDING = timedelta(milliseconds=1)  # of the times of the bridge


class Source(msgspec.Struct, frozen=True):
    """Where the rows are, and how they are written."""

    place: str
    query: str | None = None
    options: CsvOptions = CsvOptions()
    tell: Callable[[str], None] = lambda _: None

    def rows(self, key: str, type: ValueType) -> AsyncIterator[Sequence[Row]]:
        """Its rows, for the computation with this key and type. Raises `EngageError`."""
        return open_source(self.place, self.query, key, type=type, options=self.options, now=time.time, tell=self.tell)


def may_be_csv(place: str) -> bool:
    """Whether a source is no database, and not called like lines of JSON."""
    return not is_database(place) and Path(place.lower().removesuffix(PACKED)).suffix not in LINES


def shown(place: str) -> str:
    """What messages call a source; the URL of a database may hold a password."""
    return "a database" if is_database(place) else place


class Undelivered(Exception):
    """A sync was decided, and the server elsewhere does not take its identifies; the message says why."""


class Stopped(Exception):
    """Somebody pressed Ctrl-C; the message says how things stand."""


class Syncing:
    """Syncs of an audience or computed trait. `tell` is for what people should know meanwhile."""

    def __init__(self, client: BridgeClient, one: Shown, stages: Stages, tell: Callable[[str], None]) -> None:
        self._client = client
        self._one = one
        self._stages = stages
        self._tell = tell
        self._dead_before = self._dead()
        self._read_whole = False

    def sync(self, source: Source, **query: Any) -> dict[str, Any]:
        """Send the rows of a source; the sync, once the bridge has all that changes.

        Raises `BridgeError`, `EngageError` where the source cannot be read, `Stopped`.
        """
        self._read_whole = False
        try:
            with contextlib.closing(self._rows(source)) as rows, self._watched():
                made: dict[str, Any] = self._client.upload(f"{place(self._one)}/sync", rows, **query)
                return made
        except KeyboardInterrupt:
            raise Stopped(self._standing()) from None
        except BridgeError as error:
            if error.status or not self._read_whole:
                raise
            raise BridgeError(f"{error}. {_WHEN_DECIDED}") from None

    def settle(self, sync: dict[str, Any]) -> int:
        """Wait until all identifies of a sync are settled; how many dead letters came since. Raises `Stopped`."""
        try:
            self._wait(sync["sent"])
        except KeyboardInterrupt:
            raise Stopped(f"the bridge has all {sync['sent']:,} identifies, and goes on delivering them") from None
        except BridgeError as error:
            if error.status:
                raise
            raise BridgeError(f"{error}. {_WHEN_SENT}") from None
        return max(0, self._dead() - self._dead_before)

    def write_refused(self, path: Path) -> Path | None:
        """Write the rows that the newest sync has refused; None where there are none. Raises `NotWritten`."""
        newest = self._newest()
        if newest is None or not newest["counts"]["refused"]:
            return None
        return write_refused(path, self._client.lines(f"{place(self._one)}/syncs/{newest['number']}/refused"))

    def _rows(self, source: Source) -> Generator[bytes]:
        """The rows as the bridge reads them, in a loop of their own."""
        rows = source.rows(self._one["key"], self._one["type"])

        async def portion() -> Sequence[Row] | None:
            return await anext(rows, None)

        with loop() as runner:
            while (read := runner.run(portion())) is not None:
                if read:  # an empty chunk would end the body
                    yield encode(read)
        self._read_whole = True

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        """Show how far the sync is, for as long as the block takes."""
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(self._stages.look_every):
                with contextlib.suppress(BridgeError):
                    running = self._newest()
                    if running is not None and running["state"] in UNDER_WAY:
                        self._stages.at(stage(running))

        watching = threading.Thread(target=watch, daemon=True)
        watching.start()
        try:
            yield
        finally:
            ended.set()
            watching.join()
            self._stages.hide()

    def _newest(self) -> dict[str, Any] | None:
        """The newest sync, with what it has counted so far."""
        syncs = self._client.get(f"{place(self._one)}/syncs", limit=1)["syncs"]
        if not syncs:
            return None
        newest: dict[str, Any] = self._client.get(f"{place(self._one)}/syncs/{syncs[0]['number']}")
        return newest

    def _standing(self) -> str:
        """What a sync that was stopped here has come to."""
        newest = self._newest() if self._read_whole else None
        if newest is None:
            return "stopped while the source was read: nothing was changed"
        if newest["state"] == "reading":
            return f"the bridge has all rows, and goes on; `localtalon engage list` shows the {noun(self._one)}"
        told = f"sync {newest['number']} is {newest['state']}"
        return f"{told}; the bridge goes on by itself" if newest["state"] == "sending" else told

    def _wait(self, sent: int) -> None:
        told: set[str] = set()
        until: datetime | None = None
        while not self._client.is_idle(min(_IDLE_WAIT, self._stages.look_every)):
            status = self._client.get("/_bridge/status")
            if status["oldestReceivedAt"] is None:
                break
            oldest = datetime.fromisoformat(status["oldestReceivedAt"])
            until = until or oldest + timedelta(seconds=status["oldestAgeSeconds"])
            if oldest > until + _ROUNDING:  # events begin to wait one after the other: these came later
                break
            for destination in status["destinations"]:
                if destination["paused"] and destination["reason"] and destination["reason"] not in told:
                    told.add(destination["reason"])
                    self._stages.hide()
                    self._tell(f"deliveries are paused: {destination['reason']}")
            self._stages.at(Stage("identifies delivered", max(0, sent - status["queued"]), sent))
        self._stages.hide()

    def _dead(self) -> int:
        return int(dead_letters(self._client, {}, 1)["total"])


@contextlib.contextmanager
def loop() -> Iterator[asyncio.Runner]:
    """A loop that is closed, unless somebody stops the process: then a thread may wait for standard input for ever."""
    runner = asyncio.Runner()
    try:
        yield runner
    except (KeyboardInterrupt, Stopped):
        raise
    except BaseException:
        runner.close()
        raise
    runner.close()


def stage(sync: dict[str, Any]) -> Stage:
    """How far a sync is."""
    counts = sync["counts"]
    if sync["state"] == "reading":
        refused = f", {counts['refused']:,} refused" if counts["refused"] else ""
        return Stage("rows read", counts["read"], more=refused)
    changes = counts["entered"] + counts["left"] + counts["changed"]
    more = ", ".join(f"{counts[what]:,} {what}" for what in ("entered", "left", "changed") if counts[what])
    return Stage("identifies sent", sync["sent"], changes, f" ({more})")
