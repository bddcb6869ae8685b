"""Engage's API over HTTP: definitions, syncs from streamed bodies, live members, and what is told of them."""

import asyncio
import gzip
import itertools
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from bridge_support import Bridge, Gate, Reply, always, destination, quick, running, scripted_target, until
from emulator_support import MANAGEMENT_KEY, SANDBOX_KEY, SEED
from emulator_support import running as emulator
from engage.engage_support import (
    AUDIENCE,
    CSV,
    KEY,
    NDJSON,
    TRAIT,
    SlowOutbox,
    define,
    define_trait,
    members,
    ndjson,
    post,
    sent,
    show,
    sync,
    upload,
)
from postgres_support import PostgresServer
from talon_bridge.engage.computations import Computation, Source
from talon_bridge.outbox import open_outbox
from talon_emulator.seed import AttributeSeed
from talon_emulator.settings import Settings as EmulatorSettings

names = (f"x{number}" for number in itertools.count(1))


@pytest.fixture(scope="module")
def bridge() -> Iterator[Bridge]:
    """A bridge in memory with the audience and the computed trait, for tests that change nothing of them."""
    with running(quick(destination())) as found:
        define(found)
        define_trait(found)
        yield found


@pytest.fixture(params=["memory", "file"])
def data(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    """Where a bridge keeps what it has."""
    return None if request.param == "memory" else str(tmp_path / "data")


def problem(answer: httpx.Response, status: int) -> dict[str, str]:
    """The error of an answer."""
    assert answer.status_code == status, answer.text
    told: dict[str, str] = answer.json()["error"]
    assert told.keys() == {"code", "message", "hint"}
    assert all(told.values()), told
    return told


# Definitions


def test_an_audience_is_made_changed_and_forgotten(data: str | None) -> None:
    with running(quick(destination(), data=data)) as bridge:
        made = bridge.client.put(AUDIENCE, json={"name": "Recent Buyers"})
        assert made.status_code == 201
        told = made.json()
        assert told.pop("computationId").startswith("aud_")
        assert told == {
            "id": "buyers",
            "class": "audience",
            "name": "Recent Buyers",
            "key": KEY,
            "type": "boolean",
            "origin": "api",
            "maxLeaving": 0.5,
            "nullify": False,
            "every": None,
            "source": None,
            "nextRunAt": None,
            "members": 0,
            "queued": 0,
            "lastSync": None,
            "running": None,
            "misfit": None,
            "checked": False,
        }
        changed = bridge.client.put(AUDIENCE, json={"name": "Buyers, lately", "maxLeaving": 1})
        assert changed.status_code == 200
        assert changed.json()["name"] == "Buyers, lately"
        assert changed.json()["key"] == KEY  # AUD-2: a new name keeps the key
        assert changed.json() == show(bridge)
        define_trait(bridge, nullify=True)
        listed = bridge.client.get("/_bridge/engage").json()
        assert [one["id"] for one in listed["audiences"]] == ["buyers"]
        assert [(one["class"], one["type"], one["nullify"]) for one in listed["computedTraits"]] == [
            ("trait", "number", True)
        ]
        assert listed["spaceId"].startswith("spa_")
        sync(bridge, ["a"])
        assert bridge.client.delete(AUDIENCE).json() == {"deleted": True}
        assert problem(bridge.client.get(AUDIENCE), 404)["code"] == "unknown_audience"
        assert sent(bridge) == [("a", {KEY: True})]  # Segment documents no exits for a deleted audience


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "words"),
    [
        (AUDIENCE, {"nme": "x"}, 400, "unknown_member", "did you mean name?"),
        (AUDIENCE, {"name": "x", "type": "number"}, 400, "unknown_member", "type"),
        (AUDIENCE, {}, 400, "bad_definition", "there is no name"),
        (AUDIENCE, {"name": " "}, 400, "bad_definition", "there is no name"),
        (AUDIENCE, {"name": 5}, 400, "bad_definition", "name is 5"),
        (AUDIENCE, {"name": "x", "key": ["k"]}, 400, "bad_definition", 'key is ["k"]'),
        (AUDIENCE, {"name": "x", "maxLeaving": 1.5}, 400, "bad_definition", "maxLeaving is 1.5"),
        (AUDIENCE, {"name": "x", "maxLeaving": True}, 400, "bad_definition", "maxLeaving is true"),
        (AUDIENCE, {"name": "x", "maxLeaving": "0.5"}, 400, "bad_definition", "maxLeaving is '0.5'"),
        (AUDIENCE, {"name": "x", "key": "other"}, 409, "key_fixed", KEY),
        (AUDIENCE, ["x"], 400, "bad_body", "no JSON object"),
        (AUDIENCE + "2", {"name": "30 day buyers"}, 400, "bad_key", "30_day_buyers"),
        (AUDIENCE + "2", {"name": "x", "key": ""}, 400, "bad_key", "AUD-3"),
        (AUDIENCE + "2", {"name": "recent BUYERS"}, 409, "key_taken", "Recent Buyers"),
        (AUDIENCE + "%202", {"name": "x"}, 400, "bad_definition", "'buyers 2'"),
        (AUDIENCE + "%2F2", {"name": "x"}, 400, "bad_definition", "'buyers/2'"),
        ("/_bridge/engage/audiences/spent", {"name": "Spent"}, 409, "kind_fixed", "computed trait"),
        (TRAIT, {"name": "Spent"}, 400, "bad_definition", "there is no type"),
        (TRAIT, {"name": "Spent", "type": "numbr"}, 400, "bad_definition", "did you mean 'number'?"),
        (TRAIT, {"name": "Spent", "type": "location"}, 400, "bad_definition", "(list string)"),
        (TRAIT, {"name": "Spent", "type": "string"}, 409, "kind_fixed", "number values"),
        (TRAIT, {"name": "Spent", "type": "number", "nullify": "yes"}, 400, "bad_definition", "nullify is 'yes'"),
    ],
)
def test_a_definition_that_cannot_be(bridge: Bridge, path: str, body: Any, status: int, code: str, words: str) -> None:
    before = bridge.client.get("/_bridge/engage").json()
    told = problem(bridge.client.put(path, json=body), status)
    assert told["code"] == code
    assert words in f"{told['message']}; {told['hint']}"
    assert bridge.client.get("/_bridge/engage").json() == before


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("audiences/buyer", "did you mean 'buyers'?"),
        ("audiences/a%2Fb", "'a/b'"),
        ("audiences/..%2Fx", "'../x'"),
        ("audiences/spent", "/_bridge/engage/computed-traits/spent"),
        ("computed-traits/buyers", "/_bridge/engage/audiences/buyers"),
    ],
)
def test_what_is_not_there(bridge: Bridge, path: str, words: str) -> None:
    for method, ending in [("GET", ""), ("DELETE", ""), ("GET", "/syncs"), ("GET", "/syncs/1"), ("GET", "/members")] + [
        ("POST", ending) for ending in ("/sync", "/run", "/members")
    ]:
        told = problem(bridge.client.request(method, f"/_bridge/engage/{path}{ending}", headers=NDJSON), 404)
        assert told["code"] == "unknown_audience"
        assert words in f"{told['message']}; {told['hint']}"


def test_it_is_found_by_its_key_and_its_name_too(bridge: Bridge) -> None:
    assert show(bridge, f"/_bridge/engage/audiences/{KEY}") == show(bridge)
    assert show(bridge, "/_bridge/engage/audiences/Recent%20Buyers") == show(bridge)


def test_a_kind_that_there_is_not(bridge: Bridge) -> None:
    told = problem(bridge.client.post("/_bridge/engage/segments/x/sync", content=b"u\n", headers=CSV), 404)
    assert "/_bridge/engage/audiences" in told["hint"]


def test_an_attribute_that_does_not_fit() -> None:
    deployment = msgspec.structs.replace(SEED, attributes=(AttributeSeed("recent_Buyers", "boolean"),))
    with emulator(EmulatorSettings(deployment=deployment)) as talon:
        to = destination(talon.url, api_key=SANDBOX_KEY)
        with running(quick(to, management_key=MANAGEMENT_KEY)) as bridge:
            made = bridge.client.put(AUDIENCE, json={"name": "Recent Buyers"})
            assert (made.status_code, made.json()["checked"]) == (201, True)
            misfit = made.json()["misfit"]
            assert "recent_Buyers" in f"{misfit['message']}; {misfit['hint']}"
            told = problem(post(bridge, ["a"]), 409)
            assert told == {"code": "does_not_fit", **misfit}
            fitting = bridge.client.put(AUDIENCE + "2", json={"name": "x", "key": "recent_Buyers"}).json()
            assert (fitting["misfit"], fitting["checked"]) == (None, True)


def test_other_methods_are_told_what_there_is(bridge: Bridge) -> None:
    answer = bridge.client.patch(AUDIENCE)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "PUT", "DELETE"}


# Syncs


def test_the_first_sync_sends_everybody_and_the_next_the_difference(data: str | None) -> None:
    with running(quick(destination(), data=data)) as bridge:
        define(bridge)
        first = sync(bridge, ["a", {"user_id": "b"}, {"userId": ["c", "d"]}, {"id": 5}, "a", {"email": "x@y"}, ""])
        for name in ("begunAt", "decidedAt", "endedAt"):
            assert first.pop(name).endswith("Z")
        assert first == {
            "number": 1,
            "state": "finished",
            "trigger": "request",
            "counts": {
                "read": 7,
                "refused": 2,
                "anonymous": 2,
                "conflicting": 0,
                "duplicates": 1,
                "entered": 5,
                "left": 0,
                "changed": 0,
                "unchanged": 0,
                "membersBefore": 0,
            },
            "sent": 5,
            "reason": None,
        }
        second = sync(bridge, ["a", "b", "e"], "?maxLeaving=0.6")
        assert [second["counts"][name] for name in ("entered", "left", "unchanged", "membersBefore")] == [1, 3, 2, 5]
        everybody = [(user, {KEY: True}) for user in ("5", "a", "b", "c", "d")]
        difference = [("e", {KEY: True}), ("5", {KEY: False}), ("c", {KEY: False}), ("d", {KEY: False})]
        assert sent(bridge) == everybody + difference
        assert members(bridge) == {"a": True, "b": True, "e": True}
        told = show(bridge)
        assert (told["members"], told["queued"], told["running"]) == (3, 0, None)
        listed = bridge.client.get(f"{AUDIENCE}/syncs").json()["syncs"]
        assert [one["number"] for one in listed] == [2, 1]
        assert told["lastSync"] == listed[0] == second
        assert bridge.client.get(f"{AUDIENCE}/syncs?limit=1&before=2").json()["syncs"] == [listed[1]]
        assert bridge.client.get(f"{AUDIENCE}/syncs/1").json() == listed[1]


def test_csv_and_its_options(data: str | None) -> None:
    with running(quick(destination(), data=data)) as bridge:
        define_trait(bridge)
        body = "name;amount;who\nx;1.50;u 1\ny;2;u 2\n"
        query = "?delimiter=;&header=true&userColumn=who&valueColumn=2"
        answer = bridge.client.post(f"{TRAIT}/sync{query}", content=body, headers=CSV)
        assert answer.json()["counts"]["entered"] == 2, answer.text
        assert members(bridge, TRAIT) == {"u 1": 1.5, "u 2": 2}
        tabs = {"content-type": "Text/Tab-Separated-Values; charset=UTF-8"}
        answer = bridge.client.post(f"{TRAIT}/sync?header=false", content="u 1\t1.50\nu,3\t3\n", headers=tabs)
        assert answer.json()["counts"]["unchanged"] == 1, answer.text
        assert members(bridge, TRAIT) == {"u 1": 1.5, "u 2": 2, "u,3": 3}
        wrong = bridge.client.post(f"{TRAIT}/sync?userColumn=whom", content="who,amount\nu,1\n", headers=CSV)
        assert problem(wrong, 400)["code"] == "bad_source"
        assert show(bridge, TRAIT)["lastSync"]["state"] == "failed"


@pytest.mark.parametrize(
    ("query", "headers", "status", "code", "words"),
    [
        ("?alowEmpty=true", NDJSON, 400, "unknown_parameter", "did you mean allowEmpty?"),
        ("?header=true", NDJSON, 400, "unknown_parameter", "header"),
        ("?header=yes", CSV, 400, "bad_filter", "true or false"),
        ("?force=1", CSV, 400, "bad_filter", "true or false"),
        ("?maxLeaving=50", CSV, 400, "bad_filter", "0 to 1"),
        ("?maxLeaving=nan", CSV, 400, "bad_filter", "0 to 1"),
        ("?maxLeaving=", CSV, 400, "bad_filter", "0 to 1"),
        ("", {}, 415, "unsupported_media_type", "text/csv"),
        ("", {"content-type": "application/json"}, 415, "unsupported_media_type", "application/x-ndjson"),
        ("", {"content-type": "text/csv; charset=utf-16"}, 415, "unsupported_media_type", "UTF-8"),
        ("", {**CSV, "content-encoding": "br"}, 415, "unsupported_media_type", "gzip"),
    ],
)
def test_a_sync_that_is_asked_for_wrongly(
    bridge: Bridge, query: str, headers: dict[str, str], status: int, code: str, words: str
) -> None:
    told = problem(bridge.client.post(f"{AUDIENCE}/sync{query}", content=b"u\n", headers=headers), status)
    assert told["code"] == code
    assert words in f"{told['message']}; {told['hint']}"
    assert show(bridge)["lastSync"] is None


def test_an_empty_source_and_too_many_who_leave(data: str | None) -> None:
    with running(quick(destination(), data=data)) as bridge:
        define(bridge)
        sync(bridge, ["a", "b", "c"])
        assert problem(post(bridge, []), 409)["code"] == "empty_source"
        assert problem(post(bridge, ["a"]), 409)["code"] == "too_many_leave"
        assert show(bridge)["lastSync"]["state"] == "refused"
        assert show(bridge)["lastSync"]["reason"]
        assert len(members(bridge)) == 3
        assert sync(bridge, ["a"], "?force=true")["counts"]["left"] == 2
        assert sync(bridge, [], "?allowEmpty=true&force=true")["counts"]["left"] == 1
        assert members(bridge) == {}


def test_refused_rows_are_told(bridge: Bridge) -> None:
    path = f"/_bridge/engage/audiences/{next(names)}"
    assert bridge.client.put(path, json={"name": path[-4:]}).status_code == 201
    rows = [{"line": 7, "file": "a.csv", "error": "too few cells", "excerpt": "x,"}, "..", {}, "good"]
    number = sync(bridge, [*rows, *[""] * 2500], path=path)["number"]
    answer = bridge.client.get(f"{path}/syncs/{number}/refused")
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    told = [json.loads(line) for line in answer.text.splitlines()]
    assert told[0] == {"line": 7, "file": "a.csv", "reason": "too few cells", "excerpt": "x,"}
    assert "ID-1" in told[1]["reason"]
    assert "ID-2" in told[2]["reason"]
    assert [one["line"] for one in told[1:]] == [2, 3, *range(5, 2505)]
    for missing in ("0", "99", "x", "9" * 30, "-1"):
        assert problem(bridge.client.get(f"{path}/syncs/{missing}"), 404)["code"] == "unknown_sync"
        assert problem(bridge.client.get(f"{path}/syncs/{missing}/refused"), 404)["hint"].endswith(f"{path}/syncs")


def test_gzip_of_several_members(data: str | None) -> None:
    with running(quick(destination(), data=data)) as bridge:
        define(bridge)
        ids = [f"u{number}" for number in range(5000)]
        packed = gzip.compress(ndjson(ids[:2000])) + gzip.compress(b"") + gzip.compress(ndjson(ids[2000:]))
        headers = {**NDJSON, "content-encoding": "gzip"}
        answer = bridge.client.post(f"{AUDIENCE}/sync", content=packed, headers=headers)
        assert answer.json()["sent"] == 5000, answer.text
        for broken in (
            packed[:-1],
            packed[:-9],
            packed[:8000],
            b"",
            packed + b"x",
            packed[:500] + b"?" + packed[501:],
        ):
            told = problem(bridge.client.post(f"{AUDIENCE}/sync?force=true", content=broken, headers=headers), 400)
            assert told["code"] == "bad_source"
            assert "gzip" in told["message"]
            assert show(bridge)["lastSync"]["state"] == "failed"
            assert show(bridge)["lastSync"]["reason"] == told["message"]
        assert show(bridge)["members"] == 5000
        assert sync(bridge, ids)["counts"]["unchanged"] == 5000


def test_a_client_that_goes_away_changes_nothing(data: str | None) -> None:
    with running(quick(destination(), data=data)) as bridge:
        define(bridge)
        sync(bridge, ["a", "b"])
        with upload(bridge) as begun:
            begun.send(b"user_id\na\nc\n")
            until(lambda: read(bridge) == 2)
            begun.leave()
        until(lambda: show(bridge)["running"] is None)
        last = show(bridge)["lastSync"]
        assert (last["state"], last["counts"]["read"]) == ("failed", 2)
        assert "closed the connection" in last["reason"]
        counts = sync(bridge, ["a", "c"])["counts"]
        assert [counts[name] for name in ("entered", "left", "membersBefore")] == [1, 1, 2]
        assert members(bridge) == {"a": True, "c": True}


def test_a_bridge_that_stops_while_it_reads(tmp_path: Path) -> None:
    settings = quick(destination(), data=str(tmp_path), shutdown_grace=0.1)
    with ExitStack() as clients:
        with running(settings) as bridge:
            define(bridge)
            sync(bridge, ["a", "b"])
            begun = clients.enter_context(upload(bridge))
            begun.send(b"user_id\nc\n")
            until(lambda: read(bridge) == 1)
        status, told = begun.answer()
        assert (status, told["error"]["code"]) == (503, "stopping")
        with running(settings) as bridge:
            assert members(bridge) == {"a": True, "b": True}
            assert show(bridge)["lastSync"]["state"] in ("failed", "interrupted")
            assert sync(bridge, ["a", "b"])["counts"]["unchanged"] == 2


def read(bridge: Bridge) -> int:
    """How many rows the sync that is under way has read."""
    running: dict[str, Any] | None = show(bridge)["running"]
    return running["counts"]["read"] if running else 0


def test_two_syncs_at_once_and_what_is_told_while_one_reads(data: str | None) -> None:
    with running(quick(destination(), data=data)) as bridge:
        define(bridge)
        with upload(bridge, Content_Type="application/x-ndjson") as begun:
            begun.send(ndjson(["a", "b", ""]))
            until(lambda: read(bridge) == 3)
            told = show(bridge)["running"]
            assert (told["state"], told["counts"]["anonymous"], told["endedAt"]) == ("reading", 1, None)
            assert bridge.client.get(f"{AUDIENCE}/syncs/{told['number']}").json() == told
            assert problem(post(bridge, ["z"]), 409)["code"] == "sync_running"
            assert problem(bridge.client.delete(AUDIENCE), 409)["code"] == "sync_running"
            idle = bridge.client.get("/_bridge/idle?timeout=0.01")
            assert idle.status_code == 409
            assert idle.json()["engage"] == {"running": ["buyers"], "queued": 0, "due": []}
            assert bridge.client.get("/_bridge/status").json()["engage"] == idle.json()["engage"]
            begun.send(ndjson(["c"]))
            begun.end()
            status, ended = begun.answer()
        assert (status, ended["state"], ended["sent"]) == (200, "finished", 3)
        assert members(bridge) == {"a": True, "b": True, "c": True}


def test_a_sync_goes_on_when_the_client_leaves_after_the_body() -> None:
    gate = Gate()
    slow: Any = SlowOutbox(open_outbox(None), gate)
    try:
        with running(quick(destination()), slow) as bridge:
            define(bridge)
            with upload(bridge) as begun:
                begun.send(b"user_id\na\n")
                begun.end()
                until(lambda: (show(bridge)["running"] or {}).get("state") == "sending")
                begun.leave()
            idle = bridge.client.get("/_bridge/idle?timeout=0.01")
            assert idle.json()["engage"] == {"running": ["buyers"], "queued": 1, "due": []}
            assert problem(post(bridge, ["z"]), 409)["code"] == "sync_running"
            gate.open()
            until(lambda: (show(bridge)["lastSync"] or {}).get("state") == "finished")
            assert sent(bridge) == [("a", {KEY: True})]
    finally:
        gate.open()


def test_idle_waits_for_the_syncs_and_for_what_they_send() -> None:
    with scripted_target() as target:
        gate = target.gate()
        target.script = always(Reply(gate=gate))
        with running(quick(destination(target.url))) as bridge:
            define(bridge)
            assert bridge.idle(0)
            sync(bridge, ["a"])
            told = bridge.client.get("/_bridge/idle?timeout=0.01").json()
            assert (told["counts"]["waiting"], told["engage"]["running"]) == (1, [])
            gate.open()
            assert bridge.idle()
            assert [seen.attributes for seen in target.of("a")] == [{KEY: True}]


# Errors while the client still sends


def megabytes(pieces: int = 60) -> Iterator[bytes]:
    """A body of megabytes."""
    for number in range(pieces):
        yield ndjson([f"u{number}-{row}" for row in range(4000)])


@pytest.mark.parametrize("query", ["?nothing=1", ""])
def test_an_early_refusal_reaches_httpx(bridge: Bridge, query: str) -> None:
    path = AUDIENCE if query else AUDIENCE + "-none"
    answer = bridge.client.post(f"{path}/sync{query}", content=megabytes(), headers=NDJSON)
    assert problem(answer, 400 if query else 404)


def test_a_refusal_reaches_aiohttp_in_the_middle_of_the_body(bridge: Bridge) -> None:
    import aiohttp

    async def ask() -> Any:
        answered = asyncio.Event()

        async def pieces() -> AsyncIterator[bytes]:
            yield b"u1\n"
            await answered.wait()

        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{bridge.url}{AUDIENCE}/sync", data=pieces(), headers={"content-type": "a/b"}) as answer,
        ):
            answered.set()
            return answer.status, await answer.json()

    status, told = asyncio.run(ask())
    assert (status, told["error"]["code"]) == (415, "unsupported_media_type")


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_an_early_refusal_reaches_curl(bridge: Bridge, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_bytes(b"user_id\n" + b"".join(b"u%d\n" % number for number in range(500_000)))
    command = ["curl", "-sS", "-T", str(rows), "-X", "POST", f"{bridge.url}{AUDIENCE}/sync"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert json.loads(done.stdout)["error"]["code"] == "unsupported_media_type", done.stderr


# Live members


def test_members_come_and_go_one_by_one(data: str | None) -> None:
    with running(quick(destination(), data=data)) as bridge:
        define(bridge)
        define_trait(bridge, nullify=True)
        sync(bridge, ["a", "b"])
        answer = bridge.client.post(f"{AUDIENCE}/members", json={"add": ["a", "c", "c"], "remove": ["b", "z"]})
        assert answer.json() == {"entered": 1, "left": 1, "changed": 0, "unchanged": 2}
        answer = bridge.client.post(f"{TRAIT}/members", content=b'{"set": {"a": 1.10, "b": null}}')
        assert answer.json() == {"entered": 2, "left": 0, "changed": 0, "unchanged": 0}
        answer = bridge.client.post(f"{TRAIT}/members", json={"set": {"a": 2}, "remove": ["b"]})
        assert answer.json() == {"entered": 0, "left": 1, "changed": 1, "unchanged": 0}
        until(lambda: show(bridge, TRAIT)["queued"] == show(bridge)["queued"] == 0)
        assert members(bridge) == {"a": True, "c": True}
        assert members(bridge, TRAIT) == {"a": 2}
        assert sent(bridge)[2:4] == [("c", {KEY: True}), ("b", {KEY: False})]
        assert sync(bridge, ["a", "c"])["counts"]["unchanged"] == 2


def test_members_are_listed_in_pages(bridge: Bridge) -> None:
    path = f"/_bridge/engage/audiences/{next(names)}"
    assert bridge.client.put(path, json={"name": path[-4:]}).status_code == 201
    ids = sorted({f"u {number}&ü" for number in range(25)} | {"😀", "A", "a/b", "%2F", "\n", "﻿"})
    sync(bridge, ids, path=path)
    found: list[str] = []
    parameters: dict[str, Any] = {"limit": 7}
    while True:
        page = bridge.client.get(f"{path}/members", params=parameters).json()
        assert page["count"] == len(ids)
        found += [one["userId"] for one in page["members"]]
        if page["next"] is None:
            break
        parameters["after"] = page["next"]
    assert found == ids


@pytest.mark.parametrize(
    ("path", "body", "code", "words"),
    [
        (AUDIENCE, {}, "bad_members", "names nobody"),
        (AUDIENCE, {"ad": ["x"]}, "unknown_member", "did you mean add?"),
        (AUDIENCE, {"set": {"x": True}}, "unknown_member", "add, remove"),
        (AUDIENCE, {"add": "x"}, "bad_members", "add is 'x'"),
        (AUDIENCE, {"remove": {"x": 1}}, "bad_members", "remove is"),
        (
            AUDIENCE,
            {"add": ["x", 5]},
            "bad_members",
            "/add/1 is 5, which is no user id; user ids are texts: put them in quotes",
        ),
        (AUDIENCE, {"add": ["x", ".."]}, "bad_members", "ID-1"),
        (AUDIENCE, {"add": ["x"], "remove": ["x"]}, "bad_members", "both"),
        (AUDIENCE, {"add": ["a", "a", ""]}, "bad_members", "/add/2: there is no user id"),
        (AUDIENCE, {"add": ["a"], "remove": ["b", ".."]}, "bad_members", "/remove/1: "),
        (AUDIENCE, {"add": ["x" * 1001]}, "bad_members", "ID-1"),
        (TRAIT, {"add": ["x"]}, "unknown_member", "set, remove"),
        (TRAIT, {"set": ["x"]}, "bad_members", "set is"),
        (TRAIT, {"set": {"x": "5"}}, "bad_members", "/set/x: the value is no number"),
        (TRAIT, {"set": {"y": 1, "a/b~": "5"}}, "bad_members", "/set/a~1b~0: the value is no number"),
    ],
)
def test_members_that_cannot_be(bridge: Bridge, path: str, body: Any, code: str, words: str) -> None:
    told = problem(bridge.client.post(f"{path}/members", json=body), 400)
    assert told["code"] == code
    assert words in f"{told['message']}; {told['hint']}"
    assert members(bridge, path) == {}


# What the config defines


def test_what_the_config_defines(tmp_path: Path) -> None:
    source = tmp_path / "buyers.csv"
    source.write_text("user_id\na\nb\n")
    url = "postgresql://user:s3cret@127.0.0.1:9/shop?password=s3cret"
    computations = (
        Computation("buyers", "audience", "Recent Buyers", KEY, source=Source(str(source)), configured=True),
        Computation("other", "audience", "Other", "other", source=Source(url, "SELECT 1"), configured=True),
    )
    with running(quick(destination()), computations=computations) as bridge:
        told = show(bridge)
        assert (told["origin"], told["source"], told["every"]) == ("config", str(source), None)
        ran = bridge.client.post(f"{AUDIENCE}/run")
        assert (ran.status_code, ran.json()["sent"], ran.json()["trigger"]) == (200, 2, "request")
        assert problem(bridge.client.put(AUDIENCE, json={"name": "x"}), 409)["code"] == "defined_in_config"
        assert problem(bridge.client.delete(AUDIENCE), 409)["code"] == "defined_in_config"
        other = "/_bridge/engage/audiences/other"
        assert show(bridge, other)["source"] == "postgresql://127.0.0.1:9/shop"
        assert "s3cret" not in bridge.client.post(f"{other}/run").text + bridge.client.get("/_bridge/engage").text
        define_trait(bridge)
        assert problem(bridge.client.post(f"{TRAIT}/run"), 409)["code"] == "no_source"
        assert problem(bridge.client.post(f"{AUDIENCE}/run?x=1"), 400)["code"] == "unknown_parameter"
        assert problem(bridge.client.post(f"{AUDIENCE}/run", json={"force": True}), 400)["code"] == "unknown_member"


# What is told of it


def test_the_metrics() -> None:
    with running(quick(destination())) as bridge:
        define(bridge)
        sync(bridge, ["a", "b", ""])
        sync(bridge, ["a", "c"])
        post(bridge, [])
        bridge.client.post(f"{AUDIENCE}/members", json={"remove": ["c"]})
        until(lambda: show(bridge)["queued"] == 0)
        lines = bridge.client.get("/metrics").text.splitlines()
        counted = dict(line.rsplit(" ", 1) for line in lines if line.startswith("localtalon_bridge_engage"))
        assert counted == {
            'localtalon_bridge_engage_rows_total{use="read"}': "5.0",
            'localtalon_bridge_engage_rows_total{use="refused"}': "1.0",
            'localtalon_bridge_engage_users_total{change="entered"}': "3.0",
            'localtalon_bridge_engage_users_total{change="left"}': "2.0",
            'localtalon_bridge_engage_users_total{change="changed"}': "0.0",
            'localtalon_bridge_engage_syncs_total{outcome="decided"}': "2.0",
            'localtalon_bridge_engage_syncs_total{outcome="refused"}': "1.0",
            'localtalon_bridge_engage_syncs_total{outcome="failed"}': "0.0",
            "localtalon_bridge_engage_queued": "0.0",
        }
        assert 'localtalon_bridge_accepted_total{door="engage"} 5.0' in lines


def test_on_postgresql(postgres: PostgresServer) -> None:
    with running(quick(destination(), data=postgres.database())) as bridge:
        define(bridge)
        assert sync(bridge, ["a", "b", "\0 c"])["counts"]["entered"] == 3
        assert sync(bridge, ["a", "b", "d"])["counts"]["left"] == 1
        with upload(bridge) as begun:
            begun.send(b"user_id\na\n")
            until(lambda: show(bridge)["running"] is not None)
            begun.leave()
        until(lambda: show(bridge)["running"] is None)
        assert show(bridge)["lastSync"]["state"] == "failed"
        assert members(bridge) == {"a": True, "b": True, "d": True}
        assert bridge.client.delete(AUDIENCE).json() == {"deleted": True}
