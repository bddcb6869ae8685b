"""Every kind of outbox, empty, for the tests that hold for all of them; and the death of a process that has one."""

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from postgres_support import PostgresServer
from talon_bridge.events import Accepted
from talon_bridge.explanation import Notice, TraitExplanation, Verdict
from talon_bridge.outbox import open_outbox
from talon_bridge.outbox.postgres import PostgresOutbox
from talon_bridge.outbox.protocol import START, Attempt, Entry, Outbox, Report, Settlement, State

KINDS = os.environ.get("LOCALTALON_STORES", "memory file postgresql").split()
REPORT = Report((TraitExplanation("/a", "a", 2**70, Verdict.SENT),), Notice("", "why"), (Notice("SRC-1", "w"),))
_SCHEMA = "localtalon_bridge"


@pytest.fixture(scope="session")
def empty_outbox(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """Make an empty outbox of a kind and return what names it."""

    def make(kind: str) -> str | None:
        if kind == "memory":
            return None
        if kind == "file":
            return str(tmp_path_factory.mktemp("bridge") / "data")
        server: PostgresServer = request.getfixturevalue("postgres")
        return server.database()

    return make


@pytest.fixture(params=KINDS)
def data(request: pytest.FixtureRequest, empty_outbox: Callable[[str], str | None]) -> str | None:
    """What names an empty outbox of each kind."""
    return empty_outbox(request.param)


def call(message_id: str, user_id: str | None = "u", received_at: float = 1000.0, body: bytes = b"{}") -> Accepted:
    """An identify as the door accepts it."""
    return Accepted(message_id, "identify", user_id, body, received_at, "2024-01-01T00:00:00.000Z")


def settled(
    entry: Entry,
    state: State,
    attempts: tuple[Attempt, ...] = (),
    not_before: float = 0.0,
    at: float | None = None,
) -> Settlement:
    """A settlement of an entry, at the moment of its arrival unless told otherwise."""
    report = None if state is State.WAITING else REPORT
    moment = entry.event.received_at if at is None else at
    return Settlement(entry.seq, entry.shard, entry.mark, state, attempts, report, moment, not_before)


def ids(entries: Sequence[Entry]) -> list[str]:
    """The messageIds."""
    return [entry.event.message_id for entry in entries]


def with_outbox(data: str | None, use: Callable[[Any], Awaitable[Any]]) -> Any:
    """Use an outbox and close it."""

    async def main() -> Any:
        box = open_outbox(data, hold=0)
        await box.open()
        try:
            return await use(box)
        finally:
            await box.close()

    return asyncio.run(main())


async def waiting(box: Outbox) -> list[Entry]:
    """What waits in the shards that this outbox holds or can have, in the order in which it began to."""
    leases = await box.lease()
    page = await box.feed(dict.fromkeys(leases.held, START), 10_000)
    return page.entries


class Place:
    """Where the outboxes of one history are: the next one finds what the last one left."""

    def __init__(self, named: str | None) -> None:
        """`named` is what names an outbox; whatever a database holds is forgotten, a folder gets new ones in it."""
        self.data = named
        self._root = named
        self._lives = 0
        if self.shared:
            self.execute(f"DROP SCHEMA IF EXISTS {_SCHEMA} CASCADE")
        elif named is not None:
            shutil.rmtree(named, ignore_errors=True)
            self.data = f"{named}/0"

    @property
    def shared(self) -> bool:
        """Whether several processes may have it at once."""
        return self.data is not None and "://" in self.data

    def execute(self, statement: str) -> list[Any]:
        """Run a statement in the database; return its rows."""
        assert self.data is not None
        return PostgresServer(0).execute(self.data, f"SET search_path = {_SCHEMA}", statement)

    def expire(self) -> None:
        """Let all leases run out, as if so much time had passed."""
        self.execute("UPDATE shards SET until = clock_timestamp() - interval '1 s' WHERE until IS NOT NULL")
        self.execute("UPDATE workers SET seen_at = clock_timestamp() - interval '1 day'")

    async def die(self, box: Outbox) -> None:
        """End an outbox as the death of its process would: what it has on disk is all that is left of it."""
        if isinstance(box, PostgresOutbox):
            await die(box)
            return
        assert self.data is not None
        self._lives += 1
        copy = f"{self._root}/{self._lives}"
        shutil.copytree(self.data, copy)
        await box.close()
        self.data = copy


async def die(box: PostgresOutbox) -> None:
    """End an outbox in PostgreSQL as the death of its process would: its connections are gone, its leases stay."""
    tasks = [task for task in (box._appends._task, box._settles._task, box._listener._task) if task is not None]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    box._database._pool.terminate()
