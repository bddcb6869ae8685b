"""Settling in PostgreSQL: results are recorded under a fence, and what a late owner may have spoilt is sent again."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from talon_bridge.outbox import postgres_rows as rows
from talon_bridge.outbox.postgres_database import Database
from talon_bridge.outbox.postgres_leases import ShardLeases
from talon_bridge.outbox.protocol import Settlement, State

Recount = Callable[[Any, Mapping[State, int]], Awaitable[None]]


class Outcome(msgspec.Struct, frozen=True):
    """The seqs of what was not recorded, and whether events wait again because of it."""

    unrecorded: frozenset[int]
    repaired: bool


class Settling:
    """Records what became of events; `recount` keeps the counts of the states."""

    def __init__(self, database: Database, leases: ShardLeases, recount: Recount) -> None:
        self._database = database
        self._leases = leases
        self._recount = recount

    async def record(self, settlements: Sequence[Settlement]) -> Outcome:
        """Record in one transaction what may be recorded. Raises `OutboxUnavailable`."""
        if not settlements:
            return Outcome(frozenset(), False)
        return await self._database.write(lambda on: self._record(on, settlements))

    async def _record(self, on: Any, settlements: Sequence[Settlement]) -> Outcome:
        held = await self._held(on, sorted({settlement.shard for settlement in settlements}))
        ours = {settlement.seq: settlement for settlement in settlements if settlement.shard in held}
        late = [settlement for settlement in settlements if settlement.shard not in held]
        found = await self._database.run("settle", *rows.changes(list(ours.values())), on=on) if ours else []
        recorded = {seq for (seq,) in found}
        changed = Counter(ours[seq].state for seq in recorded)
        changed[State.WAITING] -= len(recorded)
        refused = [settlement for seq, settlement in ours.items() if seq not in recorded]
        if refused:
            known, overtaken = await self._standing(on, refused)
            recorded |= known
            late += overtaken
        repaired = await self._repair(on, late)
        changed[State.WAITING] += repaired.total()
        changed.subtract(repaired)
        await self._recount(on, changed)
        return Outcome(frozenset(s.seq for s in settlements) - recorded, bool(repaired))

    async def _held(self, on: Any, shards: Sequence[int]) -> set[int]:
        """Which of these shards are ours until the transaction ends."""
        fences = self._leases.fences
        owned = await self._database.run("owners", shards, self._leases.worker, on=on)
        return {shard for shard, fence in owned if fences.get(shard) == fence}

    async def _standing(self, on: Any, refused: Sequence[Settlement]) -> tuple[set[int], list[Settlement]]:
        """Of what does not wait under its mark: what a transaction recorded whose commit seemed to fail, and what
        another owner settled meanwhile (the lease was lost and had again), so that it was sent twice.
        """
        found = await self._database.run("standing", [settlement.seq for settlement in refused], on=on)
        standing = {seq: (mark, state, settled_at) for seq, mark, state, settled_at in found}
        known: set[int] = set()
        overtaken: list[Settlement] = []
        for settlement in refused:
            mark, state, settled_at = standing.get(settlement.seq, (None, None, None))
            if mark != settlement.mark:
                continue
            if (state, settled_at) == (settlement.state, settlement.at):
                known.add(settlement.seq)
            else:
                overtaken.append(settlement)
        return known, overtaken

    async def _repair(self, on: Any, late: Sequence[Settlement]) -> "Counter[State]":
        """Let the events of a profile wait again from a late one on, which may have landed after newer ones.

        Gives the states that they had.
        """
        sent = [(each.seq, each.not_before) for each in late if each.state is not State.SKIPPED]
        if not sent:
            return Counter()
        return Counter(State(state) for (state,) in await self._database.run("repair", *rows.columns(sent, 2), on=on))
