"""What a damaged store, or an unsafe place for one, is answered with: one line and exit code 2."""

import asyncio
import os
import random
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from emulator_support import SEED
from postgres_support import PostgresServer
from store_support import using
from talon_emulator.app import create_app
from talon_emulator.settings import Settings
from talon_emulator.store import StoreUnavailable
from talon_emulator.store.sqlite_database import FILE_NAME

PAGE = 4096


def said(data: str) -> str:
    """Return what `localtalon emulator` says when it cannot start, which is one line."""
    program = "from localtalon.cli import main; main()"
    command = [sys.executable, "-c", program, "emulator", "--port", "0", "--data", data]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    return done.stderr


def opened(data: str) -> None:
    """Start an emulator and end it."""

    async def run() -> None:
        app = create_app(Settings(deployment=SEED, data=data))
        await app.open()
        await app.close()

    asyncio.run(run())


def complaint(data: str) -> str:
    """Return why the store cannot be used, and nothing when it can."""
    try:
        opened(data)
    except StoreUnavailable as error:
        return str(error)
    return ""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file that an emulator left."""
    opened(str(tmp_path / "data"))
    return tmp_path / "data" / FILE_NAME


def flipped(file: Path, first: int, last: int) -> None:
    content = bytearray(file.read_bytes())
    part = slice((first - 1) * PAGE, last * PAGE)
    content[part] = bytes(byte ^ 0xFF for byte in content[part])
    file.write_bytes(content)


@pytest.mark.parametrize(("first", "last"), [(1, 3), (1, 1), (2, 3)])
def test_a_damaged_file_is_one_line(file: Path, first: int, last: int) -> None:
    flipped(file, first, last)
    line = said(str(file.parent))
    assert f"{file} is damaged" in line
    assert "move it away to start anew" in line


def test_any_damage_is_found_out_or_does_no_harm(file: Path) -> None:
    whole, draw = file.read_bytes(), random.Random(18)
    found_out = 0
    for _ in range(100):
        content = bytearray(whole)
        for _ in range(draw.choice([1, 5, 50, 3000])):
            content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        file.write_bytes(content)
        line = complaint(str(file.parent))
        if line:
            assert str(file) in line
            assert "\n" not in line
            found_out += 1
    assert found_out > 20


@pytest.mark.parametrize("document", ["x'00'", "'{'", "'[]'", '\'{"state":{},"baseline":{"attributes":1}}\''])
def test_damaged_definitions_are_one_line(file: Path, document: str) -> None:
    connection = sqlite3.connect(file)
    connection.execute(f"UPDATE deployments SET document = CAST({document} AS BLOB)")
    connection.commit()
    connection.close()
    with pytest.raises(StoreUnavailable, match="is damaged: the definitions of the deployment 'demo' cannot be read"):
        opened(str(file.parent))
    assert str(file) in said(str(file.parent))


def test_damaged_definitions_in_a_database_are_one_line(postgres: PostgresServer) -> None:
    url = postgres.database()
    opened(url)

    async def damage() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute("UPDATE localtalon.deployments SET document = '{'")
        await connection.close()

    asyncio.run(damage())
    line = said(url)
    assert "is damaged: the definitions of the deployment" in line
    assert "drop its schema localtalon to start anew" in line
    assert url not in line


def test_a_version_that_never_was_is_refused(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = -1")
    connection.close()
    with pytest.raises(StoreUnavailable, match="newer version"):
        opened(str(file.parent))


def test_an_empty_directory_open_to_all_is_shut(tmp_path: Path) -> None:
    place = tmp_path / "open"
    place.mkdir()
    place.chmod(0o777)
    opened(str(place))
    assert stat.S_IMODE(place.stat().st_mode) == 0o700


def test_a_directory_open_to_all_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "something").write_text("")
    tmp_path.chmod(0o1777)
    assert f"anybody may write to {tmp_path}" in said(str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["something"]
    opened(str(tmp_path / "inside"))


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_another_that_is_open_to_all_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "theirs"
    place.mkdir()
    os.chown(place, 12345, 12345)
    place.chmod(0o777)
    with pytest.raises(StoreUnavailable, match="anybody may write"):
        using(str(place), lambda store: store.deployments())
    assert stat.S_IMODE(place.stat().st_mode) == 0o777


def test_a_directory_for_a_group_is_used(tmp_path: Path) -> None:
    tmp_path.chmod(0o775)
    opened(str(tmp_path))
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o775
