"""The outbox: durable, ordered, deduplicating; in memory, in a file and in PostgreSQL."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bridge.outbox_stores import KINDS, REPORT, call, ids, settled, waiting, with_outbox
from bridge_support import PATIENCE
from talon_bridge.events import Accepted
from talon_bridge.outbox import FILE_NAME, open_outbox
from talon_bridge.outbox.protocol import (
    DUPLICATE_WINDOW,
    START,
    Attempt,
    Outbox,
    OutboxUnavailable,
    Replay,
    Retention,
    Selection,
    State,
)
from talon_bridge.outbox.sqlite import SqliteOutbox
from talon_bridge.settings import SettingsError


def test_what_is_appended_waits_in_order(data: str | None) -> None:
    async def use(box: Outbox) -> None:
        assert await box.append([call("a", "u1"), call("b", None), call("c", "u1")]) == 3
        assert await box.append([call("d", "u2")]) == 1
        entries = await waiting(box)
        assert ids(entries) == ["a", "b", "c", "d"]
        assert [entry.seq for entry in entries] == sorted({entry.seq for entry in entries})
        assert entries[1].key == f"\0{entries[1].seq}"
        assert (entries[1].event, entries[1].state, entries[1].report) == (call("b", None), State.WAITING, None)
        assert ids(await box.queue("u1", 0, 10)) == ["a", "c"]
        assert ids(await box.queue("u1", entries[0].seq, 10)) == ["c"]
        assert ids(await box.queue("u1", 0, 1)) == ["a"]

    with_outbox(data, use)


def test_a_page_goes_on_where_the_last_ended(data: str | None) -> None:
    async def use(box: Outbox) -> None:
        await box.append([call(f"m{number}") for number in range(5)])
        leases = await box.lease()
        first = await box.feed(dict.fromkeys(leases.held, START), 3)
        assert ids(first.entries) == ["m0", "m1", "m2"]
        rest = await box.feed(first.cursors, 3)
        assert ids(rest.entries) == ["m3", "m4"]
        assert (await box.feed(rest.cursors, 3)).entries == []
        await box.append([call("m5")])
        assert ids((await box.feed(rest.cursors, 3)).entries) == ["m5"]

    with_outbox(data, use)


@pytest.mark.parametrize(("later", "stored"), [(0.0, 0), (DUPLICATE_WINDOW - 1, 0), (DUPLICATE_WINDOW + 1, 1)])
def test_a_message_id_counts_once_in_24_hours(data: str | None, later: float, stored: int) -> None:
    async def use(box: Outbox) -> None:
        await box.append([call("a")])
        again = await box.append([call("a", "another user", 1000.0 + later), call("b", received_at=1000.0 + later)])
        assert again == stored + 1
        assert (await box.counts())[State.WAITING] == stored + 2
        (first,) = [entry for entry in await box.recent(10) if entry.event.received_at == 1000.0][-1:]
        assert (first.duplicates, first.duplicate_at) == ((0, None) if stored else (1, 1000.0 + later))

    with_outbox(data, use)


def test_a_message_id_counts_once_in_a_batch_and_after_delivery(data: str | None) -> None:
    async def use(box: Outbox) -> None:
        assert await box.append([call("a"), call("a")]) == 1
        (only,) = await waiting(box)
        await box.settle([settled(only, State.DELIVERED)])
        assert await box.append([call("a")]) == 0

    with_outbox(data, use)


def test_settled_events_are_found_and_no_longer_wait(data: str | None) -> None:
    async def use(box: Outbox) -> None:
        await box.append([call("a", "u1"), call("b", "u2"), call("c", "u1")])
        one, two, three = await waiting(box)
        tried = (Attempt(5.0, 503, "busy"), Attempt(6.5, None, "reset", "bulk"))
        changes = [settled(one, State.DEAD, tried), settled(two, State.WAITING, tried, 99.5)]
        assert await box.settle(changes) == frozenset()
        assert [(entry.seq, entry.not_before) for entry in await waiting(box)] == [(two.seq, 99.5), (three.seq, 0.0)]
        found = await box.find("a")
        assert found is not None
        assert (found.state, found.attempts, found.report) == (State.DEAD, tried, REPORT)
        assert await box.find("no such") is None
        assert await box.counts() == {State.WAITING: 2, State.DEAD: 1, State.DELIVERED: 0, State.SKIPPED: 0}
        assert ids(await box.recent(10)) == ["c", "b", "a"]
        assert ids(await box.recent(1)) == ["c"]
        assert ids(await box.recent(10, before=three.seq)) == ["b", "a"]
        assert ids(await box.recent(10, State.WAITING)) == ["c", "b"]
        assert ids(await box.recent(10, None, "u1")) == ["c", "a"]
        assert await box.recent(10, State.DEAD, "u2") == []

    with_outbox(data, use)


def test_an_event_is_settled_once(data: str | None) -> None:
    async def use(box: Outbox) -> None:
        await box.append([call("a")])
        (only,) = await waiting(box)
        assert await box.settle([settled(only, State.DEAD)]) == frozenset()
        assert await box.settle([settled(only, State.DELIVERED)]) == {only.seq}
        await box.replay(Selection(), Replay.KEPT, 10)
        assert await box.settle([settled(only, State.DELIVERED)]) == {only.seq}, "the mark is an old one"
        (again,) = await waiting(box)
        assert await box.settle([settled(again, State.DELIVERED)]) == frozenset()

    with_outbox(data, use)


def test_dead_letters_wait_again_behind_what_waits_and_keep_their_history(data: str | None) -> None:
    tried = (Attempt(5.0, 400, "no"), Attempt(6.0, 400, "no"))

    async def use(box: Outbox) -> None:
        await box.append([call("a", "u"), call("b", "v"), call("c", "u")])
        one, two, _ = await waiting(box)
        await box.settle([settled(one, State.DEAD, tried), settled(two, State.DEAD, tried)])
        assert ids(await box.dead_letters(Selection(), 0, 10)) == ["a", "b"]
        assert ids(await box.dead_letters(Selection(), one.seq, 10)) == ["b"]
        assert ids(await box.dead_letters(Selection(user_id="v", status=400), 0, 10)) == ["b"]
        assert await box.count_dead_letters(Selection(status=401)) == 0
        assert await box.count_dead_letters(Selection(settled_until=999.0)) == 0
        assert await box.replay(Selection(user_id="u"), Replay.FORCED, 10) == 1
        entries = await waiting(box)
        assert ids(entries) == ["c", "a"]
        again = entries[1]
        assert (again.seq, again.replay, again.earlier, again.attempts) == (one.seq, Replay.FORCED, 2, tried)
        assert again.mark != one.mark
        assert ids(await box.queue("u", 0, 10)) == ["a", "c"]
        assert await box.discard(Selection(), 10) == 1
        assert await box.counts() == {State.WAITING: 2, State.DEAD: 0, State.DELIVERED: 0, State.SKIPPED: 0}

    with_outbox(data, use)


def test_settled_events_go_by_age_and_size_but_not_those_that_a_replay_must_not_overwrite(data: str | None) -> None:
    async def use(box: Outbox) -> None:
        users = ["dead", "dead", "free", "free"]
        await box.append([call(f"m{number}", user) for number, user in enumerate(users)])
        entries = await waiting(box)
        states = [State.DEAD, State.DELIVERED, State.DELIVERED, State.SKIPPED]
        await box.settle([settled(entry, state) for entry, state in zip(entries, states, strict=True)])
        assert await box.prune(1000.0 + 50, Retention(60, 2**40)) == 0
        assert await box.prune(1000.0 + 70, Retention(60, 2**40)) == 2
        assert ids(await box.recent(10)) == ["m1", "m0"]
        assert await box.newer("dead", entries[0].seq, 10) == [(entries[1].seq, REPORT)]
        await box.discard(Selection(), 10)
        assert await box.prune(1000.0, Retention(60, 0)) == 1
        assert await box.append([call("m1")]) == 0, "a messageId is remembered for a day, whatever went"
        await box.prune(1000.0 + DUPLICATE_WINDOW, Retention(60, 2**40))
        assert await box.append([call("m1")]) == 1

    with_outbox(data, use)


@pytest.mark.parametrize("text", ["a\0b", "😀", "a'; DROP TABLE events; --", "ä" * 100, "\r\n", " "])
def test_any_text_is_an_id(data: str | None, text: str) -> None:
    async def use(box: Outbox) -> None:
        assert await box.append([call(text, text)]) == 1
        assert [entry.key for entry in await waiting(box)] == [text]
        found = await box.find(text)
        assert found is not None
        assert found.event.user_id == text
        assert len(await box.recent(10, None, text)) == 1

    with_outbox(data, use)


def test_a_file_keeps_everything(tmp_path: Path) -> None:
    folder = str(tmp_path / "data")

    async def fill(box: Outbox) -> Any:
        await box.append([call("a"), call("b"), call("c")])
        await box.settle([settled((await waiting(box))[0], State.DELIVERED, (Attempt(1.0, 200),))])
        return await box.recent(10)

    before = with_outbox(folder, fill)
    assert with_outbox(folder, lambda box: box.recent(10)) == before
    assert with_outbox(folder, lambda box: box.append([call("d"), call("b")])) == 1


# The file and its place


def open_and_close(path: Path) -> None:
    with_outbox(str(path), lambda box: box.counts())


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    mask = os.umask(0)
    try:

        async def use(box: Outbox) -> list[str]:
            await box.append([call("a")])
            return [oct(path.stat().st_mode & 0o777) for path in folder.iterdir()]

        modes = with_outbox(str(folder), use)
    finally:
        os.umask(mask)
    assert set(modes) == {"0o600"}
    assert len(modes) >= 3  # the file, its lock, its log
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_second_outbox_on_the_file_is_refused(tmp_path: Path) -> None:
    async def use(_box: Outbox) -> None:
        second = open_outbox(str(tmp_path))
        with pytest.raises(
            SettingsError, match=r"another bridge is using .*; stop it, or give this one its own --data"
        ):
            await second.open()
        await second.close()

    with_outbox(str(tmp_path), use)
    open_and_close(tmp_path)


def test_a_second_process_on_the_file_is_refused(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys; from talon_bridge.outbox import open_outbox; asyncio.run(open_outbox(sys.argv[1]).open())"
    )

    async def use(_box: Outbox) -> str:
        command = [sys.executable, "-c", script, str(tmp_path)]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
        assert done.returncode == 1
        return done.stderr

    assert "another bridge is using" in with_outbox(str(tmp_path), use)


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"")
    (tmp_path / FILE_NAME).symlink_to(elsewhere)
    with pytest.raises(SettingsError, match="symbolic link"):
        open_and_close(tmp_path)
    assert elsewhere.read_bytes() == b""


def test_a_newer_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    open_and_close(tmp_path)
    db = sqlite3.connect(tmp_path / FILE_NAME)
    db.execute("PRAGMA user_version = 99")
    db.close()
    for _ in range(2):
        with pytest.raises(SettingsError, match=r"newer localtalon \(schema 99\)"):
            open_and_close(tmp_path)


@pytest.mark.parametrize("content", [b"this is no database, but a text of some length" * 100, b"SQLite format 3\0" * 9])
def test_a_file_that_is_no_database_is_refused_and_let_go(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(content)
    with pytest.raises(SettingsError, match="cannot be used as an outbox"):
        open_and_close(tmp_path)
    assert path.read_bytes() == content
    path.unlink()
    open_and_close(tmp_path)


def test_a_place_that_is_no_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(SettingsError, match="cannot be used as an outbox"):
            open_and_close(place)
    (tmp_path / "data" / FILE_NAME).mkdir(parents=True)
    with pytest.raises(SettingsError, match="cannot be used as an outbox"):
        open_and_close(tmp_path / "data")


def test_every_commit_reaches_the_disk(tmp_path: Path) -> None:
    async def main() -> int:
        box = SqliteOutbox(tmp_path / FILE_NAME)
        await box.open()
        level: int = await box._database.write(lambda db: db.execute("PRAGMA synchronous").fetchone()[0])
        await box.close()
        return level

    assert asyncio.run(main()) == 2


# What an earlier run left behind


@pytest.mark.parametrize("data", [kind for kind in KINDS if kind != "memory"], indirect=True)
def test_of_what_an_earlier_run_left_behind_a_page_says_which_profiles_go_on(data: str) -> None:
    async def use(box: Outbox) -> None:
        await box.append([call("a1", "a"), call("b1", "b"), call("a2", "a")])

    async def use_again(box: Outbox) -> None:
        leases = await box.lease()
        await box.append([call("b2", "b")])  # nobody can have sent that yet
        first = await box.feed(dict.fromkeys(leases.held, START), 1)
        while not first.entries:
            first = await box.feed(dict.fromkeys(leases.held, START), 1)
        assert (ids(first.entries), first.followed) == (["a1"], frozenset("a"))
        rest = await box.feed(first.cursors, 10)
        assert (ids(rest.entries), rest.followed) == (["b1", "a2", "b2"], frozenset())

    with_outbox(data, use)
    with_outbox(data, use_again)


@pytest.mark.parametrize(("died", "stopped_again"), [(True, False), (True, True), (False, False)])
def test_after_a_run_that_died_only_what_is_new_is_fed_until_nothing_can_land_late(
    tmp_path: Path, died: bool, stopped_again: bool
) -> None:
    hold = 0.3

    async def main() -> None:
        before = SqliteOutbox(tmp_path / "before" / FILE_NAME)
        await before.open()
        await before.append([call("a1", "a"), call("b1", "b")])
        shutil.copytree(tmp_path / "before", tmp_path / "left")
        await before.close()
        if stopped_again:  # before it was over: what the dead run sent may still land
            between = SqliteOutbox(tmp_path / "left" / FILE_NAME, hold)
            await between.open()
            await between.close()
        box = SqliteOutbox(tmp_path / ("left" if died else "before") / FILE_NAME, hold)
        news = asyncio.Event()
        box.subscribe(news.set)
        began = time.monotonic()
        await box.open()
        await box.append([call("a2", "a"), call("c1", "c"), call("none", None), call("b2", "b")])
        page = await box.feed({0: START}, 100)
        if died:
            assert ids(page.entries) == ["c1", "none"]
            assert (await box.feed(page.cursors, 100)).entries == []
            await box.append([call("c2", "c")])
            page = await box.feed(page.cursors, 1)
            assert ids(page.entries) == ["c2"]
            news.clear()
            await asyncio.wait_for(news.wait(), PATIENCE)
            assert time.monotonic() - began >= hold
            page = await box.feed(page.cursors, 100)
        assert ids(page.entries) == ["a1", "b1", "a2", "c1", "none", "b2", *(["c2"] if died else [])]
        assert (await box.feed(page.cursors, 100)).entries == []
        await box.close()

    asyncio.run(main())


# Commits


def test_many_appends_share_a_commit(tmp_path: Path) -> None:
    async def main() -> int:
        box = SqliteOutbox(tmp_path / FILE_NAME)
        await box.open()
        commits = 0

        def count(statement: str) -> None:
            nonlocal commits
            commits += statement == "COMMIT"

        await box._database.read(lambda db: db.set_trace_callback(count))
        answers = await asyncio.gather(*(box.append([call(f"m{n}")]) for n in range(200)))
        assert answers == [1] * 200
        assert [entry.seq for entry in await waiting(box)] == list(range(1, 201))
        found = commits
        await box.close()
        return found

    assert asyncio.run(main()) <= 3


def test_a_full_disk_refuses_and_loses_nothing() -> None:
    async def main() -> None:
        box = SqliteOutbox(None)
        await box.open()
        await box.append([call("before")])
        await box._database.write(lambda db: db.execute("PRAGMA max_page_count = 1"))
        heavy = Accepted("big", "identify", "u", b"x" * 1_000_000, 1.0, "")
        with pytest.raises(OutboxUnavailable, match="cannot be written: database or disk is full"):
            await box.append([call("beside"), heavy])
        assert [entry.event.message_id for entry in await box.recent(10)] == ["before"]
        await box._database.write(lambda db: db.execute("PRAGMA max_page_count = 1000000"))
        assert await box.append([call("beside"), heavy]) == 2
        await box.close()

    asyncio.run(main())


def test_an_error_in_one_job_does_not_end_the_commits() -> None:
    async def main() -> None:
        box = SqliteOutbox(None)
        await box.open()
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(UnicodeEncodeError):
                await box.find("\ud800")
            assert await box.append([call("after")]) == 1
            await box.close()
            with pytest.raises(OutboxUnavailable, match="closing"):
                await box.counts()

    asyncio.run(main())


@pytest.mark.parametrize(("column", "spoilt"), [("state", "wating"), ("attempts", "[{"), ("replay", "x")])
def test_a_damaged_event_is_told_and_not_guessed(column: str, spoilt: str) -> None:
    async def main() -> None:
        box = SqliteOutbox(None)
        await box.open()
        await box.append([call("a")])
        await box._database.write(lambda db: db.execute(f"UPDATE events SET {column} = ?", (spoilt.encode(),)))
        with pytest.raises(OutboxUnavailable, match=r"event 1 is damaged .*; see localtalon doctor"):
            await box.recent(10)
        await box.close()

    asyncio.run(main())
