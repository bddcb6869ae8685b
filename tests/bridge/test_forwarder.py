"""Delivery against a scripted Talon.One: order, retries, pauses, dead letters, restarts, a killed process."""

import asyncio
import contextlib
import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bridge_support import (
    PATIENCE,
    Bridge,
    Reply,
    Seen,
    Target,
    always,
    destination,
    identify,
    in_turn,
    quick,
    running,
    scripted_target,
    until,
)
from talon_bridge.events import Accepted
from talon_bridge.outbox import FILE_NAME
from talon_bridge.outbox.sqlite import SqliteOutbox


def only(number: int) -> dict[str, Any]:
    """Traits that are never merged with those of another event: strings are not alike."""
    return {"name": str(number)}


def sent(target: Target, user: str) -> list[Any]:
    """The numbers that arrived for a profile, in order."""
    return [int(seen.attributes["name"]) for seen in target.of(user)]


def event(bridge: Bridge, message_id: str) -> dict[str, Any]:
    told: dict[str, Any] = bridge.client.get(f"/_bridge/events/{message_id}").json()
    return told


# Order


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2)), min_size=1, max_size=25))
@hypothesis_settings(deadline=None, max_examples=15)
def test_each_profile_gets_its_events_in_order_whatever_fails(calls: list[tuple[str, int]]) -> None:
    """Each event of a profile fails a drawn number of times before it is taken."""
    failures = [Reply(503), Reply(500), Reply(409, (("Retry-After", "0"),))]
    wanted: dict[str, list[int]] = {user: [] for user in "abc"}
    left = {}
    for number, (user, fails) in enumerate(calls):
        wanted[user].append(number)
        left[number] = fails

    def script(seen: Seen) -> Reply:
        number = int(seen.attributes["name"])
        left[number] -= 1
        return failures[left[number]] if left[number] >= 0 else Reply()

    with scripted_target() as target, running(quick(destination(target.url))) as bridge:
        target.script = script
        items = [identify(user, only(number)) for number, (user, _) in enumerate(calls)]
        assert bridge.post("/v1/batch", {"batch": items}).status_code == 200
        assert bridge.idle()
        for user, numbers in wanted.items():
            first_seen = list(dict.fromkeys(sent(target, user)))
            assert first_seen == numbers
            assert sent(target, user) == sorted(sent(target, user))
            assert len(sent(target, user)) == sum(calls[number][1] + 1 for number in numbers)
        assert set(target.most_in_flight.values()) == {1}
        assert bridge.counts()["delivered"] == len(calls)


def test_a_blocked_profile_blocks_nobody_else(target: Target) -> None:
    gate = target.gate()
    target.script = lambda seen: Reply(gate=gate if seen.user == "blocked" else None)
    with running(quick(destination(target.url), max_concurrent_requests=2)) as bridge:
        for number in range(10):
            bridge.identify("blocked", only(number))
        for number in range(20):
            bridge.identify(f"free-{number}", only(number))
        target.wait_for(21)
        assert sent(target, "blocked") == [0]
        assert not bridge.idle(0)
        gate.open()
        assert bridge.idle()
        assert sent(target, "blocked") == list(range(10))


def test_a_profile_that_waits_for_its_retry_blocks_nobody_else(target: Target) -> None:
    target.script = lambda seen: Reply(503, (("Retry-After", "300"),)) if seen.user == "waits" else Reply()
    with running(quick(destination(target.url), max_concurrent_requests=1)) as bridge:
        bridge.identify("waits", only(0))
        bridge.identify("waits", only(1))
        target.wait_for(1)
        bridge.identify("free", only(2))
        target.wait_for(2)
        assert (sent(target, "waits"), sent(target, "free")) == ([0], [2])


def test_different_profiles_are_delivered_side_by_side(target: Target) -> None:
    gate = target.gate()
    target.script = always(Reply(gate=gate))
    with running(quick(destination(target.url))) as bridge:
        for number in range(8):
            bridge.identify(f"u{number}", only(1))
        target.wait_for(8)
        gate.open()
        assert bridge.idle()


# Outcomes


RETRIED = [
    Reply(500),
    Reply(502),
    Reply(503),
    Reply(504),
    Reply(408),
    Reply(409),
    Reply(423),
    Reply(425),
    Reply(503, (("Retry-After", "0"),)),
    Reply(503, (("Retry-After", "soon"),)),
    Reply(503, (("Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT"),)),
    Reply(429, (("Retry-After", "0"),)),
    Reply(429),
    Reply(401),
    Reply(403),
]


@pytest.mark.parametrize("reply", RETRIED, ids=lambda reply: f"{reply.status} {dict(reply.headers)}")
def test_what_is_worth_retrying_is_retried(target: Target, reply: Reply) -> None:
    target.script = in_turn(reply, reply)
    with running(quick(destination(target.url))) as bridge:
        bridge.identify("u", only(1), messageId="m")
        bridge.identify("u", only(2))
        assert bridge.idle()
        assert sent(target, "u") == [1, 1, 1, 2]
        told = event(bridge, "m")
        statuses = [attempt["status"] for attempt in told["attempts"] for _ in range(attempt.get("times", 1))]
        assert statuses == [reply.status, reply.status, 200]
        assert (told["state"], told["reason"]) == ("delivered", None)


@pytest.mark.parametrize("cut", ["before", "half"])
def test_a_reset_connection_is_retried_after_the_hold(target: Target, cut: str) -> None:
    """The first request may still land: until the time-out has passed, nothing newer may overtake it."""
    target.script = in_turn(Reply(cut=cut))
    with running(quick(destination(target.url), request_timeout=0.5)) as bridge:
        bridge.identify("u", only(1), messageId="m")
        bridge.identify("u", only(2))
        assert bridge.idle()
        assert sent(target, "u") == [1, 1, 2]
        first, second = event(bridge, "m")["attempts"]
        assert (first["status"], second["status"]) == (None, 200)
        assert "connection failed" in first["error"]
        waited = datetime.fromisoformat(second["at"]) - datetime.fromisoformat(first["at"])
        assert waited >= timedelta(seconds=0.49)


def test_a_retry_after_holds_the_whole_destination_on_429(target: Target) -> None:
    target.script = in_turn(Reply(429, (("Retry-After", "200"),)))
    with running(quick(destination(target.url))) as bridge:
        bridge.identify("u", only(1))
        target.wait_for(1)
        until(lambda: bridge.client.get("/_bridge/idle").json()["pausedFor"])
        bridge.identify("v", only(2))
        paused = bridge.client.get("/_bridge/idle?timeout=0.1")
        assert (paused.status_code, len(target.seen)) == (409, 1)
        assert 190 < paused.json()["pausedFor"] <= 200


def test_a_key_that_is_not_accepted_pauses_and_then_all_goes_on_in_order(target: Target) -> None:
    accepted = [False]
    target.script = lambda _seen: Reply(200 if accepted[0] else 401)
    with running(quick(destination(target.url))) as bridge:
        for number in range(5):
            bridge.identify("u", only(number), messageId=f"m{number}")
            bridge.identify(f"v{number}", only(number))
        target.wait_for(3)
        assert set(sent(target, "u")) <= {0}
        accepted[0] = True
        assert bridge.idle()
        assert list(dict.fromkeys(sent(target, "u"))) == [0, 1, 2, 3, 4]
        assert bridge.counts() == {"waiting": 0, "delivered": 10, "skipped": 0, "dead": 0}
        tried = event(bridge, "m0")["attempts"]
        assert all("the API key is not accepted" in attempt["error"] for attempt in tried[:-1])


REFUSAL = json.dumps(
    {
        "message": "invalid request",
        "errors": [
            {"title": "t", "details": "attribute 'name' is not defined", "source": {"pointer": "/attributes/name"}},
        ],
    }
).encode()


def test_a_refused_request_is_dead_at_once_and_explained(target: Target) -> None:
    target.script = in_turn(Reply(400, body=REFUSAL))
    with running(quick(destination(target.url))) as bridge:
        bridge.identify("u", {"name": "1", "email": "e", "shoe": 43}, messageId="m")
        bridge.identify("u", only(2))
        assert bridge.idle()
        assert sent(target, "u") == [1, 2]
        told = event(bridge, "m")
        assert told["state"] == "dead"
        assert told["reason"]["reason"] == "Talon.One answered 400: invalid request"
        assert [(trait["verdict"], trait["rule"], trait["reason"]) for trait in told["traits"]] == [
            ("refused", "ATT-1", "attribute 'name' is not defined"),
            ("refused", "ATT-1", "the whole request was refused (400) because of name"),
            ("withheld", "MAP-3", "shoe is not in Custom Attributes"),
        ]
        assert [attempt["status"] for attempt in told["attempts"]] == [400]


@pytest.mark.parametrize("status", [302, 404, 410, 413, 422, 501, 505])
def test_what_is_final_is_dead_and_the_profile_goes_on(target: Target, status: int) -> None:
    target.script = in_turn(Reply(status, (("Location", "/elsewhere"),), b"no"))
    with running(quick(destination(target.url))) as bridge:
        bridge.identify("u", only(1), messageId="m")
        bridge.identify("u", only(2))
        assert bridge.idle()
        assert sent(target, "u") == [1, 2]
        assert bridge.counts() == {"waiting": 0, "delivered": 1, "skipped": 0, "dead": 1}
        assert str(status) in event(bridge, "m")["reason"]["reason"]


def test_after_the_window_an_event_is_dead_with_its_history(target: Target) -> None:
    """Retries end by the clock that the app is given; it moves a minute with every look."""
    ticks = itertools.count(1_700_000_000, 60)
    target.script = lambda seen: Reply(503 if int(seen.attributes["name"]) == 1 else 200)
    with running(quick(destination(target.url), retry_window=600), clock=lambda: float(next(ticks))) as bridge:
        bridge.identify("u", only(1), messageId="m")
        bridge.identify("u", only(2))
        assert bridge.idle()
        told = event(bridge, "m")
        assert told["state"] == "dead"
        assert "the retry window is over" in told["reason"]["reason"]
        assert {attempt["status"] for attempt in told["attempts"]} == {503}
        assert 2 <= len(told["attempts"]) == sent(target, "u").count(1)
        assert {trait["verdict"] for trait in told["traits"]} == {"undelivered"}


@pytest.mark.parametrize("user_id", [".", "..", "x" * 1001])
def test_a_user_id_that_no_path_can_hold_is_never_sent(target: Target, user_id: str) -> None:
    with running(quick(destination(target.url))) as bridge:
        bridge.identify(user_id, only(1), messageId="m")
        assert bridge.idle()
        assert target.seen == []
        told = event(bridge, "m")
        assert (told["state"], told["reason"]["rule"], told["request"]) == ("dead", "ID-1", None)


@pytest.mark.parametrize(
    "doubled",
    [
        b'"traits":5,"traits":{"n":1}',
        b'"traits":{"n":1},"userId":5,"userId":"u"',
        b'"traits":{"n":1},"context":[1],"context":{}',
        b'"traits":{"n":1},"timestamp":{},"timestamp":"2026-01-01T00:00:00Z"',
        b'"traits":{"n":1},"type":0,"type":"identify"',
    ],
)
@pytest.mark.parametrize("path", ["/v1/identify", "/v1/batch", "/v1/track"])
def test_what_the_door_takes_can_be_read_again(target: Target, path: str, doubled: bytes) -> None:
    """Of two equal keys the later counts, in every place: an event that only the door can read stops all others."""
    kind = path.removeprefix("/v1/").replace("batch", "identify").encode()
    call = b'{"type":"%b","userId":"u",%b}' % (kind, doubled.replace(b'"identify"', b'"%b"' % kind))
    body = b'{"batch":[%b]}' % call if path == "/v1/batch" else call
    with running(quick(destination(target.url))) as bridge:
        assert bridge.post(path, body).status_code == 200
        bridge.identify("behind", {"n": 2})
        assert bridge.idle()
        sent_too = kind == b"identify"
        assert bridge.counts() == {"waiting": 0, "delivered": 1 + sent_too, "skipped": 1 - sent_too, "dead": 0}
        assert len(bridge.events()) == 2


def test_an_event_that_cannot_be_read_is_a_dead_letter_and_holds_up_no_other(target: Target, tmp_path: Path) -> None:
    async def spoil() -> None:
        box = SqliteOutbox(tmp_path / FILE_NAME)
        await box.open()
        await box.append([Accepted(name, name, "u", b'{"a"', 1.0, "") for name in ("identify", "track")])
        await box.close()

    asyncio.run(spoil())
    with running(quick(destination(target.url), data=str(tmp_path))) as bridge:
        bridge.identify("u", {"n": 2})
        assert bridge.idle()
        assert bridge.counts() == {"waiting": 0, "delivered": 1, "skipped": 0, "dead": 2}
        assert {event["state"] for event in bridge.events()} == {"delivered", "dead"}


def test_a_message_id_is_delivered_once(target: Target) -> None:
    with running(quick(destination(target.url))) as bridge:
        item = identify("u", only(1), messageId="m")
        assert bridge.post("/v1/batch", {"batch": [item, item]}).status_code == 200
        bridge.post("/v1/identify", item)
        assert bridge.idle()
        bridge.post("/v1/identify", {**item, "traits": only(2)})
        assert bridge.idle()
        assert sent(target, "u") == [1]


# A disk that cannot be written


class Filling(SqliteOutbox):
    """An outbox whose disk is full from one moment to another."""

    async def full(self, pages: int) -> None:
        """Leave room for so many pages."""
        await self._database.write(lambda db: db.execute(f"PRAGMA max_page_count = {pages}"))


def test_a_settlement_that_cannot_be_written_does_not_send_again(target: Target) -> None:
    """The request is done: what is retried is the note of it."""
    box = Filling(None)
    gate = target.gate()
    target.script = always(Reply(gate=gate))
    with running(quick(destination(target.url)), box) as bridge:
        # Traits so long that the report of their delivery needs pages of its own.
        bridge.identify("u", {"name": "1", "email": "e" * 20_000}, messageId="m")
        target.wait_for(1)
        leave_room(box, 1)
        gate.open()
        assert not bridge.idle(0.3)
        leave_room(box, 1_000_000)
        assert bridge.idle()
        assert len(target.seen) == 1
        assert event(bridge, "m")["state"] == "delivered"


def leave_room(box: Filling, pages: int) -> None:
    """Change the room on the disk in the bridge's own loop, and return when it is done."""
    loop = box._database._committer.get_loop() if box._database._committer else None
    assert loop is not None
    asyncio.run_coroutine_threadsafe(box.full(pages), loop).result(PATIENCE)


# Restarts


def test_what_waits_is_delivered_by_the_next_bridge_in_order(target: Target, tmp_path: Path) -> None:
    target.script = always(Reply(503, (("Retry-After", "0"),)))
    with running(quick(destination(target.url), data=str(tmp_path))) as bridge:
        for number in range(5):
            bridge.identify("u", only(number), messageId=f"m{number}")
        target.wait_for(3)
    assert set(sent(target, "u")) == {0}
    target.script = always(Reply())
    with running(quick(destination(target.url), data=str(tmp_path))) as bridge:
        bridge.identify("u", only(5))
        assert bridge.idle()
        assert list(dict.fromkeys(sent(target, "u"))) == [0, 1, 2, 3, 4, 5]
        tried = event(bridge, "m0")["attempts"]
        assert [attempt["status"] for attempt in tried][-1] == 200
        assert {attempt["status"] for attempt in tried[:-1]} == {503}
        bridge.identify("u", only(9), messageId="m0")
        assert bridge.idle()
        assert 9 not in sent(target, "u")


def test_a_request_in_flight_is_recorded_before_the_end(target: Target, tmp_path: Path) -> None:
    gate = target.gate()
    target.script = always(Reply(gate=gate))
    with running(quick(destination(target.url), data=str(tmp_path))) as bridge:
        bridge.identify("u", only(1), messageId="m")
        target.wait_for(1)
        gate.open()
    with running(quick(destination(target.url), data=str(tmp_path))) as bridge:
        assert bridge.idle()
        assert event(bridge, "m")["state"] == "delivered"
    assert len(target.seen) == 1


def test_a_request_that_does_not_end_is_left_for_the_next_start(target: Target, tmp_path: Path) -> None:
    target.script = in_turn(Reply(gate=target.gate()))
    with running(quick(destination(target.url), data=str(tmp_path), shutdown_grace=0.05, request_timeout=1)) as bridge:
        bridge.identify("u", only(1), messageId="m")
        target.wait_for(1)
    with running(quick(destination(target.url), data=str(tmp_path))) as bridge:
        assert bridge.idle()
        cut_off, last = event(bridge, "m")["attempts"]
        assert (cut_off["status"], last["status"]) == (None, 200)
        assert "the bridge was stopped" in cut_off["error"]
    assert sent(target, "u") == [1, 1]


def test_corrected_settings_repair_what_waits(target: Target, tmp_path: Path) -> None:
    target.script = always(Reply(401))
    wrong = destination(target.url, custom_attributes=("Address_City",))
    with running(quick(wrong, data=str(tmp_path))) as bridge:
        bridge.identify("u", {"Address": {"City": "A"}})
        bridge.identify("u", {"address": {"city": "B"}}, messageId="m")
        target.wait_for(1)
        assert event(bridge, "m")["traits"][0]["nearest"] == "Address_City"
    target.seen.clear()
    target.script = always(Reply())
    with running(quick(destination(target.url, custom_attributes=("address_city",)), data=str(tmp_path))) as bridge:
        assert bridge.idle()
        assert [seen.attributes for seen in target.seen] == [{"address_city": "B"}]
        assert event(bridge, "m")["state"] == "delivered"


def test_a_killed_bridge_loses_nothing_it_accepted(target: Target, tmp_path: Path) -> None:
    config = tmp_path / "localtalon.toml"
    config.write_text(
        f'[bridge]\nmax_requests_per_second = 0\n[destination]\napi_key = "k"\n'
        f'application_domain = "{target.url}"\ncustom_attributes = ["name"]\n'
    )
    target.script = lambda seen: Reply(gate=target.gate() if int(seen.attributes["name"]) >= 10 else None)
    accepted = 0
    with as_a_process(config, tmp_path / "data") as (process, url), httpx.Client(trust_env=False) as client:
        for number in range(40):
            item = {**identify(f"u{number % 3}", only(number)), "writeKey": "localtalon-write-key"}
            accepted += client.post(f"{url}/v1/identify", json=item).status_code == 200
        target.wait_for(13)
        process.kill()
        process.wait(PATIENCE)
    assert accepted == 40
    target.script = always(Reply())
    with as_a_process(config, tmp_path / "data") as (_, url), httpx.Client(trust_env=False, timeout=60) as client:
        assert client.get(f"{url}/_bridge/idle?timeout=30").status_code == 200
    for user in range(3):
        assert list(dict.fromkeys(sent(target, f"u{user}"))) == list(range(user, 40, 3))


@contextlib.contextmanager
def as_a_process(config: Path, data: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The bridge as its users run it, from its line of readiness on."""
    command = [sys.executable, "-m", "localtalon", "bridge", "--config", str(config), "--data", str(data)]
    with subprocess.Popen(
        [*command, "--port", "0", "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            yield process, ready["bridge"]
        finally:
            process.terminate()
            process.wait(PATIENCE)
