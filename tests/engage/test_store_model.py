"""Whatever is done to a store of Engage, however often its process dies, it holds what a dictionary would (AUD-5)."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random
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

from bridge.outbox_stores import KINDS, Place
from engage.engage_stores import AUDIENCE, TRAIT, Life, present
from engage.store_killed import wanted
from talon_bridge.engage.rows import Member, Refused
from talon_bridge.engage.store import open_store
from talon_bridge.engage.store.protocol import Store, SyncRunning
from talon_bridge.engage.syncs import Change, Comparison, Counts, Live, Sync, SyncState

HISTORIES = {"memory": 20, "file": 8, "postgresql": 5}
STEPS = 30
ROUNDS = 3
# In the order of code points: the last but one comes after the last in UTF-16. The long ones fit in no index entry.
USERS = ("", "\x00", "U", "a b", "u", "u\x00", "v", "é", "😀" * 999, "😀" * 999 + "!", "😀" * 1000, "\uffff")
VALUES = (b"true", b"false", b"1", b"1.0", b'"\xc3\xa9"', b"null")
IDS = ("a", "t")

some_users = st.lists(st.sampled_from(USERS), max_size=5)
some_rows = st.lists(st.tuples(st.sampled_from(USERS), st.sampled_from(VALUES)), max_size=8)


class Kept(msgspec.Struct):
    """What a dictionary holds of a computation."""

    members: dict[str, bytes] = {}
    queue: list[tuple[int, str, bytes, float]] = []
    syncs: list[Sync] = []
    reading: Sync | None = None
    rows: list[Member] = []
    refused: list[Refused] = []
    compared: Comparison | None = None
    last_change: int = 0

    def first(self) -> dict[str, bytes]:
        """The value of each user: of several the first."""
        return {one.user_id: one.value for one in reversed(self.rows)}

    def differences(self, leaving: bytes | None) -> tuple[dict[str, bytes], dict[str, bytes]]:
        """Who comes or has another value, and who leaves."""
        first = self.first()
        coming = {id: first[id] for id in sorted(first) if self.members.get(id) != first[id]}
        going = {} if leaving is None else {id: leaving for id in sorted(self.members) if id not in first}
        return coming, going

    def comparison(self, leaving: bytes | None) -> Comparison:
        """What is staged beside the members."""
        first = self.first()
        coming, going = self.differences(leaving)
        changed = len([id for id in coming if id in self.members])
        again, other = (
            set[tuple[int, int]](),
            set[tuple[int, int]](),
        )  # rows, told apart by their lines if they have any
        seen = set[str]()
        for place, one in enumerate(self.rows):
            row = (one.line, 0 if one.line else place)
            if one.user_id in seen:
                (again if one.value == first[one.user_id] else other).add(row)
            seen.add(one.user_id)
        return Comparison(
            members_before=len(self.members),
            users=len(first),
            entered=len(coming) - changed,
            left=len(going),
            changed=changed,
            unchanged=len(first) - len(coming),
            duplicates=len(again - other),
            conflicting=len(other),
        )

    def over(self) -> None:
        """Nothing is staged any more."""
        self.reading = self.compared = None
        self.rows, self.refused = [], []


class StoreAgainstADictionary(RuleBasedStateMachine):
    """One process after the other on one place."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.now = 1.0
        self.kept = {"a": Kept(), "t": Kept()}
        self.leaving = {"a": b"false", "t": b"null"}

    def emptied(self) -> str | None:
        """What names the place, as if nothing had ever been there."""
        raise NotImplementedError

    @initialize()
    def start(self) -> None:
        self.life = Life(self.emptied())
        self.store = self.opened()
        self.do(self.store.define(TRAIT))
        self.do(self.store.define(AUDIENCE))

    def opened(self) -> Store:
        store = open_store(self.life.data)
        self.do(store.open())
        return store

    def do(self, what: Any) -> Any:
        return self.runner.run(what)

    def running(self, id: str) -> bool:
        return self.kept[id].reading is not None or bool(self.kept[id].syncs and self.last(id).state == "sending")

    def last(self, id: str) -> Sync:
        return self.kept[id].syncs[-1]

    def ends(self, id: str, sync: Sync) -> None:
        self.kept[id].syncs[-1] = sync
        self.kept[id].over()

    @rule(id=st.sampled_from(IDS))
    def begin(self, id: str) -> None:
        if self.running(id):
            with pytest.raises(SyncRunning) as refusal:
                self.do(self.store.begin(id, "request", self.now))
            assert refusal.value.sync == self.last(id)
            return
        sync = self.do(self.store.begin(id, "schedule", self.now))
        assert (sync.computation, sync.state, sync.trigger) == (id, "reading", "schedule")
        assert all(sync.number > other.number for kept in self.kept.values() for other in kept.syncs)
        self.kept[id].syncs.append(sync)
        self.kept[id].reading = sync

    @rule(id=st.sampled_from(IDS), rows=some_rows, leaves=st.booleans(), taken=st.integers(0, 9))
    def sync(self, id: str, rows: list[tuple[str, bytes]], leaves: bool, taken: int) -> None:
        """All of one at once, so that there are many."""
        self.begin(id)
        if self.kept[id].reading is not None and self.kept[id].compared is None:
            self.stage(id, rows, 0)
            self.compare(id, leaves)
            self.decide(id, leaves)
        if taken:
            self.take(id, taken)

    def readers(self, compared: bool) -> list[str]:
        return [id for id, kept in self.kept.items() if kept.reading and (kept.compared is not None) == compared]

    @precondition(lambda self: self.readers(compared=False))
    @rule(which=st.integers(0, 1), rows=some_rows, refused=st.integers(0, 2))
    def stage_more(self, which: int, rows: list[tuple[str, bytes]], refused: int) -> None:
        self.stage((self.readers(False) * 2)[which], rows, refused)

    def stage(self, id: str, rows: list[tuple[str, bytes]], refused: int) -> None:
        kept = self.kept[id]
        assert kept.reading is not None
        unused = [Refused(line, "f\x00", "bad", "é") for line in range(refused)]
        places = range(len(kept.rows), len(kept.rows) + len(rows))
        members = [Member(*row, place // 2 % 5, "f") for place, row in zip(places, rows, strict=True)]
        self.do(self.store.stage(kept.reading, members, unused))
        kept.rows += members
        kept.refused += unused

    @precondition(lambda self: self.readers(compared=False))
    @rule(which=st.integers(0, 1), leaves=st.booleans())
    def compare_one(self, which: int, leaves: bool) -> None:
        self.compare((self.readers(False) * 2)[which], leaves)

    def compare(self, id: str, leaves: bool) -> None:
        kept = self.kept[id]
        assert kept.reading is not None
        expected = kept.comparison(self.leaving[id] if leaves else None)
        kept.compared = self.do(self.store.compare(kept.reading, leaves))
        assert kept.compared == expected

    @precondition(lambda self: self.readers(compared=True))
    @rule(which=st.integers(0, 1), leaves=st.booleans())
    def decide_one(self, which: int, leaves: bool) -> None:
        self.decide((self.readers(True) * 2)[which], leaves)

    def decide(self, id: str, leaves: bool) -> None:
        """With what live changes have made of the members since they were compared, too."""
        kept = self.kept[id]
        assert kept.reading is not None
        leaving = self.leaving[id] if leaves else None
        coming, going = kept.differences(leaving)
        expected = kept.comparison(leaving)
        found = self.do(self.store.decide(kept.reading, Counts(read=7, refused=2), leaving, self.now))
        assert (found.state, found.decided_at) == ("sending" if coming or going else "finished", self.now)
        counts = {name: getattr(expected, name) for name in ("entered", "left", "changed", "unchanged")}
        assert found.counts == Counts(read=7, refused=2, members_before=len(kept.members), **counts)
        unused = [refused for _, refused in self.do(self.store.refused(found.number, 0, 100))]
        assert unused[: len(kept.refused)] == kept.refused
        assert len(unused) == len(kept.refused) + expected.conflicting
        self.queue(id, found.number, [*coming.items(), *going.items()])
        kept.members = {id: value for id, value in {**kept.members, **coming}.items() if id not in going}
        self.ends(id, found)

    @precondition(lambda self: self.readers(True) + self.readers(False))
    @rule(which=st.integers(0, 1), state=st.sampled_from((SyncState.REFUSED, SyncState.FAILED)))
    def end(self, which: int, state: SyncState) -> None:
        ids = self.readers(True) + self.readers(False)
        id = (ids * 2)[which]
        kept = self.kept[id]
        assert kept.reading is not None
        found = self.do(self.store.end(kept.reading, state, Counts(read=3), "why\x00", self.now))
        assert (found.state, found.reason, found.counts, found.ended_at) == (
            state,
            "why\x00",
            Counts(read=3),
            self.now,
        )
        self.ends(id, found)
        assert self.do(self.store.end(found, SyncState.FAILED, Counts(), "again", self.now)) == found

    @rule(id=st.sampled_from(IDS), present=some_rows, gone=some_users)
    def change(self, id: str, present: list[tuple[str, bytes]], gone: list[str]) -> None:
        kept = self.kept[id]
        coming = dict(present)
        going = [user for user in gone if user not in coming]
        entered = [user for user in coming if user not in kept.members]
        changed = [user for user in coming if kept.members.get(user, coming[user]) != coming[user]]
        left = [user for user in dict.fromkeys(going) if user in kept.members]
        found = self.do(self.store.change(id, coming, going, self.leaving[id], self.now))
        unchanged = len(coming) + len(going) - len(entered) - len(changed) - len(left)
        assert found == Live(len(entered), len(left), len(changed), unchanged)
        differing = [(user, value) for user, value in coming.items() if user in entered or user in changed]
        self.queue(id, 0, [*differing, *((user, self.leaving[id]) for user in left)])
        kept.members = {user: value for user, value in {**kept.members, **coming}.items() if user not in left}

    def queue(self, id: str, sync: int, changes: list[tuple[str, bytes]]) -> None:
        self.kept[id].queue += [(sync, user, value, self.now) for user, value in changes]

    @rule(id=st.sampled_from(IDS), limit=st.integers(1, 9))
    def take(self, id: str, limit: int) -> None:
        kept = self.kept[id]
        found: list[Change] = self.do(self.store.queue(id, limit))
        assert [(change.sync, change.user_id, change.value, change.at) for change in found] == kept.queue[:limit]
        numbers = [kept.last_change, *(change.number for change in found)]
        assert all(before < after for before, after in pairwise(numbers))
        if not found:
            return
        self.do(self.store.taken(id, found[-1].number, self.now))
        kept.queue, kept.last_change = kept.queue[limit:], found[-1].number
        sent = len([1 for change in found if change.sync])
        if sent:
            last = self.last(id)
            over = last.sent + sent == last.counts.changes
            state, ended_at = (SyncState.FINISHED, self.now) if over else (last.state, None)
            kept.syncs[-1] = msgspec.structs.replace(last, sent=last.sent + sent, state=state, ended_at=ended_at)

    @rule()
    def forget_what_was_never_there(self) -> None:
        assert self.do(self.store.forget("nothing")) is False

    @rule(id=st.sampled_from(IDS))
    def forget(self, id: str) -> None:
        if self.kept[id].reading is not None:
            with pytest.raises(SyncRunning):
                self.do(self.store.forget(id))
            return
        assert self.do(self.store.forget(id)) is True
        self.do(self.store.define(AUDIENCE if id == "a" else TRAIT))
        self.kept[id] = Kept(last_change=self.kept[id].last_change)

    @precondition(lambda self: self.life.data is not None)
    @rule(dies=st.booleans())
    def start_again(self, dies: bool) -> None:
        token = self.store.token
        self.do(self.life.die(self.store) if dies else self.store.close())
        self.store = self.opened()
        assert self.store.token == token
        for id in self.readers(True) + self.readers(False):
            self.ends(id, msgspec.structs.replace(self.last(id), state=SyncState.INTERRUPTED))

    @invariant()
    def holds_the_members(self) -> None:
        for id, kept in self.kept.items():
            assert list(self.do(present(self.store, id)).items()) == sorted(kept.members.items())
            assert self.do(self.store.count(id)) == len(kept.members)

    @invariant()
    def holds_the_rest(self) -> None:
        queued = {id: len(kept.queue) for id, kept in self.kept.items() if kept.queue}
        assert self.do(self.store.queued()) == queued
        for id, kept in self.kept.items():
            assert self.do(self.store.syncs(id, 100)) == kept.syncs[::-1]
        self.now += 1

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.runner.run(self.store.close())
        self.runner.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_holds_what_a_dictionary_would(kind: str, empty_outbox: Callable[[str], Any]) -> None:
    named = empty_outbox(kind)

    class OnThisPlace(StoreAgainstADictionary):
        def emptied(self) -> str | None:
            return Place(named).data

    OnThisPlace.__name__ = OnThisPlace.__qualname__ = StoreAgainstADictionary.__name__
    run_state_machine_as_test(
        OnThisPlace,
        settings=settings(
            deadline=None,
            max_examples=HISTORIES[kind],
            stateful_step_count=STEPS,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "memory"])
def test_a_process_that_is_killed_has_decided_all_or_nothing(
    kind: str, empty_outbox: Callable[[str], Any], tmp_path: Path
) -> None:
    """Each round another process syncs one set of users after the other, until it is killed somewhere."""
    data, random, decided, door = empty_outbox(kind), Random(5), 0, tmp_path / "door"
    for _ in range(ROUNDS):
        decided = killed(data, decided, door, random.uniform(0.0, 0.1))
        members, states, queue = asyncio.run(left_behind(data))
        assert members in (wanted(decided), wanted(decided + 1))
        decided += members != wanted(decided)
        assert states <= {SyncState.SENDING, SyncState.FINISHED, SyncState.INTERRUPTED}
        lines = [line.split(",") for line in door.read_text().splitlines()]
        sent = {int(number): (user_id, value) for number, user_id, value in lines}
        sent |= {change.number: (change.user_id, change.value.decode()) for change in queue}
        held: set[str] = set()
        for number in sorted(sent):
            user_id, value = sent[number]
            assert (user_id in held) == (value == "false"), "exactly the differences are sent"
            held ^= {user_id}
        assert held == members


def killed(data: str, decided: int, door: Path, seconds: float) -> int:
    """The last sync that a process reported before it was killed, so many seconds after its first."""
    script = Path(__file__).parent / "store_killed.py"
    command = [sys.executable, str(script), data, str(decided + 1), str(door)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [process.stdout.readline()]
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        process.kill()
        told += process.stdout.readlines()
    return int([line for line in told if line.endswith("\n")][-1])


async def left_behind(data: str) -> tuple[set[str], set[SyncState], list[Change]]:
    """The members, the states of all syncs, and what is still queued."""
    store = open_store(data)
    await store.open()
    try:
        states = {sync.state for sync in await store.syncs("a", 1000)}
        return set(await present(store, "a", 1000)), states, await store.queue("a", 10**6)
    finally:
        await store.close()
