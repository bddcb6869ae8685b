"""Leases of shards in PostgreSQL: each process holds its fair share, by the server's clock."""

import time
from collections.abc import Sequence
from typing import Any

from talon_bridge.outbox.postgres_database import Database
from talon_bridge.outbox.postgres_rows import SHARDS
from talon_bridge.outbox.protocol import Lease, Leases


class ShardLeases:
    """What one process holds. `worker` is its name among the others, `seconds` how long a lease lasts."""

    def __init__(self, database: Database, worker: str, seconds: float) -> None:
        self.fences: dict[int, int] = {}
        self.left_behind: dict[int, int] = {}  # the highest seq when a shard was taken
        self._database = database
        self.worker = worker
        self._seconds = seconds

    async def renew(self) -> Leases:
        """Renew what is held and take what is free, up to a fair share. Raises `OutboxUnavailable`."""
        until = time.monotonic() + self._seconds  # of a moment before the server's
        held, share, workers = await self._database.write(self._renew)
        self.fences = held
        leases = {shard: Lease(fence, until) for shard, fence in held.items()}
        return Leases(leases, workers, max(0, len(held) - share))

    async def release(self, shards: Sequence[int]) -> None:
        """Let others have these at once. Raises `OutboxUnavailable`."""
        await self._database.run("release", self.worker, list(shards))
        for shard in shards:
            self.fences.pop(shard, None)

    async def end(self) -> None:
        """Let others have everything. Raises `OutboxUnavailable`."""
        await self.release(range(SHARDS))
        await self._database.run("forget_worker", self.worker)

    async def _renew(self, on: Any) -> tuple[dict[int, int], int, int]:
        """The fences of what is held, how many that should be, and how many processes deliver."""
        run, worker, seconds = self._database.run, self.worker, self._seconds
        await run("seen", worker, on=on)
        await run("forget_workers", seconds, on=on)
        workers = [name for (name,) in await run("workers", seconds, on=on)]
        share = _share(workers.index(worker), len(workers))
        held: dict[int, int] = dict(await run("renew", worker, seconds, on=on))
        if len(held) < share:
            held.update(await run("take", worker, seconds, share - len(held), on=on))
        # Also those whose taking was committed and not heard of.
        new = [shard for shard, fence in held.items() if self.fences.get(shard) != fence]
        if new:
            [(highest,)] = await run("highest_seq", on=on)
            self.left_behind.update(dict.fromkeys(new, highest))
        return held, share, len(workers)


def _share(place: int, workers: int) -> int:
    """How many shards the worker at `place` among so many should hold; all shares together are all shards."""
    return SHARDS // workers + (place < SHARDS % workers)
