"""What every store of Engage does, and what is particular of a file and of a database that processes share."""

import asyncio
import os
import re
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engage.engage_stores import AUDIENCE, TRAIT, applied, opened, present, staged, synced, taken, users, using, valued
from postgres_support import PASSWORD, PostgresServer
from talon_bridge.engage.computations import Source
from talon_bridge.engage.rows import Member, Refused
from talon_bridge.engage.store import FILE_NAME, open_store
from talon_bridge.engage.store.protocol import Store, StoreUnavailable, SyncRunning
from talon_bridge.engage.syncs import Comparison, Counts, Live, SyncState
from talon_bridge.settings import SettingsError

TRUE, FALSE, NULL = b"true", b"false", b"null"


def test_the_first_sync_sends_everyone_and_each_later_one_the_difference(data: str | None) -> None:
    """AUD-5, and AUD-4 for the values."""

    async def use(store: Store) -> None:
        first = await synced(store, "a", users("v", "u", "w"))
        assert await taken(store, "a") == [("u", TRUE), ("v", TRUE), ("w", TRUE)]
        again = await synced(store, "a", users("w", "u", "v"))
        assert (again.state, again.ended_at, await taken(store, "a")) == ("finished", 2.0, [])
        later = await synced(store, "a", users("x", "u", "b"))
        assert await taken(store, "a") == [("b", TRUE), ("x", TRUE), ("v", FALSE), ("w", FALSE)]
        assert later.counts == Counts(entered=2, left=2, unchanged=1, members_before=3)
        assert first.number < again.number < later.number
        assert list(await present(store, "a")) == ["b", "u", "x"]

    using(data, use)


def test_a_trait_sends_what_changed_and_null_to_those_who_left(data: str | None) -> None:
    """AUD-6."""

    async def use(store: Store) -> None:
        await synced(store, "t", valued([("u", b"1"), ("v", b"2"), ("w", b"3")]), NULL)
        await taken(store, "t")
        sync = await synced(store, "t", valued([("u", b"1.0"), ("w", b"3")]), NULL)
        assert await taken(store, "t") == [("u", b"1.0"), ("v", NULL)]
        assert sync.counts == Counts(left=1, changed=1, unchanged=1, members_before=3)
        await synced(store, "t", valued([("x", b"true")]), None)
        assert await taken(store, "t") == [("x", TRUE)], "without a value for leavers nobody leaves"
        assert await present(store, "t") == {"u": b"1.0", "w": b"3", "x": TRUE}

    using(data, use)


def test_of_several_rows_of_a_user_the_first_counts(data: str | None) -> None:
    async def use(store: Store) -> None:
        rows = [Member("u", b"1", 2, "a.csv"), Member("v", b"5", 3, "a.csv"), Member("u", b"1", 4, "a.csv")]
        rows += [
            Member("u", b'"\xc3\xa9"', 5, "b\x00.csv"),
            Member("v", b"5", 6, "b.csv"),
            Member("v", TRUE, 7, "b.csv"),
        ]
        unused = Refused(1, "a.csv", "no user", ",5")
        sync, comparison = await staged(store, "t", rows, [unused])
        assert comparison == Comparison(0, 2, 2, 0, 0, 0, duplicates=2, conflicting=2)
        await store.decide(sync, Counts(), NULL, 2.0)
        assert await taken(store, "t") == [("u", b"1"), ("v", b"5")]
        reason = "the user has another value in an earlier row, which counts"
        second = Refused(5, "b\x00.csv", reason, 'u, "é"')
        third = Refused(7, "b.csv", reason, "v, true")
        found = await store.refused(sync.number, 0, 2)
        assert [refused for _, refused in found] == [unused, second]
        assert [refused for _, refused in await store.refused(sync.number, found[-1][0], 2)] == [third]

    using(data, use)


def test_only_so_many_refused_rows_are_kept(data: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("sqlite_staging", "postgres_staging"):
        monkeypatch.setattr(f"talon_bridge.engage.store.{module}.MAX_REFUSED", 3)

    async def use(store: Store) -> list[str]:
        sync = await store.begin("t", "request", 1.0)
        for name in ("a", "b"):
            await store.stage(sync, [], [Refused(1, name, "why", ""), Refused(2, name, "why", "")])
        await store.stage(sync, valued([("u", b"1"), ("u", b"2")]), [])
        assert (await store.compare(sync, leaves=True)).conflicting == 1
        await store.end(sync, SyncState.REFUSED, Counts(), "", 2.0)
        return [f"{refused.file}{refused.line}" for _, refused in await store.refused(sync.number, 0, 10)]

    assert using(data, use) == ["a1", "a2", "b1"]


def test_what_is_no_text_is_kept_as_something_that_can_be_read(data: str | None) -> None:
    """The name of a file that is not UTF-8, and an excerpt that was cut in the middle of a character."""

    async def use(store: Store) -> list[Any]:
        sync, _ = await staged(
            store, "a", [Member("u", TRUE, 1, "\udcff.csv")], [Refused(1, "\udcff.csv", "é", "\ud83d")]
        )
        await store.end(sync, SyncState.FAILED, Counts(), "\udcff", 2.0)
        return [refused for _, refused in await store.refused(sync.number, 0, 10)]

    assert using(data, use) == [Refused(1, "?.csv", "é", "?")]


def test_a_sync_that_ends_without_being_decided_changes_nothing(data: str | None) -> None:
    async def use(store: Store) -> None:
        await synced(store, "a", users("u"))
        await taken(store, "a")
        sync, _ = await staged(store, "a", users("v"))
        ended = await store.end(sync, SyncState.REFUSED, Counts(read=1), "too many leave", 5.0)
        assert (ended.state, ended.reason, ended.ended_at) == ("refused", "too many leave", 5.0)
        assert (await present(store, "a"), await taken(store, "a")) == ({"u": TRUE}, [])
        for late in (store.stage(sync, [], []), store.compare(sync, True), store.decide(sync, Counts(), FALSE, 6.0)):
            with pytest.raises(StoreUnavailable, match=f"sync {sync.number} is not being read here"):
                await late
        assert await store.sync("a", sync.number) == ended
        assert await store.sync("t", sync.number) is None

    using(data, use)


def test_live_changes_while_a_sync_is_being_decided(data: str | None) -> None:
    """The sync makes what it read the members, whatever has come live since it was compared; nobody is sent twice."""

    async def use(store: Store) -> None:
        await synced(store, "a", users("u", "v"))
        await taken(store, "a")
        sync, comparison = await staged(store, "a", users("v", "w"))
        assert (comparison.entered, comparison.left) == (1, 1)
        live = await store.change("a", {"x": TRUE}, ["u"], FALSE, 2.0)
        assert live == Live(entered=1, left=1)
        decided = await store.decide(sync, Counts(), FALSE, 3.0)
        assert decided.counts == Counts(entered=1, left=1, unchanged=1, members_before=2)
        assert await taken(store, "a") == [("x", TRUE), ("u", FALSE), ("w", TRUE), ("x", FALSE)]
        assert list(await present(store, "a")) == ["v", "w"]
        assert (await store.syncs("a", 1))[0].state == "finished"

    using(data, use)


def test_a_sync_is_finished_when_the_door_has_its_last_change(data: str | None) -> None:
    async def use(store: Store) -> None:
        await store.change("a", {"x": TRUE}, [], FALSE, 1.0)
        sync = await synced(store, "a", users("u", "v", "x"))
        await store.change("a", {"y": TRUE}, [], FALSE, 1.0)
        assert (await store.queued(), sync.sent) == ({"a": 4}, 0)
        sent, states, ended = [], [], []
        for _ in range(4):
            await taken(store, "a", 1)
            [newest] = await store.syncs("a", 1)
            sent.append(newest.sent)
            states.append(newest.state.value)
            ended.append(newest.ended_at)
        assert (sent, states) == ([0, 1, 2, 2], ["sending", "sending", "finished", "finished"])
        assert ended == [None, None, 3.0, 3.0]
        assert await store.queued() == {}

    using(data, use)


def test_two_syncs_of_one_computation_are_refused_two_of_different_ones_are_not(data: str | None) -> None:
    async def use(store: Store) -> None:
        first = await store.begin("a", "request", 1.0)
        with pytest.raises(SyncRunning, match=f"sync {first.number} of a is reading") as refusal:
            await store.begin("a", "schedule", 2.0)
        assert refusal.value.sync == first
        other = await store.begin("t", "request", 1.0)
        for sync, members in ((first, users("u")), (other, valued([("u", b"1")]))):
            await store.stage(sync, members, [])
            await store.compare(sync, leaves=True)
            await store.decide(sync, Counts(), FALSE, 2.0)
        with pytest.raises(SyncRunning, match="is sending"):
            await store.begin("a", "request", 3.0)
        await taken(store, "a")
        assert (await store.begin("a", "request", 3.0)).number > other.number

    using(data, use)


def test_of_many_that_begin_at_once_one_does(data: str | None) -> None:
    async def use(store: Store) -> list[str]:
        found = await asyncio.gather(*(store.begin("a", "request", 1.0) for _ in range(5)), return_exceptions=True)
        return sorted(type(one).__name__ for one in found)

    assert using(data, use) == ["Sync", *["SyncRunning"] * 4]


def test_whoever_goes_away_while_a_sync_begins_is_in_nobodys_way(data: str | None) -> None:
    async def use(store: Store) -> None:
        for steps in range(6):
            beginning = asyncio.create_task(store.begin("a", "request", 1.0))
            for _ in range(steps):
                await asyncio.sleep(0)
            beginning.cancel()
            await asyncio.gather(beginning, return_exceptions=True)
            sync = await store.begin("a", "request", 2.0)
            assert {other.state for other in await store.syncs("a", 9, before=sync.number)} <= {SyncState.INTERRUPTED}
            await store.end(sync, SyncState.INTERRUPTED, Counts(), "", 3.0)

    using(data, use)


def test_only_the_newest_syncs_are_kept_and_the_refused_rows_of_fewer(
    data: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("sqlite", "postgres"):
        monkeypatch.setattr(f"talon_bridge.engage.store.{module}.SYNCS_KEPT", 3)
        monkeypatch.setattr(f"talon_bridge.engage.store.{module}.REFUSED_KEPT", 2)

    async def use(store: Store) -> None:
        numbers = []
        for _ in range(5):
            sync, _ = await staged(store, "a", users("u"), [Refused(1, "", "why", "")])
            await store.decide(sync, Counts(), FALSE, 2.0)
            await taken(store, "a")
            numbers.append(sync.number)
        assert [sync.number for sync in await store.syncs("a", 9)] == numbers[:1:-1]
        assert [len(await store.refused(number, 0, 9)) for number in numbers] == [0, 0, 0, 1, 1]

    using(data, use)


def test_definitions_are_kept_in_their_order_and_forgotten_with_all_they_have(data: str | None) -> None:
    source = Source("postgresql://…", "SELECT 1", "2h")
    changed = msgspec.structs.replace(AUDIENCE, name="é\x00", source=source, configured=True, max_leaving=0.25)

    async def use(store: Store) -> None:
        await store.define(changed)
        assert await store.computations() == [changed, TRAIT]
        await synced(store, "a", users("u"))
        [before] = await store.queue("a", 9)
        await taken(store, "a")
        sync = await store.begin("a", "request", 1.0)
        with pytest.raises(SyncRunning):
            await store.forget("a")
        await store.end(sync, SyncState.FAILED, Counts(), "", 2.0)
        await store.change("a", {"v": TRUE}, [], FALSE, 1.0)
        assert await store.forget("a") is True
        assert await store.forget("a") is False
        assert await store.computations() == [TRAIT]
        nothing = (
            await store.queued(),
            await store.count("a"),
            await store.members("a", None, 9),
            await store.syncs("a", 9),
        )
        assert nothing == ({}, 0, [], [])
        for late in (store.begin("a", "request", 1.0), store.change("a", {}, [], FALSE, 1.0)):
            with pytest.raises(StoreUnavailable, match="the store of Engage has no 'a'"):
                await late
        await store.taken("a", before.number, 1.0)
        await store.define(AUDIENCE)
        assert await store.computations() == [TRAIT, AUDIENCE]
        assert await present(store, "a") == {}
        newest = await synced(store, "a", users("u"))
        [after] = await store.queue("a", 9)
        assert after.number > before.number, "a messageId is never used twice (DEL-3)"
        assert newest.number > sync.number

    using(data, use)


def test_a_sync_that_is_sending_is_forgotten_with_what_it_has_not_sent(data: str | None) -> None:
    async def use(store: Store) -> None:
        await synced(store, "a", users("u", "v"))
        await store.change("t", {"u": b"1"}, [], NULL, 1.0)
        [first, second] = await store.queue("a", 9)
        assert await store.forget("a") is True
        await store.taken("a", first.number, 3.0)
        assert (await store.queued(), await store.syncs("a", 9)) == ({"t": 1}, [])
        await store.define(AUDIENCE)
        await store.taken("a", second.number, 3.0)
        sync = await synced(store, "a", users("w"))
        assert (sync.counts.entered, await taken(store, "a")) == (1, [("w", TRUE)])

    using(data, use)


def test_a_row_with_several_users_counts_once(data: str | None) -> None:
    async def use(store: Store) -> list[Any]:
        rows = [Member("u", b"1", 1, "f"), Member("v", b"2", 1, "f")]
        rows += [Member("u", b"1", 2, "f"), Member("v", b"2", 2, "f"), Member("w", b"1", 2, "f")]
        rows += [Member("u", b"1", 3, "f"), Member("v", b"1", 3, "f"), Member("w", b"2", 3, "f")]
        rows += [Member("u", b"2", 3, "g")]
        rows += [Member("u", b"1"), Member("v", b"2"), Member("u", b"3"), Member("v", b"3")]
        sync, comparison = await staged(store, "t", rows)
        assert (comparison.users, comparison.duplicates, comparison.conflicting) == (3, 1 + 2, 2 + 2)
        await store.decide(sync, Counts(), NULL, 2.0)
        assert await taken(store, "t") == [("u", b"1"), ("v", b"2"), ("w", b"1")]
        return [(one.file, one.line, one.excerpt) for _, one in await store.refused(sync.number, 0, 9)]

    assert using(data, use) == [("f", 3, "v, 1"), ("g", 3, "u, 2"), ("", 0, "u, 3"), ("", 0, "v, 3")]


def test_what_is_no_computation_can_be_claimed(data: str | None) -> None:
    async def use(store: Store) -> None:
        assert await store.claim(" definitions")
        assert await store.claim("a")
        await store.let_go(" definitions")
        await store.let_go("never claimed")
        assert await store.claim(" definitions")

    using(data, use)


def test_a_store_has_a_token_of_its_own_for_ever(empty_outbox: Callable[[str], Any], tmp_path: Path) -> None:
    async def token(store: Store) -> str:
        return store.token

    first, second = str(tmp_path / "1"), str(tmp_path / "2")
    tokens = [using(data, token) for data in (first, first, second, None, None)]
    assert tokens[0] == tokens[1]
    assert len(set(tokens)) == 4
    assert min(map(len, tokens)) >= 32


def test_what_is_decided_survives_and_what_was_being_read_does_not(tmp_path: Path) -> None:
    async def before(store: Store) -> tuple[int, int]:
        sync = await synced(store, "a", users("u", "v"))
        await taken(store, "a", 1)
        other, _ = await staged(store, "t", valued([("u", b"1")]))
        return sync.number, other.number

    async def after(store: Store) -> None:
        decided, read = await store.sync("a", numbers[0]), await store.sync("t", numbers[1])
        assert decided is not None
        assert read is not None
        assert (decided.state, decided.sent, read.state, read.ended_at) == ("sending", 1, "interrupted", None)
        assert await taken(store, "a") == [("v", TRUE)]
        assert (await synced(store, "t", valued([("u", b"2")]), NULL)).counts.entered == 1

    numbers = using(str(tmp_path), before)
    using(str(tmp_path), after)


def test_one_that_is_closed_or_never_opened_says_so(data: str | None) -> None:
    async def main() -> None:
        store = open_store(data)
        with pytest.raises(StoreUnavailable, match="the store of Engage is not open"):
            await store.count("a")
        await store.open()
        await store.close()
        with pytest.raises(StoreUnavailable, match="the store of Engage is not open"):
            await store.count("a")

    asyncio.run(main())


@pytest.mark.parametrize("url", ["mysql://localhost/x", "redis://localhost"])
def test_another_database_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match=r"there is no store of Engage for that: give postgresql://…, a directory"):
        open_store(url)


# A file


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    mask = os.umask(0)
    try:

        async def use(store: Store) -> set[str]:
            await synced(store, "a", users("u"))
            return {oct(path.stat().st_mode & 0o777) for path in folder.iterdir()}

        assert using(str(folder), use) == {"0o600"}
    finally:
        os.umask(mask)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / FILE_NAME).exists()


def test_a_second_store_on_the_file_is_refused(tmp_path: Path) -> None:
    async def use(_store: Store) -> None:
        second = open_store(str(tmp_path))
        with pytest.raises(SettingsError, match=r"another bridge is using .*engage\.sqlite3; stop it"):
            await second.open()
        await second.close()

    using(str(tmp_path), use)


@pytest.mark.parametrize(
    "content", [b"no database at all, and longer than a header " * 9, b""], ids=["foreign", "emptied"]
)
def test_a_file_that_is_none_of_ours_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    using(str(tmp_path), lambda store: store.count("a"))
    path = tmp_path / FILE_NAME
    path.write_bytes(content)
    with pytest.raises(SettingsError, match="cannot be used as a store of Engage") as refusal:
        using(str(tmp_path), lambda store: store.count("a"))
    assert "\n" not in str(refusal.value)
    assert "move it away to begin anew" in str(refusal.value)
    assert path.read_bytes() == content


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE people (name TEXT)")
    db.close()
    before = path.read_bytes()
    with pytest.raises(SettingsError, match="it is a database of something else; nothing of it was changed; move it"):
        using(str(tmp_path), lambda store: store.count("a"))
    assert path.read_bytes() == before
    assert {one.name for one in tmp_path.iterdir()} == {FILE_NAME, "engage.lock"}


def test_a_copy_of_an_outbox_is_refused(tmp_path: Path) -> None:
    from bridge.outbox_stores import call, with_outbox
    from talon_bridge.outbox import FILE_NAME as OUTBOX

    with_outbox(str(tmp_path), lambda box: box.append([call("m")]))
    shutil.copy(tmp_path / OUTBOX, tmp_path / FILE_NAME)
    with pytest.raises(SettingsError, match="it is a database of something else"):
        using(str(tmp_path), lambda store: store.count("a"))


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM store", "its table store does not have the one row"),
        ("UPDATE computations SET definition = '[]' WHERE id = 'a'", "the definition of 'a' cannot be read"),
        ("UPDATE computations SET definition = x'ff' WHERE id = 'a'", "the definition of 'a' cannot be read"),
        ("PRAGMA user_version = -3", "its schema is -3, which no localtalon has written"),
        ("PRAGMA user_version = 0", "its schema is 0, which no localtalon has written"),
    ],
    ids=["no token", "no definition", "no text", "negative", "zero"],
)
def test_damage_that_sqlite_cannot_see_is_one_line_with_what_to_do(tmp_path: Path, statement: str, words: str) -> None:
    using(str(tmp_path), lambda store: store.count("a"))
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        db.execute(statement)
    db.close()
    store = open_store(str(tmp_path))
    with pytest.raises(SettingsError, match=f"{words}.*; nothing of it was changed; move it away") as refusal:
        asyncio.run(store.open())
    assert "\n" not in str(refusal.value)


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    using(str(tmp_path), lambda store: store.count("a"))
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(SettingsError, match=r"was written by a newer localtalon \(schema 99\)"):
        using(str(tmp_path), lambda store: store.count("a"))


def test_a_process_that_dies_at_any_statement_of_a_decision_has_decided_all_or_nothing(tmp_path: Path) -> None:
    folder, deaths = tmp_path / "data", list[Path]()

    def die(_statement: str) -> None:
        """Keep what a process that dies before the next statement would leave."""
        deaths.append(tmp_path / str(len(deaths)))
        shutil.copytree(folder, deaths[-1])

    async def decide(store: Any) -> None:
        await synced(store, "a", users("u", "v"))
        await taken(store, "a")
        sync, _ = await staged(store, "a", users("v", "w"))
        await store._database.run(lambda db: db.set_trace_callback(die))
        await store.decide(sync, Counts(), FALSE, 2.0)
        await store._database.run(lambda db: db.set_trace_callback(None))

    async def left(store: Store) -> Any:
        [newest] = await store.syncs("a", 1)
        found = (list(await present(store, "a")), await store.count("a"), newest.state.value)
        return *found, await store.queued(), await taken(store, "a")

    using(str(folder), decide)
    found = [using(str(path), left) for path in deaths]
    before: Any = (["u", "v"], 2, "interrupted", {}, [])
    after: Any = (["v", "w"], 2, "sending", {"a": 2}, [("w", TRUE), ("u", FALSE)])
    decided = found.count(after)
    assert len(found) - decided > 8
    assert decided == 1, "the last one, for what comes after the decision"
    assert found == [before] * (len(found) - decided) + [after] * decided


# A database that processes share


@pytest.fixture
def shared(postgres: PostgresServer) -> str:
    """The URL of an empty database."""
    return postgres.database()


def with_two(url: str, use: Callable[[Any, Any], Awaitable[Any]]) -> Any:
    """Use two stores on one database, as two processes would."""

    async def main() -> Any:
        async with AsyncExitStack() as stack:
            return await use(*[await stack.enter_async_context(opened(url)) for _ in range(2)])

    return asyncio.run(main())


async def cut(url: str) -> None:
    """Break all connections of Engage, and wait until their locks are gone."""
    mine = "FROM pg_stat_activity WHERE application_name = 'localtalon engage' AND datname = current_database()"
    await asyncio.to_thread(PostgresServer(0).execute, url, f"SELECT pg_terminate_backend(pid, 5000) {mine}")


def test_several_stores_may_open_an_empty_database_at_once(shared: str) -> None:
    async def main() -> None:
        stores = [open_store(shared) for _ in range(4)]
        await asyncio.gather(*(store.open() for store in stores))
        assert len({store.token for store in stores}) == 1
        assert stores[0].shared
        await asyncio.gather(*(store.close() for store in stores))

    asyncio.run(main())


def test_two_processes_do_not_sync_at_once_unless_one_dies(shared: str) -> None:
    async def use(one: Store, two: Store) -> None:
        sync, _ = await staged(one, "a", users("u"))
        for refused in (two.begin("a", "request", 1.0), two.forget("a")):
            with pytest.raises(SyncRunning, match=f"sync {sync.number} of a is reading"):
                await refused
        third = open_store(shared)
        await third.open()
        await third.close()
        [alive] = await two.syncs("a", 1)
        assert alive.state == "reading", "whoever starts interrupts nobody who is alive"
        await cut(shared)
        other = await synced(two, "a", users("v"))
        with pytest.raises(StoreUnavailable, match=r"cannot (use|reach) the database"):
            await one.decide(sync, Counts(), FALSE, 2.0)
        ended = await one.end(sync, SyncState.FAILED, Counts(), "lost", 2.0)
        assert ended.state == "interrupted", "it was given up before"
        assert await present(one, "a") == {"v": TRUE}
        assert (await one.syncs("a", 1))[0] == other

    with_two(shared, use)


def test_what_is_being_decided_is_seen_by_others_all_at_once(shared: str, postgres: PostgresServer) -> None:
    class Watched:
        """A connection after each statement of which somebody else looks."""

        def __init__(self, connection: Any) -> None:
            self.connection = connection

        def __getattr__(self, name: str) -> Any:
            return getattr(self.connection, name)

        async def fetch(self, *given: Any, **named: Any) -> Any:
            found = await self.connection.fetch(*given, **named)
            seen.append(await asyncio.to_thread(look))
            return found

    def look() -> tuple[Any, ...]:
        what = "count(*) FROM localtalon_bridge.engage"
        numbers = (
            f"(SELECT {what}_members), (SELECT {what}_changes), (SELECT {what}_refused), members, queued, revision"
        )
        state = "(SELECT state FROM localtalon_bridge.engage_syncs ORDER BY number DESC LIMIT 1)"
        text = f"SELECT {numbers}, {state} FROM localtalon_bridge.engage_computations WHERE id = 'a'"
        return tuple(postgres.execute(shared, text)[0])

    async def use(store: Any) -> None:
        await synced(store, "a", users("u", "v"))
        await taken(store, "a")
        sync, _ = await staged(store, "a", users("v", "w"), [Refused(1, "", "why", "")])
        store._staged[sync.number].connection = Watched(store._staged[sync.number].connection)
        await store.decide(sync, Counts(), FALSE, 2.0)
        seen.append(await asyncio.to_thread(look))

    seen = list[tuple[Any, ...]]()
    using(shared, use)
    *during, _unlock, after = seen
    assert len(during) > 5
    assert set(during) == {(2, 0, 0, 2, 0, 1, "reading")}
    assert after == (2, 2, 1, 2, 2, 2, "sending")


def test_a_start_interrupts_what_a_dead_process_was_reading(shared: str) -> None:
    async def use(one: Store, two: Store) -> None:
        sync, _ = await staged(one, "a", users("u"))
        await cut(shared)
        third = open_store(shared)
        await third.open()
        await third.close()
        found = await two.sync("a", sync.number)
        assert found is not None
        assert found.state == "interrupted"

    with_two(shared, use)


def test_a_sync_whose_connection_is_lost_can_still_be_ended(shared: str) -> None:
    async def use(one: Store, _two: Store) -> None:
        sync, _ = await staged(one, "a", users("u"))
        await cut(shared)
        ended = await one.end(sync, SyncState.FAILED, Counts(read=1), "lost", 2.0)
        assert (ended.state, ended.reason, ended.counts.read) == ("failed", "lost", 1)

    with_two(shared, use)


def test_one_process_sends_until_it_lets_go_or_dies(shared: str) -> None:
    async def use(one: Store, two: Store) -> None:
        assert (await one.claim("a"), await one.claim("a"), await two.claim("a")) == (True, True, False)
        assert (await two.claim("t"), await one.claim("t")) == (True, False)
        await one.let_go("a")
        assert (await two.claim("a"), await one.claim("a")) == (True, False)
        assert (await two.claim("nothing"), await one.claim("nothing")) == (True, False)
        await two.close()
        assert (await one.claim("a"), await one.claim("t")) == (True, True)

    with_two(shared, use)


def test_claims_go_with_their_connection_and_can_be_taken_again(shared: str) -> None:
    async def use(one: Store, two: Store) -> None:
        assert await one.claim("a")
        assert await one.claim("t")
        await cut(shared)
        assert await two.claim("a")
        assert (await one.claim("a"), await one.claim("t")) == (False, True)

    with_two(shared, use)


def test_two_processes_change_membership_at_once(shared: str) -> None:
    """Whatever the order, the queue leads to the members."""

    async def use(one: Store, two: Store) -> None:
        async def flip(store: Store, offset: int) -> None:
            for turn in range(10):
                names = [f"u{(turn + offset + place) % 4}" for place in range(4)]
                await store.change("a", dict.fromkeys(names[:2], TRUE), names[2:], FALSE, 1.0)

        await asyncio.gather(flip(one, 0), flip(two, 1), flip(one, 2))
        members = await present(one, "a")
        sent = await taken(two, "a")
        assert {id for id, value in applied({}, sent).items() if value == TRUE} == members.keys()
        assert await one.count("a") == len(members)
        held: set[str] = set()
        for id, value in sent:
            assert (id in held) == (value == FALSE)
            held ^= {id}

    with_two(shared, use)


@asynccontextmanager
async def busy(url: str) -> AsyncIterator[None]:
    """Somebody else has the row of a computation locked as long as the block runs."""
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT FROM localtalon_bridge.engage_computations FOR UPDATE")
            yield
    finally:
        await connection.close()


def test_what_has_to_wait_too_long_is_unavailable(shared: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("talon_bridge.engage.store.postgres_database.STATEMENT", 0.2)

    async def use(store: Store) -> None:
        async with busy(shared):
            with pytest.raises(StoreUnavailable, match="it does not answer in time"):
                await store.change("a", {"u": TRUE}, [], FALSE, 1.0)
        assert (await store.change("a", {"u": TRUE}, [], FALSE, 1.0)).entered == 1

    using(shared, use)


@pytest.mark.parametrize(
    ("pattern", "instead", "words"),
    [
        (PASSWORD, "wrong", "the server refuses this user and password"),
        ("/d[0-9]+$", "/nothing", "there is no such database"),
        (":[0-9]+/", ":1/", "cannot reach the database"),
        ("127.0.0.1:", "127.0.0.1:x", "is no URL of a database"),
    ],
    ids=["password", "database", "place", "url"],
)
def test_a_database_that_cannot_be_used_is_one_clear_line(shared: str, pattern: str, instead: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words) as refusal:
        using(re.sub(pattern, instead, shared), lambda store: store.count("a"))
    assert "\n" not in str(refusal.value)
    assert PASSWORD not in str(refusal.value)


def test_a_newer_database_is_refused(shared: str, postgres: PostgresServer) -> None:
    using(shared, lambda store: store.count("a"))
    postgres.execute(shared, "UPDATE localtalon_bridge.engage_version SET version = 99")
    with pytest.raises(SettingsError, match=r"was written by a newer localtalon \(schema 99\)"):
        using(shared, lambda store: store.count("a"))


def test_what_is_decided_is_on_disk_whatever_the_database_is_set_to(shared: str, postgres: PostgresServer) -> None:
    postgres.execute(shared, f"ALTER DATABASE {shared.rsplit('/', 1)[1]} SET synchronous_commit = off")

    async def use(store: Any) -> list[str]:
        sync = await store.begin("a", "request", 1.0)
        async with store._database.transaction() as pooled:
            connections = [pooled, store._staged[sync.number].connection]
            return [await one.fetchval("SHOW synchronous_commit") for one in connections]

    assert using(shared, use) == ["on", "on"]


def test_an_outbox_in_the_same_database_is_in_nobodys_way(shared: str) -> None:
    from bridge.outbox_stores import call, with_outbox

    with_outbox(shared, lambda box: box.append([call("m")]))
    assert using(shared, lambda store: store.change("a", {"u": TRUE}, [], FALSE, 1.0)).entered == 1
    assert with_outbox(shared, lambda box: box.append([call("m")])) == 0
    assert using(shared, lambda store: store.count("a")) == 1
