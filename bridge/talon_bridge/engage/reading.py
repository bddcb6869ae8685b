"""One sync while its source is read: rows judged and staged, and what they counted."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import msgspec

from talon_bridge.engage.computations import Computation
from talon_bridge.engage.judge import Judge
from talon_bridge.engage.rows import Row
from talon_bridge.engage.store.protocol import Store
from talon_bridge.engage.syncs import Comparison, Counts, Sync


class Reading:
    """Rows of `sync` on their way into the store, a portion being staged while the next one is read."""

    def __init__(self, store: Store, computation: Computation, sync: Sync) -> None:
        self.computation = computation
        self._store = store
        self._begun = sync
        self._judge = Judge(computation)
        self.counts = Counts()

    @property
    def sync(self) -> Sync:
        """The sync with what is counted so far."""
        return msgspec.structs.replace(self._begun, counts=self.counts)

    async def take(self, rows: AsyncIterator[Sequence[Row]]) -> None:
        """Judge and stage every row; raises what the source raises."""
        staging: asyncio.Task[None] | None = None
        try:
            async for portion in rows:
                judged = self._judge.judge(portion)
                self.counts = msgspec.structs.replace(
                    self.counts,
                    read=self.counts.read + len(portion),
                    refused=self.counts.refused + len(judged.refused),
                    anonymous=self.counts.anonymous + judged.anonymous,
                )
                if staging is not None:
                    await staging
                staging = asyncio.create_task(self._store.stage(self._begun, judged.members, judged.refused))
        finally:
            if staging is not None:
                await asyncio.wait([staging])
        if staging is not None:
            staging.result()

    async def compare(self) -> Comparison:
        """Compare what was staged with the members."""
        found = await self._store.compare(self._begun, self.computation.leaving is not None)
        self.counts = msgspec.structs.replace(
            self.counts,
            refused=self.counts.refused + found.conflicting,
            conflicting=found.conflicting,
            duplicates=found.duplicates,
            entered=found.entered,
            left=found.left,
            changed=found.changed,
            unchanged=found.unchanged,
            members_before=found.members_before,
        )
        return found
