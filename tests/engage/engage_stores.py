"""Stores of Engage for tests: what is put into them in short, and how one dies."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from talon_bridge.engage.computations import Computation
from talon_bridge.engage.rows import Member, Refused
from talon_bridge.engage.store import open_store
from talon_bridge.engage.store.postgres import PostgresStore
from talon_bridge.engage.store.protocol import Store
from talon_bridge.engage.syncs import Comparison, Counts, Sync

AUDIENCE = Computation("a", "audience", "Buyers", "buyers")
TRAIT = Computation("t", "computed_trait", "Spent", "spent", type="number", nullify=True)
TRUE = b"true"


@asynccontextmanager
async def opened(data: str | None) -> AsyncIterator[Store]:
    """A store that knows both computations, open as long as the block runs."""
    store = open_store(data)
    await store.open()
    try:
        await store.define(AUDIENCE)
        await store.define(TRAIT)
        yield store
    finally:
        await store.close()


def using(data: str | None, use: Callable[[Any], Awaitable[Any]]) -> Any:
    """Use a store and close it."""

    async def main() -> Any:
        async with opened(data) as store:
            return await use(store)

    return asyncio.run(main())


def users(*ids: str) -> list[Member]:
    """Members of an audience, on lines from 1."""
    return [Member(id, TRUE, line, "f.csv") for line, id in enumerate(ids, 1)]


def valued(pairs: Iterable[tuple[str, bytes]]) -> list[Member]:
    """Members of a computed trait, on lines from 1."""
    return [Member(id, value, line, "f.csv") for line, (id, value) in enumerate(pairs, 1)]


async def staged(
    store: Store, computation: str, members: Iterable[Member], refused: Iterable[Refused] = (), leaves: bool = True
) -> tuple[Sync, Comparison]:
    """A sync of these members, compared."""
    sync = await store.begin(computation, "request", 1.0)
    await store.stage(sync, list(members), list(refused))
    return sync, await store.compare(sync, leaves)


async def synced(
    store: Store, computation: str, members: Iterable[Member], leaving: bytes | None = b"false", now: float = 2.0
) -> Sync:
    """A sync of these members, decided."""
    sync, _ = await staged(store, computation, members, leaves=leaving is not None)
    return await store.decide(sync, Counts(), leaving, now)


async def taken(store: Store, computation: str, limit: int = 1000) -> list[tuple[str, bytes]]:
    """Take what is queued, all of it unless told otherwise."""
    changes = await store.queue(computation, limit)
    if changes:
        await store.taken(computation, changes[-1].number, 3.0)
    return [(change.user_id, change.value) for change in changes]


async def present(store: Store, computation: str, page: int = 3) -> dict[str, bytes]:
    """All members, in order, read page by page."""
    found: dict[str, bytes] = {}
    last: str | None = None
    while some := await store.members(computation, last, page):
        assert last is None or some[0].user_id > last, "each page goes on behind the one before"
        found.update({member.user_id: member.value for member in some})
        last = some[-1].user_id
    return found


def applied(members: Mapping[str, bytes], changes: Iterable[tuple[str, bytes]]) -> dict[str, bytes]:
    """What Talon.One holds after these changes."""
    return {**members, **dict(changes)}


class Life:
    """Where the stores of one history are: the next one finds what the one that died has left."""

    def __init__(self, data: str | None) -> None:
        """`data` names an empty place."""
        self.data = data
        self._root = data
        self._lives = 0

    async def die(self, store: Store) -> None:
        """End a store as the death of its process would: what it has on disk is all that is left of it."""
        if isinstance(store, PostgresStore):
            for staging in store._staged.values():
                staging.connection.terminate()
            if store._claims._connection is not None:
                store._claims._connection.terminate()
            store._database._pool.terminate()
            return
        assert self.data is not None
        self._lives += 1
        copy = f"{self._root}-{self._lives}"
        shutil.copytree(self.data, copy)
        await store.close()
        self.data = copy
