"""Stores of Engage when their disk is full, their wire stands still, or another process is just looking."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from engage.engage_stores import AUDIENCE, opened, staged, synced, taken, users, using
from postgres_support import PostgresServer
from reliability.proxy import Proxy, proxy_to
from talon_bridge.engage.rows import Refused
from talon_bridge.engage.store import FILE_NAME
from talon_bridge.engage.store.protocol import StoreUnavailable, SyncRunning
from talon_bridge.engage.syncs import Counts, SyncState

TRUE, FALSE = b"true", b"false"
SHORT = 0.3  # seconds instead of ten
PATIENCE = 6.0  # seconds in which nothing that is bounded by a few times SHORT may still hang

# A file


@pytest.mark.parametrize("then", ["begin", "forget"])
def test_a_sync_that_could_not_be_ended_on_a_full_disk_is_in_nobodys_way(tmp_path: Path, then: str) -> None:
    async def use(store: Any) -> None:
        sync, _ = await staged(store, "a", users("u"), [Refused(1, "f", "why", "x" * 100)] * 1000)
        other = await store.begin("t", "request", 1.0)
        full = "PRAGMA max_page_count = 1"  # SQLite takes as many as there are
        await store._database.run(lambda db: db.execute(full).fetchall())
        with pytest.raises(StoreUnavailable, match="full"):
            await store.end(sync, SyncState.FAILED, Counts(), "lost", 2.0)
        [left] = await store._database.run(
            lambda db: db.execute(
                "SELECT count(*) FROM sqlite_temp_schema WHERE name LIKE '%\\_1' ESCAPE '\\'"
            ).fetchone()
        )
        assert (sync.number, left) == (1, 0), "what was staged is gone"
        await store._database.run(lambda db: db.execute("PRAGMA max_page_count = 1000000").fetchall())
        if then == "forget":
            assert await store.forget("a")
        else:
            assert (await store.begin("a", "request", 3.0)).number > other.number
            dead = await store.sync("a", sync.number)
            assert dead.state == "interrupted"
        with pytest.raises(SyncRunning):
            await store.begin("t", "request", 3.0)

    using(str(tmp_path), use)


def test_after_a_large_decision_the_log_is_brought_into_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the next start would have to examine it."""
    monkeypatch.setattr("talon_bridge.engage.store.sqlite.LARGE", 100)
    log = tmp_path / f"{FILE_NAME}-wal"

    async def use(store: Any) -> list[int]:
        sizes = []
        for last in (50, 200):
            await synced(store, "a", users(*map(str, range(last))))
            await store.count("a")  # behind it
            sizes.append(log.stat().st_size)
            await taken(store, "a")
        return sizes

    small, large = using(str(tmp_path), use)
    assert (small > 0, large) == (True, 0)


# A database that processes share


@pytest.fixture
def shared(postgres: PostgresServer) -> str:
    """The URL of an empty database."""
    return postgres.database()


@pytest.fixture
def wire(shared: str) -> Iterator[tuple[str, Proxy]]:
    """The same by way of a proxy."""
    parts = urlsplit(shared)
    assert parts.hostname is not None
    assert parts.port is not None
    with proxy_to(parts.hostname, parts.port) as proxy:
        try:
            yield shared.replace(f":{parts.port}/", f":{proxy.port}/"), proxy
        finally:
            proxy.thaw()


def test_a_claim_does_not_outlive_what_it_is_for(shared: str) -> None:
    """What is defined anew under the id is claimed anew."""

    async def main() -> None:
        async with opened(shared) as one, opened(shared) as two:
            await one.change("a", {"u": TRUE}, [], FALSE, 1.0)
            assert await one.claim("a")
            await two.forget("a")
            await two.define(AUDIENCE)
            await two.change("a", {"u": TRUE}, [], FALSE, 1.0)
            assert (await two.claim("a"), await one.claim("a")) == (True, False)

    asyncio.run(main())


def test_what_is_let_go_after_it_was_forgotten_leaves_no_lock(shared: str, postgres: PostgresServer) -> None:
    async def main() -> None:
        async with opened(shared) as store:
            assert await store.claim("a")
            assert await store.claim("t")
            await store.forget("a")
            await store.let_go("a")
            await store.forget("t")
            assert await store.claim("t"), "as an id of no computation"
            await store.let_go("t")
            text = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
            assert [list(row) for row in await asyncio.to_thread(postgres.execute, shared, text)] == [[0]]

    asyncio.run(main())


async def _claims(store: Any, _sync: Any) -> None:
    await store.claim("a")


async def _stages(store: Any, sync: Any) -> None:
    await store.stage(sync, users(*map(str, range(1000))), [])


async def _stages_much(store: Any, sync: Any) -> None:
    """More than the wire takes before anybody reads it."""
    await store.stage(sync, users(*(f"{number}-{'x' * 900}" for number in range(20_000))), [])


async def _ends(store: Any, sync: Any) -> None:
    await store.end(sync, SyncState.FAILED, Counts(), "lost", 2.0)


@pytest.mark.parametrize("what", [_claims, _stages, _stages_much, _ends], ids=lambda what: what.__name__)
def test_on_a_wire_that_stands_still_nothing_hangs(
    wire: tuple[str, Proxy], what: Callable[[Any, Any], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SHORT", "CONNECT"):
        monkeypatch.setattr(f"talon_bridge.engage.store.postgres_database.{name}", SHORT)
    monkeypatch.setattr("talon_bridge.databases.postgres_server.CLOSE", SHORT)
    url, proxy = wire

    async def main() -> tuple[float, float]:
        async with opened(url) as store:
            sync, _ = await staged(store, "t", [])
            assert await store.claim("a")
            assert await store.claim("t")
            proxy.freeze()
            start = time.monotonic()
            with pytest.raises(StoreUnavailable, match="does not answer in time"):
                await asyncio.wait_for(what(store, sync), 30)
            middle = time.monotonic()
            await asyncio.wait_for(store.close(), 30)
            return middle - start, time.monotonic() - middle

    assert max(asyncio.run(main())) < PATIENCE


def test_after_the_wire_has_stood_still_all_goes_on(wire: tuple[str, Proxy], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("talon_bridge.engage.store.postgres_database.SHORT", SHORT)
    url, proxy = wire

    async def main() -> None:
        async with opened(url) as store:
            sync, _ = await staged(store, "a", users("u"))
            proxy.freeze()
            with pytest.raises(StoreUnavailable, match="does not answer in time"):
                await store.stage(sync, users("v"), [])
            proxy.thaw()
            assert (await store.end(sync, SyncState.FAILED, Counts(), "lost", 2.0)).state == "failed"
            await synced(store, "a", users("v"))
            assert await store.claim("a")
            assert await taken(store, "a") == [("v", TRUE)]

    asyncio.run(main())


@pytest.mark.parametrize("what", ["begin", "forget"])
def test_a_start_that_is_just_giving_up_a_dead_sync_is_in_nobodys_way(shared: str, what: str) -> None:
    """It holds the lock of who reads for a moment, and what it writes is not seen before it is on disk."""

    async def main() -> None:
        store: Any
        dead: Any
        async with opened(shared) as store, opened(shared) as dead:
            await dead.begin("a", "request", 1.0)
            for staging in dead._staged.values():
                staging.connection.terminate()
            starting = await asyncpg.connect(shared, server_settings={"search_path": "localtalon_bridge"})
            giving_up = starting.transaction()
            await giving_up.start()
            run, texts = store._database.run, store._database._sql
            while await starting.execute(texts["interrupt"]) != "UPDATE 1":
                pass  # the server has not seen yet that it is dead

            async def run_and_go_on(name: str, *values: Any, **how: Any) -> Any:
                found = await run(name, *values, **how)
                if name == "running" and giving_up._state.name == "STARTED":
                    await giving_up.commit()
                return found

            store._database.run = run_and_go_on
            if what == "begin":
                assert (await store.begin("a", "request", 2.0)).state == "reading"
            else:
                assert await store.forget("a") is True
            await starting.close()

    asyncio.run(main())


def test_a_queue_is_not_looked_for_among_what_was_taken_before(shared: str, postgres: PostgresServer) -> None:
    async def main() -> tuple[int, int]:
        store: Any
        async with opened(shared) as store:
            await synced(store, "a", users(*(f"{number:06}" for number in range(20_000))))
            postgres_settings = "ALTER TABLE localtalon_bridge.engage_changes SET (autovacuum_enabled = off)"
            await asyncio.to_thread(postgres.execute, shared, postgres_settings)
            watching = await asyncpg.connect(shared)
            async with watching.transaction(isolation="repeatable_read"):
                await watching.execute("SELECT 1")  # for whom PostgreSQL keeps what others delete
                await taken(store, "a", 19_990)
                before = await _pages(store, "queue", "a", 10, 0)
                run = store._database.run
                asked = list[tuple[Any, ...]]()

                async def told(name: str, *values: Any, **how: Any) -> Any:
                    asked.append((name, *values))
                    return await run(name, *values, **how)

                store._database.run = told
                assert len(await store.queue("a", 10)) == 10
                after = await _pages(store, *asked[0])
            await watching.close()
            return before, after

    before, after = asyncio.run(main())
    assert before > 100
    assert after < 20


async def _pages(store: Any, name: str, *values: Any) -> int:
    """How many pages a statement looks at."""
    async with store._database.transaction() as on:
        text = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {store._database._sql[name]}"
        [plan] = json.loads(await on.fetchval(text, *values))
        return int(plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"])
