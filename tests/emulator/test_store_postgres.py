"""The PostgreSQL store: what it says when it cannot be opened, and what it keeps as it is."""

import json
import socket
import subprocess
import sys
from typing import Any

import httpx
import pytest

from postgres_support import PASSWORD, PostgresServer
from store_support import using
from talon_emulator.profiles import Profile
from talon_emulator.records import Record
from talon_emulator.store import Store, StoreUnavailable, open_store


async def look(store: Store) -> Any:
    return await store.deployments()


def reason(url: str) -> str:
    with pytest.raises(StoreUnavailable) as caught:
        using(url, look)
    message = str(caught.value)
    assert PASSWORD not in message
    assert "wr0ng" not in message
    assert caught.value.__cause__ is None
    return message


def test_says_why_a_database_cannot_be_used(postgres: PostgresServer) -> None:
    where = f"at 127.0.0.1:{postgres.port}"
    for url in (postgres.url("postgres", password="wr0ng"), postgres.url("postgres", user="nobody", password="wr0ng")):
        assert reason(url) == f"cannot use the database 'postgres' {where}: the server refuses this user and password"
    expected = (
        f"cannot use the database 'none' {where}: there is no such database; create it, for example with createdb"
    )
    assert reason(postgres.url("none")) == expected
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    said = reason(f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/x")
    assert said == f"cannot reach the database 'x' at 127.0.0.1:{port}: is the server running, and is this its address?"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:wr0ng@localhost:port/x",
        "postgresql://u:wr0ng/1@localhost/x",
        "postgresql://u:1/wr0ng@localhost/x",
        "postgresql://u:1#wr0ng@localhost/x",
        "postgresql://u:1?wr0ng@localhost/x",
        "postgresql://u:wr0ng@[/x",
    ],
)
def test_a_url_that_is_none(url: str) -> None:
    assert "must be like postgresql://user:password@localhost:5432/name" in reason(url)


def test_an_unknown_parameter_of_the_url_is_no_traceback(postgres: PostgresServer) -> None:
    assert reason(postgres.url("postgres") + "?sslmode=wr0ng").startswith("cannot use the database 'postgres'")


def test_a_newer_schema_is_refused(postgres: PostgresServer) -> None:
    url = postgres.database()
    assert using(url, look) == ()
    postgres.execute(url, "UPDATE localtalon.store SET version = 99")
    assert "it was written by a newer version of the emulator" in reason(url)
    assert postgres.execute(url, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()") == [(1,)]


def test_the_tables_of_others_are_left_alone(postgres: PostgresServer) -> None:
    url = postgres.database()
    postgres.execute(url, "CREATE TABLE store (x int)", "CREATE TABLE profiles (x int)")
    assert using(url, look) == ()
    assert postgres.execute(url, "SELECT x FROM public.store") == []


def test_without_the_driver_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("talon_emulator.store.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "asyncpg", None)  # as if it were not installed
    with pytest.raises(StoreUnavailable, match="pip install asyncpg"):
        open_store("postgresql://localhost/x")


def test_the_command_line_takes_a_url(postgres: PostgresServer) -> None:
    command = [sys.executable, "-m", "localtalon", "emulator", "--data", postgres.database(), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = process.stdout.readline()
        try:
            url = json.loads(printed)["emulator"]
            assert httpx.get(f"{url}/_emulator/ready", trust_env=False).json()["deployments"] == ["demo"]
        finally:
            process.terminate()
        _, errors = process.communicate(timeout=20)
        assert (process.returncode, errors) == (0, "")
    assert PASSWORD not in printed


def test_names_of_any_length_and_any_character(data: str | None) -> None:
    """An index of PostgreSQL takes no more than some 2,700 bytes, and its texts no NUL."""
    name = "\0ä\U0001f600" * 333

    async def work(store: Store) -> None:
        number = (await store.create_deployment(name)).id
        made = await store.update_profile(number, "live", name, lambda _: Profile(0, name, "c", "c"))
        assert await store.find_profile(number, "live", name) == made
        assert await store.find_profile(number, "live", name + "x") is None
        record = Record(0, "session", 1, name, name, "c")
        kept = await store.update_record(number, "session", 1, name, lambda _: record)
        assert await store.find_record(number, "session", 1, name) == kept
        await store.save_snapshot(number, name)
        assert await store.list_snapshots(number) == (name,)
        found = await store.find_snapshot(number, name)
        assert found is not None
        assert (found.profiles, found.records) == ((made,), (kept,))
        assert [deployment.name for deployment in await store.deployments()] == [name]

    using(data, work)
