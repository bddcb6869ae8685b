"""`localtalon doctor`: what it finds in an outbox, what it says, and that it changes nothing."""

import asyncio
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from bridge.outbox_stores import call, settled, waiting
from localtalon.cli import main
from talon_bridge import events
from talon_bridge.outbox import FILE_NAME
from talon_bridge.outbox.protocol import State
from talon_bridge.outbox.sqlite import SqliteOutbox
from talon_bridge.settings import SettingsError


def doctor(data: Path | str, *more: str) -> Result:
    return CliRunner().invoke(main, ["doctor", "--data", str(data), *more])


def told(data: Path, *more: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(doctor(data, "--json", *more).stdout)
    return found


def body(number: int) -> bytes:
    traits = {"note": "€" * 400, "price": 1.5}
    return json.dumps({"type": "identify", "messageId": f"m{number}", "userId": "u", "traits": traits}).encode()


async def fill(place: Path, copied: Path | None = None) -> None:
    """Sixty events, of which one is delivered and one dead; `copied` gets the files as a kill would leave them."""
    box = SqliteOutbox(place / FILE_NAME)
    await box.open()
    for number in range(60):
        await box.append([call(f"m{number}", body=body(number))])
    first, second, *_ = await waiting(box)
    await box.settle([settled(first, State.DELIVERED), settled(second, State.DEAD)])
    if copied is not None:
        shutil.copytree(place, copied)
    await box.close()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An outbox that was closed well."""
    asyncio.run(fill(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """An outbox whose bridge was killed."""
    asyncio.run(fill(tmp_path / "first", tmp_path / "killed"))
    return tmp_path / "killed"


def contents(place: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in place.iterdir()}


def change(data: Path, *statements: str) -> None:
    db = sqlite3.connect(data / FILE_NAME)
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()


@pytest.mark.parametrize("kind", ["data", "killed"])
def test_a_whole_outbox_is_well_and_left_as_it_is(kind: str, request: pytest.FixtureRequest) -> None:
    place: Path = request.getfixturevalue(kind)
    before = contents(place)
    result = doctor(place)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        f"{place / FILE_NAME}: 60 events can be read (1 delivered, 1 dead, 58 waiting)",
        "no damage found",
    ]
    assert contents(place) == before


def test_a_damaged_log_is_found_and_the_evidence_is_kept(killed: Path) -> None:
    log = killed / f"{FILE_NAME}-wal"
    content = bytearray(log.read_bytes())
    content[len(content) // 2] ^= 1
    log.write_bytes(content)
    before = contents(killed)
    for _ in range(2):
        result = doctor(killed)
        assert result.exit_code == 1
        assert "damaged: its log is damaged or cut off after " in result.stdout
        assert f"localtalon doctor --data {killed} --export FILE" in result.stdout
    assert contents(killed) == before


def test_a_change_that_was_not_written_to_its_end_is_in_doubt(killed: Path) -> None:
    log = killed / f"{FILE_NAME}-wal"
    (killed / f"{FILE_NAME}-shm").unlink()
    content = bytearray(log.read_bytes())
    content[-1] ^= 1
    log.write_bytes(content)
    result = doctor(killed)
    assert result.exit_code == 0
    assert "in doubt: its log ends in the middle of a change" in result.stdout


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("UPDATE standing SET waiting = 7", "58 events that are waiting can be read, but 7 were counted"),
        ("DELETE FROM standing", "58 events that are waiting can be read, but None were counted"),
        ("UPDATE events SET body = x'7b' WHERE seq = 5", "event 5 cannot be read (invalid_json)"),
        (
            "UPDATE events SET message_id = 'm_' WHERE seq = 5",
            "event 5: its messageId is another than the one in its body",
        ),
        ("UPDATE events SET user_id = 'v' WHERE seq = 5", "event 5: its userId is another than the one in its body"),
        ("UPDATE events SET settings = x'5B' WHERE seq = 5", "event 5 cannot be read (invalid_json)"),
        ("UPDATE events SET settings = 5 WHERE seq = 5", "event 5 cannot be read (AttributeError)"),
        ("UPDATE events SET attempts = 'x' WHERE seq = 5", "event 5 cannot be read (DecodeError)"),
        ("UPDATE events SET state = 'waitinh' WHERE seq = 5", "event 5 cannot be read (ValueError)"),
        (
            "UPDATE events SET timestamp = CAST(x'FF' AS TEXT) WHERE seq = 5",
            "event 5 cannot be read (OperationalError)",
        ),
        ("UPDATE message_ids SET seq = 9 WHERE seq = 5", "1 messageIds lead to an event with another one"),
        ("DROP TABLE events", "there is no table of events in it"),
    ],
)
def test_what_no_checksum_tells_is_found_where_it_is_kept_twice(data: Path, statement: str, finding: str) -> None:
    change(data, statement)
    found = told(data)
    assert finding in found["damage"]


def test_many_findings_are_cut_short(data: Path) -> None:
    change(data, "UPDATE events SET body = 'x'")
    assert told(data)["damage"][20] == "and 40 more events"


def test_a_cut_file_and_a_broken_page_are_found_and_the_rest_is_read(data: Path, tmp_path: Path) -> None:
    path = data / FILE_NAME
    whole = path.read_bytes()
    page = whole.index(b'"m30"') // 4096
    path.write_bytes(whole[: page * 4096] + b"\xff" * 64 + whole[page * 4096 + 64 :])
    found = told(data, "--export", str(tmp_path / "calls"))
    read = sum(found["counts"].values())
    assert found["damage"]
    assert 40 < read < 60
    assert found["exported"] == read - 1 == len((tmp_path / "calls").read_bytes().splitlines())
    path.write_bytes(whole[: 2 * 4096])
    assert "cut short" in told(data)["damage"][0]


def test_a_schema_that_is_no_text_any_more_is_damage(data: Path) -> None:
    path = data / FILE_NAME
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"REAL NOT NULL,\n    seq         INT", b"REAL NOT NULL\xac\n    seq         INT"))
    assert path.read_bytes() != whole
    assert "malformed database schema" in told(data)["damage"]
    with pytest.raises(SettingsError, match="malformed database schema"):
        asyncio.run(SqliteOutbox(path).open())


def test_an_export_can_be_sent_again(data: Path, tmp_path: Path) -> None:
    found = told(data, "--export", str(tmp_path / "calls"))
    assert (found["damage"], found["exported"]) == ([], 59)
    lines = (tmp_path / "calls").read_bytes().splitlines()
    batch = b'{"batch":[' + b",".join(lines) + b"]}"
    arrival = events.batch(batch, 1000.0, lambda: "new")
    assert [event.message_id for event in arrival.events] == [f"m{number}" for number in range(1, 60)]
    original = msgspec.json.decode(body(1))
    assert msgspec.json.decode(lines[0]) == {**original, "timestamp": "2024-01-01T00:00:00.000Z"}
    assert os.stat(tmp_path / "calls").st_mode & 0o077 == 0
    again = doctor(data, "--export", str(tmp_path / "calls"))
    assert (again.exit_code, "cannot be made: File exists" in again.stderr) == (2, True)


def test_a_bridge_at_work_is_left_alone(tmp_path: Path) -> None:
    async def use() -> Result:
        box = SqliteOutbox(tmp_path / FILE_NAME)
        await box.open()
        result = await asyncio.to_thread(doctor, tmp_path, "--export", str(tmp_path / "calls"))
        await box.close()
        return result

    result = asyncio.run(use())
    assert result.exit_code == 2
    assert result.stderr == f"localtalon: a bridge is using {tmp_path / FILE_NAME}; stop it first\n"
    assert not (tmp_path / "calls").exists()


@pytest.mark.parametrize(
    ("spoil", "code", "text"),
    [
        (lambda path: path.unlink(), 2, "there is no outbox in "),
        (lambda path: path.write_bytes(b""), 1, "it is empty"),
        (lambda path: path.write_bytes(b"no database" * 99), 1, "it is not a database, or its beginning is damaged"),
        (lambda path: change(path.parent, "PRAGMA user_version = 99"), 2, "written by a newer localtalon (schema 99)"),
        (lambda path: change(path.parent, "PRAGMA user_version = 1"), 0, "it is of an older localtalon (schema 1)"),
    ],
)
def test_what_is_no_outbox_is_said(data: Path, spoil: Callable[[Path], object], code: int, text: str) -> None:
    spoil(data / FILE_NAME)
    result = doctor(data)
    assert result.exit_code == code
    assert text in result.output


def test_other_places_are_named(tmp_path: Path) -> None:
    with_password = doctor("postgresql://user:secret@host/name")
    assert with_password.exit_code == 0
    assert "PostgreSQL, which finds damage itself" in with_password.output
    assert "secret" not in with_password.output
    config = tmp_path / "localtalon.toml"
    config.write_text("")
    memory = CliRunner().invoke(main, ["doctor", "--config", str(config)])
    assert (memory.exit_code, "keeps everything in memory" in memory.stderr) == (2, True)
