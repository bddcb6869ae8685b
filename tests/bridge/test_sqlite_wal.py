"""Damage of SQLite's log: what was answered with 200 is there, or the outbox is refused; a torn end is no damage."""

import asyncio
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.outbox_stores import call
from talon_bridge.databases import sqlite_check, sqlite_wal
from talon_bridge.outbox import FILE_NAME
from talon_bridge.outbox.sqlite import SqliteOutbox
from talon_bridge.settings import SettingsError

WAL, SHM = FILE_NAME + "-wal", FILE_NAME + "-shm"
_MANY = settings(max_examples=150, deadline=None)


class Left(NamedTuple):
    """What a killed bridge left behind, and the messageIds of each of its commits."""

    files: dict[str, bytes]
    commits: list[list[str]]

    @property
    def accepted(self) -> set[str]:
        """All that was answered with 200."""
        return {message_id for commit in self.commits for message_id in commit}

    def with_file(self, name: str, content: bytes | None) -> "Left":
        """The same with another content of a file, or without it."""
        files = {each: text for each, text in self.files.items() if each != name}
        return Left(files if content is None else {**files, name: content}, self.commits)


def files_of(place: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in place.iterdir() if path.name.startswith(FILE_NAME)}


async def history(place: Path) -> list[Left]:
    """What a kill after each commit would leave; in the middle the log begins anew over its old frames."""
    lives, commits = list[Left](), list[list[str]]()
    box = SqliteOutbox(place / FILE_NAME)
    await box.open()
    for number, size in enumerate([1, 30, 1, 40, 1, 1, 2, 25, 1, 3, 1]):
        if number == 4:
            await box._database.read(lambda db: db.execute("PRAGMA wal_checkpoint(RESTART)").fetchall())
        commit = [f"m{number}-{each}" for each in range(size)]
        await box.append([call(each, each, body=b'{"n":"' + each.encode() * 40 + b'"}') for each in commit])
        commits.append(commit)
        lives.append(Left(files_of(place), list(commits)))
    await box.close()
    return lives


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> list[Left]:
    return asyncio.run(history(tmp_path_factory.mktemp("wal")))


@pytest.fixture
def warned(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], bool]]:
    def seen() -> bool:
        found = any(getattr(record, "action", "") == "database_doubt" for record in caplog.records)
        caplog.clear()
        return found

    with caplog.at_level(logging.WARNING):
        yield seen


async def _found(place: Path) -> set[str]:
    box = SqliteOutbox(place / FILE_NAME)
    await box.open()
    try:
        found = await box.recent(10_000)
        for entry in found:
            assert entry.event.body == b'{"n":"' + entry.event.message_id.encode() * 40 + b'"}'
        return {entry.event.message_id for entry in found}
    finally:
        await box.close()


def found(left: Left) -> set[str] | None:
    """What the next bridge finds; None when it refuses, which changes nothing and says what to do."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for each, content in left.files.items():
            (place / each).write_bytes(content)
        try:
            return asyncio.run(_found(place))
        except SettingsError as error:
            said = str(error)
        assert f"{place / FILE_NAME} cannot be used as an outbox: " in said
        assert f"localtalon doctor --data {place}" in said
        assert files_of(place) == left.files
        return None


def flipped(content: bytes, at: int, by: int) -> bytes:
    return content[:at] + bytes([content[at] ^ by]) + content[at + 1 :]


positions = st.floats(0, 1, exclude_max=True)
bits = st.integers(1, 255)
numbers = st.integers(0, 10)


def test_every_life_is_whole(lives: list[Left], warned: Callable[[], bool]) -> None:
    for left in lives:
        for files in (left, left.with_file(SHM, None)):
            assert found(files) == left.accepted
            assert not warned()


@_MANY
@given(number=numbers, where=positions, by=bits)
def test_a_flipped_byte_of_the_log_loses_nothing_unseen(lives: list[Left], number: int, where: float, by: int) -> None:
    left = lives[number]
    log = left.files[WAL]
    assert found(left.with_file(WAL, flipped(log, int(where * len(log)), by))) in (None, left.accepted)


@_MANY
@given(number=numbers, where=positions)
def test_a_log_that_is_cut_off_loses_nothing_unseen(lives: list[Left], number: int, where: float) -> None:
    left = lives[number]
    log = left.files[WAL]
    assert found(left.with_file(WAL, log[: int(where * len(log))])) in (None, left.accepted)


def test_a_log_that_is_gone_is_missed(lives: list[Left]) -> None:
    assert found(lives[-1].with_file(WAL, None)) is None
    assert found(lives[-1].with_file(WAL, b"")) is None


def test_without_the_index_only_the_last_change_can_be_lost_and_that_is_said(
    lives: list[Left], warned: Callable[[], bool]
) -> None:
    @_MANY
    @given(number=numbers, where=positions, by=bits)
    def holds(number: int, where: float, by: int) -> None:
        left = lives[number].with_file(SHM, None)
        log = left.files[WAL]
        at = int(where * len(log))
        got = found(left.with_file(WAL, flipped(log, at, by)))
        doubted = warned()
        if got is not None and got != left.accepted:
            assert got == left.accepted - set(left.commits[-1])
            salts = 8 <= (at - sqlite_wal.HEADER) % (sqlite_wal.FRAME_HEADER + 4096) < 16
            assert doubted or salts  # then the last frame looks like one of an earlier use of the file

    holds()


def test_a_write_that_a_kill_cut_off_is_no_damage(lives: list[Left], warned: Callable[[], bool]) -> None:
    @_MANY
    @given(number=st.sampled_from([0, 1, 2, 4, 5, 6, 7, 8, 9]), where=positions, indexed=st.booleans())
    def holds(number: int, where: float, indexed: bool) -> None:
        before, after = lives[number], lives[number + 1]
        old, new = before.files[WAL], after.files[WAL]
        begun = next((at for at, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), len(old))
        cut = begun + int(where * (len(new) - begun))
        left = before.with_file(WAL, new[:cut] + old[cut:])
        if not indexed:
            left = left.with_file(SHM, None)
        got, doubted = found(left), warned()
        assert got is not None
        assert before.accepted <= got <= after.accepted
        assert not (indexed and doubted)

    holds()


def test_frames_of_a_failed_write_are_no_damage(lives: list[Left]) -> None:
    """A full disk can leave the header of a last frame without its page; a shorter commit does not reach over it."""
    left = lives[-1]
    log = left.files[WAL]
    size = sqlite_wal.FRAME_HEADER + 4096
    frames = sqlite_wal.read(log).frames
    end = sqlite_wal.HEADER + frames * size
    stale = log[end - size : end - 4096] + bytes(4096)
    assert found(left.with_file(WAL, log[:end] + stale * 3)) == left.accepted
    assert found(left.with_file(WAL, log[:end] + stale * 3).with_file(SHM, None)) == left.accepted


def test_two_changes_behind_a_damage_prove_it_without_the_index(lives: list[Left], tmp_path: Path) -> None:
    left = lives[-1].with_file(SHM, None)
    log = left.files[WAL]
    assert found(left.with_file(WAL, flipped(log, sqlite_wal.HEADER + 2000, 1))) is None
    told = sqlite_wal.read(flipped(log, sqlite_wal.HEADER + 2000, 1))
    assert (told.frames, told.later > 1) == (0, True)


def test_an_index_that_is_damaged_or_of_another_log_is_not_believed(lives: list[Left]) -> None:
    left = lives[-1]
    shm = left.files[SHM]
    assert sqlite_wal.index(shm) is not None
    for at in (16, 40, 60):
        assert sqlite_wal.index(flipped(shm, at, 4)) is None
        assert found(left.with_file(SHM, flipped(shm, at, 4))) == left.accepted
    assert sqlite_wal.index(b"") is None
    assert found(left.with_file(SHM, lives[0].files[SHM])) == left.accepted


@pytest.mark.parametrize("cut", [0, 50, 512, 4096, -4096, -1])
def test_a_file_that_is_cut_short_is_refused(lives: list[Left], tmp_path: Path, cut: int) -> None:
    asyncio.run(history(tmp_path / "whole"))
    shutil.copytree(tmp_path / "whole", tmp_path / "cut")
    path = tmp_path / "cut" / FILE_NAME
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(SettingsError, match=r"(cut short|is empty|not a database).*localtalon doctor"):
        asyncio.run(_found(path.parent))


def test_an_empty_file_beside_a_log_is_refused(lives: list[Left]) -> None:
    for name in (SHM, ""):
        assert found(lives[-1].with_file(name, None).with_file(FILE_NAME, b"")) is None
        assert found(lives[-1].with_file(name, None).with_file(FILE_NAME, None)) is None


def test_what_a_checkpoint_had_not_written_yet_is_not_missed(lives: list[Left]) -> None:
    """A kill in the middle of one leaves a file that is shorter than its header says; the log has the rest."""
    left = lives[3]
    with tempfile.TemporaryDirectory() as name:
        for each, content in left.files.items():
            Path(name, each).write_bytes(content)
        asyncio.run(_found(Path(name)))
        whole = Path(name, FILE_NAME).read_bytes()
    begun = len(left.files[FILE_NAME])
    assert begun < len(whole)
    for size in range(begun, len(whole), 4096):
        assert found(left.with_file(FILE_NAME, whole[:size])) == left.accepted


def test_a_damaged_structure_is_refused(tmp_path: Path) -> None:
    asyncio.run(history(tmp_path))
    path = tmp_path / FILE_NAME
    whole = path.read_bytes()
    refused = 0
    for page in range(1, len(whole) // 4096):
        at = page * 4096
        path.write_bytes(whole[:at] + b"\xff" * 16 + whole[at + 16 :])
        with pytest.raises(SettingsError, match="localtalon doctor"):
            asyncio.run(_found(tmp_path))
        refused += 1
    assert refused > 10
    assert sqlite_check.findings(path)
