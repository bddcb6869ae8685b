"""The outbox in PostgreSQL: shared by processes, leased shard by shard, back by itself after the server was away."""

import asyncio
import os
import shlex
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import pytest

from bridge.outbox_stores import Place, call, die, ids, settled, waiting
from bridge_support import PATIENCE, until
from postgres_support import PASSWORD, PostgresServer, postgres_server
from talon_bridge.outbox import open_outbox
from talon_bridge.outbox.postgres import PostgresOutbox
from talon_bridge.outbox.protocol import (
    START,
    Attempt,
    OutboxUnavailable,
    Replay,
    Retention,
    Selection,
    State,
)
from talon_bridge.settings import SettingsError

LEASE = 25.0


@pytest.fixture
def place(postgres: PostgresServer) -> Place:
    """An empty database."""
    return Place(postgres.database())


@asynccontextmanager
async def opened(place: Place, lease: float = LEASE) -> Any:
    box = open_outbox(place.data, lease)
    assert isinstance(box, PostgresOutbox)
    await box.open()
    try:
        yield box
    finally:
        await box.close()


def using(place: Place, use: Callable[..., Awaitable[Any]], number: int = 1) -> Any:
    """Use some outboxes on one database."""

    async def main() -> Any:
        async with AsyncExitStack() as stack:
            return await use(*[await stack.enter_async_context(opened(place)) for _ in range(number)])

    return asyncio.run(main())


async def execute(place: Place, statement: str) -> Any:
    return await asyncio.to_thread(place.execute, statement)


async def listening(place: Place, number: int = 1) -> None:
    """Return once so many outboxes listen."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'"

    async def holds() -> bool:
        [(found,)] = await execute(place, query)
        return bool(found >= number)

    await eventually(holds)


async def eventually(holds: Callable[[], Awaitable[Any]]) -> Any:
    """Ask again and again until something holds."""
    give_up = time.monotonic() + PATIENCE
    while not (found := await holds()):
        assert time.monotonic() < give_up, "waited in vain"
        await asyncio.sleep(0.01)
    return found


async def true_of(value: bool) -> bool:
    return value


async def again(work: Callable[[], Awaitable[Any]]) -> Any:
    """Do something as soon as the outbox can."""

    async def tried() -> Any:
        try:
            return [await work()]
        except OutboxUnavailable:
            return None

    return (await eventually(tried))[0]


# Several processes


def test_a_message_id_counts_once_in_all_processes(place: Place) -> None:
    async def use(*boxes: PostgresOutbox) -> None:
        batch = [call(f"m{number}", f"u{number % 7}") for number in range(50)]
        batches = [batch, batch[::-1], [*batch[25:], *batch[:25]]]
        stored = await asyncio.gather(*(box.append(each) for box in boxes for each in batches))
        assert sum(stored) == 50
        entries = await boxes[0].recent(1000)
        assert sorted(ids(entries)) == sorted(ids([*entries]))
        assert sum(entry.duplicates for entry in entries) == 50 * (len(boxes) * len(batches) - 1)
        assert await boxes[1].counts() == {**dict.fromkeys(State, 0), State.WAITING: 50}

    using(place, use, 3)


def test_what_another_process_stores_is_news(place: Place) -> None:
    async def use(one: PostgresOutbox, two: PostgresOutbox) -> None:
        heard = asyncio.Event()
        one.subscribe(heard.set)
        await listening(place, 2)
        async with asyncio.timeout(PATIENCE):
            for work in (two.append([call("a")]), two.append([call("b", None)])):
                heard.clear()
                assert await work == 1
                await heard.wait()
            entry = next(entry for entry in await waiting(two) if entry.event.user_id)
            await two.settle([settled(entry, State.DEAD)])
            heard.clear()
            assert await two.replay(Selection(), Replay.KEPT, 10) == 1
            await heard.wait()

    using(place, use, 2)


def test_an_open_transaction_holds_back_what_comes_after_and_loses_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("talon_bridge.outbox.postgres.HELD_BACK_LONG", 0.02)

    async def use(box: PostgresOutbox) -> None:
        leases = await box.lease()
        heard = asyncio.Event()
        box.subscribe(heard.set)
        other = await asyncpg.connect(place.data)
        try:
            open_one = other.transaction()
            await open_one.start()
            await other.execute("SELECT pg_current_xact_id()")
            await box.append([call("a")])
            page = await box.feed(dict.fromkeys(leases.held, START), 100)
            assert page.entries == []
            heard.clear()
            async with asyncio.timeout(PATIENCE):
                await heard.wait()  # although nothing was stored
                while "see pg_stat_activity" not in caplog.text:
                    heard.clear()
                    assert (await box.feed(page.cursors, 100)).entries == []
                    await heard.wait()
            await open_one.commit()
        finally:
            await other.close()
        async with asyncio.timeout(PATIENCE):
            while not (page := await box.feed(page.cursors, 100)).entries:
                heard.clear()
                await heard.wait()
        assert ids(page.entries) == ["a"]

    using(place, use)


def test_shards_are_shared_fairly(place: Place) -> None:
    async def use(*boxes: PostgresOutbox) -> None:
        async def settle_down(members: tuple[PostgresOutbox, ...]) -> list[int]:
            for _ in range(3):
                for box in members:
                    leases = await box.lease()
                    await box.release(sorted(leases.held)[: leases.surplus])
            held = [await box.lease() for box in members]
            shards = [shard for leases in held for shard in leases.held]
            assert sorted(shards) == list(range(64)), "each shard has one owner"
            assert {leases.workers for leases in held} == {len(members)}
            return sorted(len(leases.held) for leases in held)

        assert await settle_down(boxes[:1]) == [64]
        assert await settle_down(boxes[:2]) == [32, 32]
        assert await settle_down(boxes) == [21, 21, 22]
        await boxes[0].close()
        assert await settle_down(boxes[1:]) == [32, 32]

    using(place, use, 3)


def test_the_shards_of_a_dead_process_are_taken_over_when_its_lease_ends(place: Place) -> None:
    async def main() -> None:
        dead = open_outbox(place.data, LEASE)
        assert isinstance(dead, PostgresOutbox)
        await dead.open()
        await dead.append([call("a")])
        before = await dead.lease()
        await die(dead)
        async with opened(place) as heir:
            assert (await heir.lease()).held == {}
            await asyncio.to_thread(place.expire)
            after = await heir.lease()
            assert {shard: lease.fence for shard, lease in after.held.items()} == {
                shard: lease.fence + 1 for shard, lease in before.held.items()
            }
            assert ids(await waiting(heir)) == ["a"]

    asyncio.run(main())


def test_a_lease_ends_here_before_it_ends_at_the_server(place: Place) -> None:
    async def use(box: PostgresOutbox) -> None:
        before = time.monotonic()
        leases = await box.lease()
        after = time.monotonic()
        assert {lease.until for lease in leases.held.values()} == {next(iter(leases.held.values())).until}
        assert all(before + LEASE <= lease.until <= after + LEASE for lease in leases.held.values())
        [(left,)] = await execute(place, "SELECT extract(epoch FROM min(until) - now())::float8 FROM shards")
        assert leases.held[0].until - time.monotonic() <= left

    using(place, use)


def test_a_late_result_is_refused_and_what_it_may_have_spoilt_is_sent_again(place: Place) -> None:
    async def use(late: PostgresOutbox, heir: PostgresOutbox) -> None:
        await late.append([call("a"), call("b"), call("c"), call("x", "other"), call("s", None)])
        mine = {entry.event.message_id: entry for entry in await waiting(late)}
        await asyncio.to_thread(place.expire)
        theirs = {entry.event.message_id: entry for entry in await waiting(heir)}
        tried = (Attempt(5.0, 200),)
        sent = [settled(theirs[name], State.DELIVERED, tried) for name in ("a", "b", "x")]
        assert await heir.settle(sent) == frozenset()
        attempt = [settled(mine["a"], State.DELIVERED, tried, at=7.0), settled(mine["s"], State.SKIPPED, at=7.0)]
        assert await late.settle(attempt) == {mine["a"].seq, mine["s"].seq}
        again = await waiting(heir)
        assert sorted(ids(again)) == ["a", "b", "c", "s"], "its profile's events from that one on, and no others"
        assert ids(await heir.queue("u", 0, 10)) == ["a", "b", "c"]
        [one, two, _] = await heir.queue("u", 0, 10)
        assert (one.earlier, one.attempts, one.report, one.settled_at) == (1, tried, None, None)
        assert one.mark == two.mark != theirs["a"].mark
        assert await heir.settle([settled(theirs["c"], State.DELIVERED)]) == {theirs["c"].seq}, "an old mark"
        assert await heir.counts() == {**dict.fromkeys(State, 0), State.WAITING: 4, State.DELIVERED: 1}

    using(place, use, 2)


def test_a_late_retry_keeps_its_profile_waiting_as_long(place: Place) -> None:
    async def use(late: PostgresOutbox, heir: PostgresOutbox) -> None:
        await late.append([call("a"), call("b")])
        [one, _] = await waiting(late)
        await asyncio.to_thread(place.expire)
        [ours, _] = await waiting(heir)
        await heir.settle([settled(ours, State.WAITING, not_before=50.0)])
        await late.settle([settled(one, State.WAITING, not_before=99.0)])
        assert [entry.not_before for entry in await waiting(heir)] == [99.0, 99.0]

    using(place, use, 2)


def test_an_event_that_two_owners_sent_is_sent_again_even_when_the_first_owns_it_anew(place: Place) -> None:
    async def use(late: PostgresOutbox, between: PostgresOutbox) -> None:
        await late.append([call("a"), call("b")])
        [one, _] = await waiting(late)
        await asyncio.to_thread(place.expire)
        await between.settle([settled(entry, State.DELIVERED) for entry in await waiting(between)])
        await asyncio.to_thread(place.expire)
        assert await waiting(late) == []
        assert await late.settle([settled(one, State.DELIVERED, at=7.0)]) == {one.seq}
        assert ids(await waiting(late)) == ["a", "b"]

    using(place, use, 2)


def test_a_result_counts_once_when_it_is_written_twice(place: Place) -> None:
    async def use(box: PostgresOutbox) -> None:
        await box.append([call("a")])
        [only] = await waiting(box)
        for _ in range(2):  # the answer to the first commit was lost
            assert await box.settle([settled(only, State.DELIVERED)]) == frozenset()
        assert (await box.counts())[State.DELIVERED] == 1
        assert await waiting(box) == []

    using(place, use)


# Many callers


def test_many_callers_share_a_commit(place: Place) -> None:
    async def use(box: PostgresOutbox) -> None:
        await box.append([call("first")])
        commits = "SELECT count(DISTINCT mark) FROM events"
        assert await asyncio.gather(*(box.append([call(f"m{n}")]) for n in range(200))) == [1] * 200
        [(number,)] = await execute(place, commits)
        assert number <= 4
        entries = await waiting(box)
        assert ids(entries) == ["first", *(f"m{n}" for n in range(200))]
        answers = await asyncio.gather(*(box.settle([settled(entry, State.DELIVERED)]) for entry in entries))
        assert set(answers) == {frozenset()}

    using(place, use)


def test_one_callers_values_do_not_harm_the_others(place: Place) -> None:
    async def use(box: PostgresOutbox) -> None:
        endless = call("x" * 100_000 + uuid.uuid4().hex)
        noise = "".join(uuid.uuid4().hex for _ in range(500))  # too long for an entry of an index, however packed
        answers = await asyncio.gather(
            box.append([call("a"), call("b")]),
            box.append([call(noise)]),
            box.append([call("b"), call("c")]),
            box.append([endless]),
            return_exceptions=True,
        )
        assert answers[0] == 2
        assert isinstance(answers[1], asyncpg.PostgresError)
        assert answers[2] == 1
        with pytest.raises(UnicodeEncodeError):
            await box.append([call("\ud800")])
        assert await box.append([call("d")]) == 1

    using(place, use)


def test_any_text_and_the_longest_event_survive(place: Place) -> None:
    async def use(box: PostgresOutbox) -> None:
        body = b"\x00\xff" * 16 * 1024
        users = ["a\0b", "😀" * 1000, "".join(uuid.uuid4().hex for _ in range(1000)), "\0" + "7"]
        events = [call(f"m\0{n}", user, body=body) for n, user in enumerate(users)]
        assert await box.append(events) == len(users)
        entries = await waiting(box)
        assert [entry.event for entry in entries] == events
        for user, event in zip(users, events, strict=True):
            assert [entry.event for entry in await box.queue(user, 0, 10)] == [event]
            assert [entry.event for entry in await box.recent(10, None, user)] == [event]
            found = await box.find(event.message_id)
            assert found is not None
            assert found.event == event

    using(place, use)


def test_a_page_is_in_order_within_each_shard_whatever_its_limit(place: Place) -> None:
    async def use(box: PostgresOutbox) -> None:
        for part in range(4):
            await box.append([call(f"{part}-{n}", f"u{n % 40}" if n % 3 else "hot") for n in range(500)])
        leases = await box.lease()
        cursors: Any = dict.fromkeys(leases.held, START)
        seen: list[int] = []
        by_shard: dict[int, list[int]] = {}
        while (page := await box.feed(cursors, 130)).entries:
            assert len(page.entries) <= 130
            cursors = {**cursors, **page.cursors}
            for entry in page.entries:
                seen.append(entry.seq)
                by_shard.setdefault(entry.shard, []).append(entry.seq)
        assert len(seen) == len(set(seen)) == 2000
        assert all(each == sorted(each) for each in by_shard.values())

    using(place, use)


def test_everything_at_once_neither_locks_up_nor_miscounts(place: Place) -> None:
    users = [f"u{number}" for number in range(12)]

    async def use(*boxes: PostgresOutbox) -> None:
        random = Random(7)
        names = [f"m{number}" for number in range(1500)]

        async def send(box: PostgresOutbox) -> int:
            stored = 0
            for _ in range(60):
                chosen = random.choices(names, k=50)
                stored += await box.append([call(name, users[int(name[1:]) % 12]) for name in chosen])
            return stored

        async def deliver(box: PostgresOutbox) -> None:
            while not done.is_set():
                entries = await waiting(box)
                random.shuffle(entries)
                states = random.choices([State.DELIVERED, State.DEAD, State.WAITING, State.SKIPPED], k=len(entries))
                changes = [settled(entry, state) for entry, state in zip(entries, states, strict=True)]
                await asyncio.gather(*(box.settle(changes[at : at + 40]) for at in range(0, len(changes), 40)))

        async def disturb(box: PostgresOutbox) -> None:
            while not done.is_set():
                await box.replay(Selection(user_id=random.choice(users)), Replay.KEPT, 20)
                await box.release(random.sample(range(64), 5))
                await box.prune(2000.0, Retention(5000.0, 100_000))

        done = asyncio.Event()
        working = [asyncio.create_task(work(box)) for box in boxes for work in (deliver, disturb)]
        stored = await asyncio.gather(*(send(box) for box in boxes for _ in range(2)))
        done.set()
        await asyncio.gather(*working)
        assert sum(stored) == len({row[0] for row in await execute(place, "SELECT message_id FROM message_ids")})
        rows = await execute(place, "SELECT state, count(*) FROM events GROUP BY state")
        assert {state: number for state, number in (await boxes[0].counts()).items() if number} == dict(rows)

    using(place, use, 3)


# What stays


def test_settled_events_go_by_size_and_no_more_than_needed(place: Place) -> None:
    async def use(box: PostgresOutbox) -> None:
        body = uuid.uuid4().hex.encode() * 30
        await box.append([call(f"m{n}", f"u{n}", body=body) for n in range(4000)])
        await box.settle([settled(entry, State.DELIVERED, at=float(entry.seq)) for entry in await waiting(box)])
        half = 2000 * len(body) * 1.5
        gone = 0
        for _ in range(10):  # the table keeps its size on disk, which must not empty it
            gone += await box.prune(0.0, Retention(1e9, int(half)))
        left = await box.recent(10_000)
        assert 1000 < len(left) < 3900
        assert gone == 4000 - len(left)
        assert min(entry.seq for entry in left) > 4000 - len(left), "the oldest went first"

    using(place, use)


def test_a_dead_letter_is_found_when_its_message_id_is_forgotten(place: Place) -> None:
    async def use(box: PostgresOutbox) -> None:
        await box.append([call("a")])
        await box.settle([settled(entry, State.DEAD) for entry in await waiting(box)])
        await box.prune(1000.0 + 2 * 86400, Retention(1.0, 0))
        found = await box.find("a")
        assert found is not None
        assert found.state is State.DEAD

    using(place, use)


def test_a_restored_dump_is_delivered_in_its_order(place: Place) -> None:
    async def fill(box: PostgresOutbox) -> None:
        await box.append([call("a"), call("b")])
        await box.append([call("c")])
        await execute(place, "UPDATE events SET mark = mark + 2000000000 WHERE message_id = 'b'")

    async def use(box: PostgresOutbox) -> None:
        await box.append([call("d")])
        assert ids(await waiting(box)) == ["a", "b", "c", "d"]

    using(place, fill)
    using(place, use)


# The server


KILL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'localtalon bridge'"


def test_killed_connections_cost_no_event_and_come_back(place: Place) -> None:
    async def use(box: PostgresOutbox) -> None:
        told = 0
        stored: set[str] = set()
        for turn in range(5):
            names = [f"{turn}-{n}" for n in range(40)]
            appends = [asyncio.create_task(box.append([call(name)])) for name in names]
            killing = asyncio.create_task(execute(place, KILL))
            for name, answer in zip(names, await asyncio.gather(*appends, return_exceptions=True), strict=True):
                if isinstance(answer, OutboxUnavailable):
                    told += 1
                    assert PASSWORD not in str(answer)
                else:
                    assert answer == 1
                    stored.add(name)
            await killing
            await asyncio.gather(*(again(partial(box.append, [call(name)])) for name in names if name not in stored))
        entries = await again(partial(waiting, box))
        assert sorted(ids(entries)) == sorted(f"{turn}-{n}" for turn in range(5) for n in range(40))
        results = [settled(entry, State.DELIVERED) for entry in entries]
        settling = asyncio.create_task(again(partial(box.settle, results)))
        await execute(place, KILL)
        assert await settling == frozenset()
        assert (await again(box.counts))[State.DELIVERED] == 200
        sys.stdout.write(f"R21: {len(entries)} accepted over 6 kills, {told} refused meanwhile, lost 0\n")

    using(place, use)


class Restartable:
    """A server of the test's own that can be killed and started again."""

    def __init__(self, server: PostgresServer) -> None:
        """Take over what the server was started with."""
        self.url = server.url("postgres")
        [(folder,)] = server.execute("postgres", "SHOW data_directory")
        self._folder = Path(folder)
        self._command = shlex.split((self._folder / "postmaster.opts").read_text())
        self._started: subprocess.Popen[bytes] | None = None

    def crash(self) -> None:
        """Kill it; it recovers at the next start."""
        pid = int((self._folder / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGQUIT)
        if self._started is not None:
            self._started.wait(PATIENCE)
        until(lambda: not (self._folder / "postmaster.pid").exists())

    def start(self) -> None:
        """Start it again."""
        owner = self._folder.stat()
        who: dict[str, Any] = {}
        if os.geteuid() == 0:
            who = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": ()}
        quiet = subprocess.DEVNULL
        self._started = subprocess.Popen(self._command, stdout=quiet, stderr=quiet, cwd=self._folder, **who)


def test_a_server_that_dies_and_comes_back_has_everything_that_was_accepted() -> None:
    async def use(box: PostgresOutbox) -> None:
        stored = refused = 0
        enough = asyncio.Event()

        async def append_on() -> None:
            nonlocal stored, refused
            while not enough.is_set():
                try:
                    await box.append([call(f"m{stored}")])  # 0 of it when the answer to the commit was lost
                    stored += 1
                except OutboxUnavailable:
                    refused += 1
                    await asyncio.sleep(0)

        async def more_stored() -> None:
            before = stored
            await eventually(lambda: true_of(stored > before + 20))

        async def more_refused() -> None:
            before = refused
            await eventually(lambda: true_of(refused > before))

        appending = asyncio.create_task(append_on())
        for _ in range(2):
            await more_stored()
            await asyncio.to_thread(server.crash)
            await more_refused()
            await asyncio.to_thread(server.start)
            await more_stored()
        enough.set()
        await appending
        assert ids(await waiting(box)) == [f"m{number}" for number in range(stored)]
        sys.stdout.write(f"R21: {stored} accepted over 2 crashes of the server, {refused} refused, lost 0\n")

    with postgres_server() as first:
        server = Restartable(first)
        try:
            using(Place(server.url), use)
        finally:
            server.crash()


def test_news_comes_again_after_the_listening_connection_was_killed(place: Place) -> None:
    async def use(one: PostgresOutbox, two: PostgresOutbox) -> None:
        heard = asyncio.Event()
        one.subscribe(heard.set)
        await listening(place, 2)
        async with asyncio.timeout(PATIENCE):
            heard.clear()
            await execute(place, KILL)
            await heard.wait()  # it listens again, and looks what it missed
            heard.clear()
            await again(lambda: two.append([call("a")]))
            await heard.wait()

    using(place, use, 2)


def test_a_frozen_transaction_ends_and_others_go_on(place: Place) -> None:
    async def use(frozen: PostgresOutbox, other: PostgresOutbox) -> None:
        await frozen.append([call("a")])
        [entry] = await waiting(frozen)
        asleep, go_on = asyncio.Event(), asyncio.Event()

        async def work(on: Any) -> None:
            await frozen._database.run("owners", [entry.shard], frozen._worker, on=on)
            asleep.set()
            await go_on.wait()

        async with frozen._database._acquired() as connection:
            await connection.execute("SET idle_in_transaction_session_timeout = '100ms'")
        paused = asyncio.create_task(frozen._database.write(work))
        await asleep.wait()
        await asyncio.to_thread(place.expire)  # waits for the lock of the frozen one
        assert (await other.lease()).held
        go_on.set()
        with pytest.raises(OutboxUnavailable):
            await paused

    using(place, use, 2)


def test_a_lost_schema_is_unavailable_not_a_crash(place: Place) -> None:
    async def use(box: PostgresOutbox) -> None:
        await execute(place, "ALTER TABLE events RENAME TO gone")
        with pytest.raises(OutboxUnavailable, match="cannot use the database 'd"):
            await box.append([call("a")])
        with pytest.raises(OutboxUnavailable):
            await box.recent(1)
        await execute(place, "ALTER TABLE gone RENAME TO events")
        assert await box.append([call("a")]) == 1

    using(place, use)


def test_a_closed_outbox_says_so(place: Place) -> None:
    async def use(box: PostgresOutbox) -> None:
        await box.append([call("a")])
        await box.lease()
        await box.close()
        with pytest.raises(OutboxUnavailable, match="closed"):
            await box.append([call("b")])
        with pytest.raises(OutboxUnavailable, match="closed"):
            await box.counts()
        [(owned, workers)] = await execute(place, "SELECT count(owner), (SELECT count(*) FROM workers) FROM shards")
        assert (owned, workers) == (0, 0)

    using(place, use)


# What cannot be opened


def refused(url: str) -> str:
    async def main() -> str:
        with pytest.raises(SettingsError) as error:
            await open_outbox(url).open()
        return str(error.value)

    return asyncio.run(main())


def test_what_cannot_be_used_is_one_clear_line_without_the_password(postgres: PostgresServer) -> None:
    name = postgres.database().rsplit("/", 1)[1]
    cases = {
        postgres.url("nowhere"): "there is no such database; create it, for example with createdb",
        postgres.url(name, password="wr0ng-s3cret"): "refuses this user and password",
        f"postgres://postgres:{PASSWORD}@127.0.0.1:9/x": "cannot reach the database 'x' at 127.0.0.1:9",
    }
    for url, expected in cases.items():
        message = refused(url)
        assert message.startswith("bridge.data: ")
        assert expected in message
        assert PASSWORD not in message
        assert "wr0ng" not in message
    for url in ("postgresql://u:a/b@c@host/x", "postgresql://u:p@host:port/x"):
        with pytest.raises(SettingsError, match="percent-encoded"):
            open_outbox(url)
    with pytest.raises(SettingsError, match=r"bridge\.data is mysql://…; there is no outbox for that"):
        open_outbox(f"mysql://u:{PASSWORD}@host/x")


def test_a_missing_driver_is_one_clear_line() -> None:
    script = (
        "import sys; sys.modules['asyncpg'] = None\n"
        "from talon_bridge.outbox import open_outbox\n"
        "from talon_bridge.settings import SettingsError\n"
        "try: open_outbox('postgresql://u:s3cret@host/x')\n"
        "except SettingsError as error: sys.stdout.write(str(error))\n"
        "open_outbox(None)\n"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert "needs asyncpg" in said
    assert "localtalon[postgres]" in said
    assert PASSWORD not in said


def test_a_newer_schema_is_refused(place: Place) -> None:
    async def use(box: PostgresOutbox) -> None:
        await execute(place, "UPDATE version SET version = 99")

    using(place, use)
    assert place.data is not None
    assert "was written by a newer localtalon (schema 99)" in refused(place.data)


def test_many_processes_may_make_the_schema_at_once(postgres: PostgresServer) -> None:
    place = Place(postgres.database())

    async def main() -> None:
        async with AsyncExitStack() as stack:
            boxes = await asyncio.gather(*(stack.enter_async_context(opened(place)) for _ in range(5)))
            assert sum(await asyncio.gather(*(box.append([call("a")]) for box in boxes))) == 1

    asyncio.run(main())


def test_the_emulator_may_use_the_same_database(place: Place) -> None:
    async def use(box: PostgresOutbox) -> None:
        await box.append([call("a")])
        found = await execute(place, "SELECT DISTINCT table_schema FROM information_schema.tables ORDER BY 1")
        assert {schema for (schema,) in found} == {"information_schema", "localtalon_bridge", "pg_catalog"}

    using(place, use)
