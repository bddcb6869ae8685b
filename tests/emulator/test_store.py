"""What every store does alike; the SQLite file: private, locked, upgraded."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from emulator_support import SANDBOX_KEY, SEED, Emulator, api_key, running
from store_support import process, using
from talon_emulator import errors
from talon_emulator.app import create_app
from talon_emulator.deployments import Deployment
from talon_emulator.errors import Refusal
from talon_emulator.profiles import Profile
from talon_emulator.seed import ApplicationSeed, AttributeSeed, DeploymentSeed, KeySeed
from talon_emulator.settings import Settings
from talon_emulator.store import StoreUnavailable, sqlite_database, statements
from talon_emulator.store.protocol import BulkChange, KeptAnswer, Store
from talon_emulator.store.sqlite import SQLiteStore
from talon_emulator.store.sqlite_database import FILE_NAME


def profile(attributes: bytes = b"{}") -> Profile:
    return Profile(0, "u", "created", "active", attributes)


def test_profiles_are_apart_by_deployment_and_environment(data: str | None) -> None:
    async def work(store: Store) -> None:
        one, two = await store.create_deployment("one"), await store.create_deployment("two")
        for number, (deployment, environment) in enumerate([(one, "sandbox"), (one, "live"), (two, "sandbox")]):
            content = b'{"n":%d}' % number
            made = await store.update_profile(deployment.id, environment, "u", lambda _, c=content: profile(c))  # type: ignore[misc, arg-type]
            assert isinstance(made, Profile)
            assert made.id == (2 if environment == "live" else 1)
            assert await store.find_profile(deployment.id, environment, "u") == made  # type: ignore[arg-type]
        assert await store.find_profile(two.id, "live", "u") is None
        await store.reset_deployment(one.id)
        assert await store.count_profiles(one.id, "sandbox") == await store.count_profiles(one.id, "live") == 0
        assert await store.count_profiles(two.id, "sandbox") == 1

    using(data, work)


def test_everything_of_a_profile_comes_back_alone_and_in_bulk(data: str | None) -> None:
    full = Profile(0, "u", "c", "a", b'{"n":0.10}', (3, 5), closed_sessions=2, total_sales=b"1.10")
    grown = msgspec.structs.replace(full, last_activity="b", audiences=(4,), closed_sessions=3, total_sales=b"2e3")

    async def work(store: Store) -> None:
        number = (await store.create_deployment("one")).id
        made = await store.update_profile(number, "live", "u", lambda _: full)
        assert made == msgspec.structs.replace(full, id=1, environment="live")
        assert await store.find_profile(number, "live", "u") == made
        for audiences in ((4,), (3, 5)):
            changed = msgspec.structs.replace(grown, id=1, environment="live", audiences=audiences)
            assert await store.update_profile(number, "live", "u", lambda _, to=changed: to) == changed  # type: ignore[misc]
            assert await store.find_profile(number, "live", "u") == changed
        pair: list[tuple[str, BulkChange]] = [("v", lambda _: full), ("u", lambda _: made)]
        outcome = await store.update_profiles(number, "live", pair)
        assert not isinstance(outcome, Refusal)
        assert outcome[0] == msgspec.structs.replace(full, id=2, environment="live", integration_id="v")
        assert await store.list_profiles(number, None, 9, 0) == (made, outcome[0])

    using(data, work)


def test_a_refused_change_and_one_without_effect_write_nothing(data: str | None) -> None:
    async def work(store: Store) -> None:
        deployment = (await store.create_deployment("one")).id
        refusal = errors.not_found("x")
        assert await store.update_profile(deployment, "live", "u", lambda _: refusal) is refusal
        assert await store.find_profile(deployment, "live", "u") is None
        made = await store.update_profile(deployment, "live", "u", lambda _: profile())
        seen: list[Profile | None] = []

        def look(stored: Profile | None) -> Profile:
            assert stored is not None
            seen.append(stored)
            return stored

        assert await store.update_profile(deployment, "live", "u", look) == made
        assert seen == [made]
        assert await store.change_deployment(deployment, lambda _: refusal) is refusal

    using(data, work)


def test_a_change_that_fails_is_undone(data: str | None) -> None:
    async def work(store: Store) -> None:
        before = await store.create_deployment("one")
        with pytest.raises(ZeroDivisionError):
            await store.change_deployment(before.id, lambda _: 1 // 0)  # type: ignore[arg-type,return-value]
        assert await store.deployments() == (before,)

    using(data, work)


def test_a_bulk_is_all_or_nothing_and_goes_in_order(data: str | None) -> None:
    def growing(stored: Profile | None) -> Profile:
        held = profile(b"[") if stored is None else stored
        return msgspec.structs.replace(
            held, attributes=held.attributes + b"x", audiences=(*held.audiences, 3 + len(held.audiences))
        )

    async def work(store: Store) -> None:
        deployment = (await store.create_deployment("one")).id
        before = await store.update_profile(deployment, "live", "old", growing)
        refusal = errors.not_found("x")
        changes: list[tuple[str, BulkChange]] = [("new", growing), ("old", growing), ("none", lambda _: refusal)]
        assert await store.update_profiles(deployment, "live", changes) is refusal
        assert await store.list_profiles(deployment, "live", 9, 0) == (before,)
        changes = [("new", growing), ("old", growing), ("none", lambda _: None), ("new", lambda held: held)]
        made = await store.update_profiles(deployment, "live", changes)
        assert isinstance(made, tuple)
        assert [held and (held.id, held.attributes) for held in made] == [(2, b"[x"), (1, b"[xx"), None, (2, b"[x")]
        assert await store.find_profile(deployment, "live", "none") is None
        found = await store.list_profiles(deployment, "live", 9, 0)
        assert found == (made[1], made[0])
        assert [(p.integration_id, p.attributes, p.audiences) for p in found] == [
            ("old", b"[xx", (3, 4)),
            ("new", b"[x", (3,)),
        ]
        assert await store.update_profiles(deployment, "sandbox", []) == ()

    using(data, work)


def test_a_bulk_is_larger_than_one_statement_takes(data: str | None) -> None:
    async def work(store: Store) -> None:
        deployment = (await store.create_deployment("one")).id
        changes: list[tuple[str, BulkChange]] = [
            (f"u{number}", lambda held: held or profile()) for number in range(2500)
        ]
        first = await store.update_profiles(deployment, "live", changes)
        assert isinstance(first, tuple)
        assert [held and held.id for held in first] == list(range(1, 2501))
        again = await store.update_profiles(deployment, "live", changes)
        assert isinstance(again, tuple)
        assert [held and held.id for held in again] == list(range(1, 2501))

    using(data, work)


def test_members_of_an_audience(data: str | None) -> None:
    async def work(store: Store) -> None:
        one, two = [(await store.create_deployment(name)).id for name in ("one", "two")]
        for deployment in (one, two):
            for number, name in enumerate(["b", "a\0b", "B", "a"]):
                audiences = (5, 10) if number % 2 else (10,)
                changed = msgspec.structs.replace(profile(), integration_id=name, audiences=audiences, hidden=True)
                await store.update_profile(deployment, "live", name, lambda _, c=changed: c)  # type: ignore[misc]

        async def members(*asked: Any) -> list[str]:
            return [member.integration_id for member in await store.list_members(*asked)]

        assert await members(one, 10, 99, 0) == ["b", "a\0b", "B", "a"]
        assert await members(one, 5, 99, 0) == ["a\0b", "a"]
        assert await members(one, 10, 2, 1) == ["a\0b", "B"]
        assert await members(one, 10, 99, 0, "b") == ["b", "a\0b"]
        assert await members(one, 10, 99, 0, "\0b") == ["a\0b"]
        assert await members(one, 1, 99, 0) == []
        assert await store.count_profiles(one, "live") == 0
        await store.clear_audience(one, 10)
        assert await members(one, 10, 99, 0) == []
        found = await store.find_profile(one, "live", "a")
        assert found is not None
        assert (found.audiences, found.hidden) == ((5,), True)
        await store.reset_deployment(one)
        assert await members(one, 5, 99, 0) == []
        assert len(await members(two, 10, 99, 0)) == 4

    using(data, work)


def test_answers_are_kept_until_they_expire(data: str | None) -> None:
    async def work(store: Store) -> None:
        one, two = [(await store.create_deployment(name)).id for name in ("one", "two")]
        await store.keep_answer(one, b"a", KeptAnswer(200, b"x"), "1", "3")
        assert await store.find_answer(one, b"a", "2") == KeptAnswer(200, b"x")
        assert await store.find_answer(one, b"a", "3") is None
        assert await store.find_answer(one, b"b", "2") is await store.find_answer(two, b"a", "2") is None
        await store.keep_answer(one, b"a", KeptAnswer(204, b""), "3", "5")
        assert await store.find_answer(one, b"a", "4") == KeptAnswer(204, b"")
        await store.reset_deployment(one)
        assert await store.find_answer(one, b"a", "4") is None

    using(data, work)


@pytest.mark.parametrize("version", range(1, len(sqlite_database.SCHEMAS)))
def test_a_file_of_each_earlier_version_is_brought_up_to_date(tmp_path: Path, version: int) -> None:
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    for name in sqlite_database.SCHEMAS[:version]:
        connection.executescript((Path(sqlite_database.__file__).parent / name).read_text("utf-8"))
    connection.executescript(
        f"""PRAGMA user_version = {version};
        INSERT INTO deployments VALUES (1, 'one', CAST('{{"state":{{}},"baseline":{{}}}}' AS BLOB));
        INSERT INTO profiles (deployment, environment, integration_id, id, created, last_activity, attributes)
        VALUES (1, 0, x'75', 1, 'created', 'active', CAST('{{"a":1}}' AS BLOB));"""
    )
    connection.close()

    async def work(store: Store) -> None:
        assert await store.deployments() == (Deployment(1, "one"),)
        assert await store.list_profiles(1, "sandbox", 9, 0) == (Profile(1, "u", "created", "active", b'{"a":1}'),)
        assert isinstance(await store.update_profile(1, "sandbox", "v", lambda _: profile()), Profile)

    using(str(tmp_path), work)


def test_a_restart_finds_everything(kept: str) -> None:
    settings = Settings(deployment=SEED, data=kept)
    with running(settings) as emulator:
        created = emulator.update("u", {"text": "a", "number": 2**60}).json()
        definitions = emulator.manage("GET", "/v1/attributes").json()
    with running(settings) as emulator:
        assert emulator.update("u", {}).json() == created
        assert emulator.manage("GET", "/v1/attributes").json() == definitions


def test_a_file_is_for_one_process(tmp_path: Path) -> None:
    with (
        running(Settings(deployment=SEED, data=str(tmp_path / "data"))),
        pytest.raises(StoreUnavailable, match="in use by another process"),
    ):
        using(str(tmp_path / "data"), lambda store: store.deployments())


def test_a_kill_loses_nothing_that_was_answered(kept: str) -> None:
    with process(kept) as killed:
        for number in range(300):
            assert killed.update(f"u{number % 100}", {"number": number}).status_code == 200
        killed.kill()
    with running(Settings(deployment=SEED, data=kept)) as emulator:
        for number in range(100):
            assert emulator.attributes(f"u{number}") == {"number": 200 + number}


def test_files_are_private_and_hold_no_key(tmp_path: Path) -> None:
    with running(Settings(deployment=SEED, data=str(tmp_path / "data"))) as emulator:
        emulator.update("u", {"text": "x" * 10_000})
        files = list((tmp_path / "data").iterdir())
        assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
        assert all(file.stat().st_mode & 0o777 == 0o600 for file in files)
        assert not any(SANDBOX_KEY.encode() in file.read_bytes() for file in files)


def test_symbolic_links_are_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "real" / FILE_NAME).symlink_to(tmp_path / "elsewhere")
    for directory in ("link", "real"):
        with pytest.raises(StoreUnavailable, match="symbolic link"):
            using(str(tmp_path / directory), lambda store: store.deployments())
    assert not (tmp_path / "elsewhere").exists()


def test_says_why_a_file_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="cannot use"):
        using(str(tmp_path / "file"), lambda store: store.deployments())
    (tmp_path / FILE_NAME).write_bytes(b"not a database" * 100)
    with pytest.raises(StoreUnavailable, match="not a database"):
        using(str(tmp_path), lambda store: store.deployments())


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    using(str(tmp_path), lambda store: store.deployments())
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreUnavailable, match="newer version"):
        using(str(tmp_path), lambda store: store.deployments())


def test_a_url_may_name_a_store_that_does_not_exist() -> None:
    with pytest.raises(StoreUnavailable, match=r"no store for mysql:// URLs: give postgresql://"):
        create_app(Settings(data="mysql://localhost/x"))


def test_a_stored_deployment_that_contradicts_the_configured_one(kept: str) -> None:
    def settings(kind: str) -> Settings:
        document = DeploymentSeed(attributes=(AttributeSeed("a", kind),))  # type: ignore[arg-type]
        return Settings(deployment=document, data=kept)

    async def start(kind: str) -> None:
        app = create_app(settings(kind))
        await app.open()
        await app.open()
        await app.close()
        await app.close()

    asyncio.run(start("string"))
    with pytest.raises(
        StoreUnavailable, match=r"type of an attribute cannot be changed \(start with another data directory"
    ):
        asyncio.run(start("number"))
    asyncio.run(start("string"))


def test_statements_have_names(tmp_path: Path) -> None:
    path = tmp_path / "x.sql"
    path.write_text("-- about\n\n-- name: one\nSELECT 1\n\n-- name: two\nSELECT\n2\n")
    assert statements.read(path) == {"one": "SELECT 1", "two": "SELECT\n2"}


def test_concurrent_updates_of_one_profile_all_count(emulator: Emulator) -> None:
    async def run() -> None:
        async with httpx.AsyncClient(base_url=emulator.url, headers=api_key(SANDBOX_KEY), trust_env=False) as client:
            names = ["text", "number", "flag", "texts", "numbers"]
            values = {"text": "a", "number": 1, "flag": True, "texts": [], "numbers": []}
            requests = [client.put("/v2/customer_profiles/u", json={"attributes": {n: values[n]}}) for n in names * 4]
            answers = await asyncio.gather(*requests)
            assert {answer.status_code for answer in answers} == {200}

    asyncio.run(run())
    assert emulator.attributes("u") == {"text": "a", "number": 1, "flag": True, "texts": [], "numbers": []}


def test_a_second_deployment_moves_in_beside_the_first_but_keys_are_unique(kept: str) -> None:
    def settings(name: str, key: str) -> Settings:
        application = ApplicationSeed(1, name, api_keys=(KeySeed("k", key),))
        return Settings(deployment=DeploymentSeed(name, (application,)), data=kept)

    with running(settings("one", "key-1")) as emulator:
        assert emulator.update("u", {}, "key-1").json()["customerProfile"]["accountId"] == 1
    with running(settings("two", "key-2")) as emulator:
        assert emulator.client.get("/_emulator/ready").json()["deployments"] == ["one", "two"]
        assert emulator.attributes("u", "key-2") is None
        assert emulator.attributes("u", "key-1") == {}
        assert emulator.update("v", {}, "key-2").json()["customerProfile"]["accountId"] == 2
        assert len(emulator.journal()) == 2
        assert len(emulator.journal("?deployment=one")) == 1
        assert emulator.client.post("/_emulator/reset?deployment=one").json()["deployment"] == "one"
        assert emulator.attributes("u", "key-1") is None
        assert emulator.attributes("v", "key-2") == {}
    with pytest.raises(StoreUnavailable, match="belongs to the deployment 'one'"):
        asyncio.run(create_app(settings("two", "key-1")).open())


class UnreadableStore(SQLiteStore):
    """A store that opens and then cannot be read."""

    async def deployments(self) -> tuple[Deployment, ...]:
        raise StoreUnavailable("unreadable")


def test_a_start_that_fails_lets_the_file_go(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="unreadable"):
        asyncio.run(create_app(Settings(), store=UnreadableStore(tmp_path)).open())
    assert using(str(tmp_path), lambda store: store.deployments()) == ()


def test_opening_twice_is_opening_once(data: str | None) -> None:
    async def work(store: Store) -> None:
        await store.open()
        assert await store.deployments() == ()

    using(data, work)
