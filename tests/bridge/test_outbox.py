"""The outbox: durable, ordered, deduplicating; in memory and in a file."""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bridge_support import PATIENCE
from talon_bridge.events import Accepted
from talon_bridge.explanation import Notice, TraitExplanation, Verdict
from talon_bridge.outbox import FILE_NAME, open_outbox
from talon_bridge.outbox.protocol import Attempt, Outbox, OutboxUnavailable, Report, Settlement, State
from talon_bridge.outbox.sqlite import DUPLICATE_WINDOW, PRUNE_EVERY, Job, SqliteOutbox
from talon_bridge.settings import SettingsError

REPORT = Report((TraitExplanation("/a", "a", 2**70, Verdict.SENT),), Notice("", "why"), (Notice("SRC-1", "w"),))


def call(message_id: str, user_id: str | None = "u", received_at: float = 1000.0) -> Accepted:
    body = json.dumps({"userId": user_id, "messageId": message_id}).encode()
    return Accepted(message_id, "identify", user_id, body, received_at, "2024-01-01T00:00:00.000Z")


@pytest.fixture(params=["memory", "file"])
def data(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    return None if request.param == "memory" else str(tmp_path / "data")


def with_outbox(data: str | None, use: Callable[[Outbox], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        box = open_outbox(data)
        await box.open()
        try:
            return await use(box)
        finally:
            await box.close()

    return asyncio.run(main())


def test_what_is_appended_waits_in_order(data: str | None) -> None:
    async def use(box: Outbox) -> None:
        first = await box.append([call("a", "u1"), call("b", None), call("c", "u1")])
        (last,) = await box.append([call("d", "u2")])
        assert [waiting.key for waiting in [*first, last]] == ["u1", "", "u1", "u2"]
        assert await box.waiting() == [*first, last]
        assert [waiting.seq for waiting in [*first, last]] == sorted({waiting.seq for waiting in [*first, last]})
        entry = await box.entry(first[1].seq)
        assert (entry.event, entry.state, entry.attempts, entry.report) == (call("b", None), State.WAITING, (), None)

    with_outbox(data, use)


@pytest.mark.parametrize(("later", "stored"), [(0.0, 0), (DUPLICATE_WINDOW - 1, 0), (DUPLICATE_WINDOW + 1, 1)])
def test_a_message_id_counts_once_in_24_hours(data: str | None, later: float, stored: int) -> None:
    async def use(box: Outbox) -> None:
        await box.append([call("a")])
        again = await box.append([call("a", "another user", 1000.0 + later), call("b", received_at=1000.0 + later)])
        assert len(again) == stored + 1
        assert (await box.counts())[State.WAITING] == stored + 2
        (first,) = [entry for entry in await box.recent(10) if entry.event.received_at == 1000.0][-1:]
        assert (first.duplicates, first.duplicate_at) == ((0, None) if stored else (1, 1000.0 + later))

    with_outbox(data, use)


def test_a_message_id_counts_once_in_a_batch_and_after_delivery(data: str | None) -> None:
    async def use(box: Outbox) -> None:
        (only,) = await box.append([call("a"), call("a")])
        await box.settle([Settlement(only.seq, State.DELIVERED, (), REPORT)])
        assert await box.append([call("a")]) == []

    with_outbox(data, use)


def test_after_a_day_settled_events_go_and_all_others_stay(data: str | None) -> None:
    async def use(box: Outbox) -> None:
        old = await box.append([call(f"old {number}") for number in range(6)])
        states = [State.DELIVERED, State.SKIPPED, State.DEAD]
        await box.settle([Settlement(each.seq, state, (), REPORT) for each, state in zip(old, states, strict=False)])
        later = 1000.0 + DUPLICATE_WINDOW
        young = await box.append([call(f"young {number}", received_at=later) for number in range(PRUNE_EVERY)])
        await box.settle([Settlement(young[0].seq, State.DELIVERED, (), REPORT)])
        await box.append([call(f"last {number}", received_at=later) for number in range(PRUNE_EVERY)])
        assert await box.counts() == {
            State.WAITING: 3 + 2 * PRUNE_EVERY - 1,
            State.DELIVERED: 1,
            State.SKIPPED: 0,
            State.DEAD: 1,
        }

    with_outbox(data, use)


def test_settled_events_are_found_and_no_longer_wait(data: str | None) -> None:
    async def use(box: Outbox) -> None:
        one, two, three = await box.append([call("a", "u1"), call("b", "u2"), call("c", "u1")])
        tried = (Attempt(5.0, 503, "busy"), Attempt(6.5, None, "reset"))
        await box.settle(
            [Settlement(one.seq, State.DEAD, tried, REPORT), Settlement(two.seq, State.WAITING, tried, None, 99.5)]
        )
        assert [(waiting.seq, waiting.not_before) for waiting in await box.waiting()] == [
            (two.seq, 99.5),
            (three.seq, 0.0),
        ]
        found = await box.find("a")
        assert found is not None
        assert (found.state, found.attempts, found.report) == (State.DEAD, tried, REPORT)
        assert await box.find("no such") is None
        assert await box.counts() == {State.WAITING: 2, State.DEAD: 1, State.DELIVERED: 0, State.SKIPPED: 0}
        assert [entry.seq for entry in await box.recent(10)] == [three.seq, two.seq, one.seq]
        assert [entry.seq for entry in await box.recent(1)] == [three.seq]
        assert [entry.seq for entry in await box.recent(10, State.WAITING)] == [three.seq, two.seq]
        assert [entry.seq for entry in await box.recent(10, None, "u1")] == [three.seq, one.seq]
        assert await box.recent(10, State.DEAD, "u2") == []

    with_outbox(data, use)


@pytest.mark.parametrize("text", ["a\0b", "😀", "a'; DROP TABLE events; --", "ä" * 100, "\r\n", " "])
def test_any_text_is_an_id(data: str | None, text: str) -> None:
    async def use(box: Outbox) -> None:
        (waiting,) = await box.append([call(text, text)])
        assert waiting.key == text
        found = await box.find(text)
        assert found is not None
        assert found.event.user_id == text
        assert len(await box.recent(10, None, text)) == 1

    with_outbox(data, use)


def test_a_file_keeps_everything(tmp_path: Path) -> None:
    folder = str(tmp_path / "data")

    async def fill(box: Outbox) -> Any:
        waiting = await box.append([call("a"), call("b"), call("c")])
        await box.settle([Settlement(waiting[0].seq, State.DELIVERED, (Attempt(1.0, 200),), REPORT)])
        return await box.recent(10)

    before = with_outbox(folder, fill)
    assert with_outbox(folder, lambda box: box.recent(10)) == before
    assert len(with_outbox(folder, lambda box: box.append([call("d"), call("b")]))) == 1


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
        level: int = await box._do(lambda db: db.execute("PRAGMA synchronous").fetchone()[0])
        await box.close()
        return level

    assert asyncio.run(main()) == 2


# Commits


class Counting(SqliteOutbox):
    """Counts its transactions."""

    commits = 0

    def _commit(self, jobs: Sequence[Job]) -> list[Any]:
        self.commits += 1
        return super()._commit(jobs)


def test_many_appends_share_a_commit(tmp_path: Path) -> None:
    async def main() -> int:
        box = Counting(tmp_path / FILE_NAME)
        await box.open()
        answers = await asyncio.gather(*(box.append([call(f"m{n}")]) for n in range(200)))
        assert [waiting[0].seq for waiting in answers] == list(range(1, 201))
        commits = box.commits
        await box.close()
        return commits

    assert asyncio.run(main()) <= 3


def test_a_full_disk_refuses_and_loses_nothing() -> None:
    async def main() -> None:
        box = SqliteOutbox(None)
        await box.open()
        await box.append([call("before")])
        await box._do(lambda db: db.execute("PRAGMA max_page_count = 1"))
        heavy = Accepted("big", "identify", "u", b"x" * 1_000_000, 1.0, "")
        with pytest.raises(OutboxUnavailable, match="cannot be written: database or disk is full"):
            await box.append([call("beside"), heavy])
        assert [entry.event.message_id for entry in await box.recent(10)] == ["before"]
        await box._do(lambda db: db.execute("PRAGMA max_page_count = 1000000"))
        assert len(await box.append([call("beside"), heavy])) == 2
        await box.close()

    asyncio.run(main())


def test_an_error_in_one_job_does_not_end_the_commits() -> None:
    async def main() -> None:
        box = SqliteOutbox(None)
        await box.open()
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(UnicodeEncodeError):
                await box.find("\ud800")
            assert len(await box.append([call("after")])) == 1
            await box.close()
            with pytest.raises(OutboxUnavailable, match="closing"):
                await box.counts()

    asyncio.run(main())


# Against a list


class OutboxAgainstAList(RuleBasedStateMachine):
    """Whatever is done to an outbox in a file, and however often it is reopened, it holds what a list would."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.now = 1000.0
        self.rows: list[dict[str, Any]] = []

    @initialize()
    def start(self) -> None:
        self.box = open_outbox(self.folder.name)
        self.runner.run(self.box.open())

    @rule(ids=st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["u", "v", None])), max_size=3))
    def append(self, ids: list[tuple[str, str | None]]) -> None:
        stored = self.runner.run(self.box.append([call(message, user, self.now) for message, user in ids]))
        expected = []
        for message, user in ids:
            recent = [row["at"] for row in self.rows if row["id"] == message]
            if not recent or recent[-1] <= self.now - DUPLICATE_WINDOW:
                row = {"id": message, "user": user, "at": self.now, "state": State.WAITING, "not_before": 0.0}
                self.rows.append(row)
                expected.append(user or "")
        assert [waiting.key for waiting in stored] == expected

    @precondition(lambda self: self.rows)
    @rule(which=st.integers(0), state=st.sampled_from(State), not_before=st.floats(0, 9))
    def settle(self, which: int, state: State, not_before: float) -> None:
        place = which % len(self.rows)
        self.rows[place].update(state=state, not_before=not_before)
        self.runner.run(self.box.settle([Settlement(place + 1, state, (), REPORT, not_before)]))

    @rule(hours=st.sampled_from([1, 23, 25]))
    def later(self, hours: int) -> None:
        self.now += hours * 3600

    @rule()
    def reopen(self) -> None:
        self.runner.run(self.box.close())
        self.start()

    @invariant()
    def holds_what_the_list_holds(self) -> None:
        if not hasattr(self, "box"):
            return
        waiting = [
            (place, row["user"] or "", row["not_before"])
            for place, row in enumerate(self.rows, 1)
            if row["state"] is State.WAITING
        ]
        found = self.runner.run(self.box.waiting())
        assert [(item.seq, item.key, item.not_before) for item in found] == waiting
        newest = [entry.event.message_id for entry in self.runner.run(self.box.recent(1000))]
        assert newest == [row["id"] for row in reversed(self.rows)]
        counts = self.runner.run(self.box.counts())
        assert counts == {state: sum(row["state"] is state for row in self.rows) for state in State}

    def teardown(self) -> None:
        self.runner.run(self.box.close())
        self.runner.close()
        self.folder.cleanup()


TestOutboxAgainstAList = OutboxAgainstAList.TestCase
TestOutboxAgainstAList.settings = hypothesis_settings(deadline=None, max_examples=15, stateful_step_count=15)
