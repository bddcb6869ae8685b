"""Whatever is done to an outbox, however often its process dies, it holds what a list would: R03, on every store."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bridge.outbox_stores import KINDS, Place, call, settled, waiting
from bridge_support import PATIENCE
from talon_bridge.outbox import open_outbox
from talon_bridge.outbox.protocol import DUPLICATE_WINDOW, Attempt, Entry, Outbox, Replay, Retention, Selection, State

HISTORIES = 15
STEPS = 25
ATTEMPT = Attempt(1.0, 503, "busy")
AGE = 10 * 3600.0
USERS = ("u", "v", None)


class Row(msgspec.Struct):
    """An event as the list holds it; `turn` is when it began to wait, `marks` how often that happened."""

    message_id: str
    user_id: str | None
    at: float
    turn: int
    seq: int = 0
    state: State = State.WAITING
    not_before: float = 0.0
    tried: int = 0
    earlier: int = 0
    replay: Replay = Replay.NONE
    duplicates: int = 0
    settled_at: float | None = None
    marks: int = 0


class OutboxAgainstAList(RuleBasedStateMachine):
    """One process after the other on one place."""

    place: Place

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.now = 1_000_000.0
        self.turn = 0
        self.rows: list[Row] = []
        self.known: dict[str, tuple[float, Row]] = {}
        self.fed: dict[int, Entry] = {}
        self.older: list[tuple[Entry, int]] = []

    @initialize()
    def start(self) -> None:
        self.place = self.emptied()
        self.box = self.opened()

    def emptied(self) -> Place:
        """The place, as if nothing had ever been there."""
        raise NotImplementedError

    def opened(self) -> Outbox:
        box = open_outbox(self.place.data, hold=0)
        self.runner.run(box.open())
        return box

    # What the list does

    def wait_again(self, row: Row, how: Replay) -> None:
        row.turn, row.replay, row.marks = self.turn, how, row.marks + 1
        row.state, row.settled_at = State.WAITING, None

    def dead(self, user: str | None, limit: int) -> list[Row]:
        found = [row for row in self.rows if row.state is State.DEAD and user in (None, row.user_id)]
        return sorted(found, key=lambda row: row.seq)[:limit]

    def waiting(self) -> list[Row]:
        return sorted((row for row in self.rows if row.state is State.WAITING), key=lambda row: (row.turn, row.seq))

    def outdated(self) -> list[Entry]:
        """Entries as they once were, of events that began to wait again since, or are gone."""
        marks = {row.seq: row.marks for row in self.rows}
        return [entry for entry, number in self.older if marks.get(entry.seq) != number]

    # What both do

    @rule(ids=st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(USERS)), max_size=5))
    def append(self, ids: list[tuple[str, str | None]]) -> None:
        self.turn += 1
        new = []
        for message_id, user in ids:
            at, first = self.known.get(message_id, (0.0, None))
            if first is not None and at > self.now - DUPLICATE_WINDOW:
                first.duplicates += 1
                continue
            row = Row(message_id, user, self.now, self.turn)
            self.known[message_id] = self.now, row
            new.append(row)
        events = [call(message_id, user, self.now) for message_id, user in ids]
        assert self.runner.run(self.box.append(events)) == len(new)
        newest = self.runner.run(self.box.recent(len(new))) if new else []
        for row, entry in zip(new, reversed(newest), strict=True):
            row.seq = entry.seq
        self.rows += new

    @precondition(lambda self: self.fed)
    @rule(
        places=st.lists(st.integers(0, 50), min_size=1, max_size=4, unique=True),
        states=st.lists(st.sampled_from(State), min_size=4, max_size=4),
        not_before=st.floats(0, 9),
    )
    def settle(self, places: list[int], states: list[State], not_before: float) -> None:
        entries = {place % len(self.fed): list(self.fed.values())[place % len(self.fed)] for place in places}
        settlements = []
        for entry, state in zip(entries.values(), states, strict=False):
            row = self.row(entry)
            row.state, row.tried = state, row.tried + 1
            row.not_before = not_before if state is State.WAITING else 0.0
            row.settled_at = None if state is State.WAITING else self.now
            attempts = (*entry.attempts, ATTEMPT)
            settlements.append(settled(entry, state, attempts, row.not_before, at=self.now))
        assert self.runner.run(self.box.settle(settlements)) == frozenset()

    @precondition(lambda self: self.outdated())
    @rule(place=st.integers(0, 50), state=st.sampled_from(State))
    def settle_under_an_old_mark(self, place: int, state: State) -> None:
        entries = self.outdated()
        entry = entries[place % len(entries)]
        late = settled(entry, state, (ATTEMPT,), at=self.now + 0.5)
        assert self.runner.run(self.box.settle([late])) == {entry.seq}

    @rule(
        user=st.sampled_from(USERS), how=st.sampled_from([Replay.KEPT, Replay.FORCED]), limit=st.sampled_from([1, 2, 9])
    )
    def replay(self, user: str | None, how: Replay, limit: int) -> None:
        self.turn += 1
        chosen = self.dead(user, limit)
        for row in chosen:
            row.earlier, row.not_before = row.tried, 0.0
            self.wait_again(row, how)
        assert self.runner.run(self.box.replay(Selection(user_id=user), how, limit)) == len(chosen)

    @rule(user=st.sampled_from(USERS), limit=st.sampled_from([1, 9]))
    def discard(self, user: str | None, limit: int) -> None:
        chosen = self.dead(user, limit)
        self.rows = [row for row in self.rows if row not in chosen]
        assert self.runner.run(self.box.discard(Selection(user_id=user), limit)) == len(chosen)

    @rule()
    def prune(self) -> None:
        kept_for = [
            row
            for row in self.rows
            if row.state is State.DEAD or (row.state is State.WAITING and row.replay is Replay.KEPT)
        ]
        gone = [
            row
            for row in self.rows
            if row.state in (State.DELIVERED, State.SKIPPED)
            and row.settled_at is not None
            and row.settled_at <= self.now - AGE
            and not (
                row.state is State.DELIVERED
                and row.user_id is not None
                and any(older.user_id == row.user_id and older.seq < row.seq for older in kept_for)
            )
        ]
        self.rows = [row for row in self.rows if row not in gone]
        assert self.runner.run(self.box.prune(self.now, Retention(AGE, 2**40))) == len(gone)

    @rule(hours=st.sampled_from([1, 9, 23, 25]))
    def later(self, hours: int) -> None:
        self.now += hours * 3600

    @precondition(lambda self: self.place.data is not None)
    @rule()
    def stop_and_start(self) -> None:
        self.runner.run(self.box.close())
        self.box = self.opened()

    @precondition(lambda self: self.place.data is not None)
    @rule()
    def die_and_start(self) -> None:
        self.runner.run(self.place.die(self.box))
        if self.place.shared:
            self.place.expire()
        self.box = self.opened()

    @invariant()
    def holds_what_the_list_holds(self) -> None:
        if not hasattr(self, "box"):
            return
        self.remember(self.runner.run(self.found()))
        newest = self.runner.run(self.box.recent(1000))
        assert [entry.seq for entry in newest] == sorted((row.seq for row in self.rows), reverse=True)
        for entry in newest:
            row = self.row(entry)
            assert (entry.event.message_id, entry.state) == (row.message_id, row.state)
            assert (entry.duplicates, len(entry.attempts)) == (row.duplicates, row.tried)
            assert entry.settled_at == row.settled_at
        counts = self.runner.run(self.box.counts())
        assert counts == {state: sum(row.state is state for row in self.rows) for state in State}
        dead = self.runner.run(self.box.dead_letters(Selection(), 0, 1000))
        assert [entry.seq for entry in dead] == [row.seq for row in self.dead(None, 1000)]
        for user in ("u", "v"):
            queued = self.runner.run(self.box.queue(user, 0, 1000))
            expected = [row.seq for row in self.waiting() if row.user_id == user]
            assert [entry.seq for entry in queued] == sorted(expected)

    async def found(self) -> list[Entry]:
        """What waits, once the store can show all of it: a server may be at work for itself meanwhile."""
        expected = [
            (row.seq, row.user_id or f"\0{row.seq}", row.not_before, row.replay, row.earlier) for row in self.waiting()
        ]
        async with asyncio.timeout(PATIENCE):
            while True:
                entries = await waiting(self.box)
                if len(entries) >= len(expected):
                    break
                await asyncio.sleep(0)
        assert [(e.seq, e.key, e.not_before, e.replay, e.earlier) for e in entries] == expected
        return entries

    def remember(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            if entry.seq not in self.fed or self.fed[entry.seq].mark != entry.mark:
                self.older.append((entry, self.row(entry).marks))
        self.fed = {entry.seq: entry for entry in entries}

    def row(self, entry: Entry) -> Row:
        return next(row for row in self.rows if row.seq == entry.seq)

    def teardown(self) -> None:
        if hasattr(self, "box"):
            self.runner.run(self.box.close())
        self.runner.close()


class TwoProcesses(OutboxAgainstAList):
    """Two processes in turn: the lease of the one ends, the other takes over, and late results come in."""

    def __init__(self) -> None:
        super().__init__()
        self.other: Outbox | None = None
        self.in_hand: list[tuple[Entry, int]] = []

    @rule()
    def take_over(self) -> None:
        """The lease of the process at work ends; what it was sending stays in its hands."""
        self.place.expire()
        before = self.box
        self.box = self.opened() if self.other is None else self.other
        self.other = before
        self.in_hand = [(entry, self.row(entry).marks) for entry in self.fed.values()]

    @precondition(lambda self: self.in_hand)
    @rule(place=st.integers(0, 50), state=st.sampled_from(State), not_before=st.floats(0, 9))
    def settle_late(self, place: int, state: State, not_before: float) -> None:
        assert self.other is not None
        entry, _ = self.in_hand.pop(place % len(self.in_hand))
        late = settled(entry, state, (*entry.attempts, ATTEMPT), not_before, at=self.now + 0.5)
        self.turn += 1
        if state is not State.SKIPPED and any(row.seq == entry.seq for row in self.rows):
            self.repair(entry, not_before)
        assert self.runner.run(self.other.settle([late])) == {entry.seq}

    def repair(self, entry: Entry, not_before: float) -> None:
        """What the late one may have overwritten waits again."""
        if entry.event.user_id is None:
            return
        for row in self.rows:
            if row.user_id == entry.event.user_id and row.seq >= entry.seq:
                if row.state is State.DELIVERED:
                    row.earlier = row.tried
                elif row.state is not State.WAITING:
                    continue
                row.not_before = max(row.not_before, not_before)
                self.wait_again(row, Replay.NONE)

    def die_and_start(self) -> None:
        """Left to `take_over`."""

    def teardown(self) -> None:
        if self.other is not None:
            self.runner.run(self.other.close())
        super().teardown()


def check(machine: type[OutboxAgainstAList], named: str | None, histories: int = HISTORIES) -> None:
    class OnThisPlace(machine):  # type: ignore[valid-type, misc]
        def emptied(self) -> Place:
            return Place(named)

    OnThisPlace.__name__ = OnThisPlace.__qualname__ = machine.__name__
    run_state_machine_as_test(
        OnThisPlace,
        settings=settings(
            deadline=None,
            max_examples=histories,
            stateful_step_count=STEPS,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_an_outbox_holds_what_a_list_would(kind: str, empty_outbox: Callable[[str], Any]) -> None:
    check(OutboxAgainstAList, empty_outbox(kind))


def test_two_processes_that_take_over_from_each_other(empty_outbox: Callable[[str], Any]) -> None:
    if "postgresql" not in KINDS:
        pytest.skip("one process only")
    check(TwoProcesses, empty_outbox("postgresql"))
