"""The journal, followed by server-sent events."""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator_support import SEED, Emulator, pure, running
from talon_emulator.journal import Entry, Filter, Journal
from talon_emulator.settings import Settings

Event = dict[str, Any]


@contextmanager
def following(emulator: Emulator, query: str = "", headers: dict[str, str] | None = None) -> Iterator[Iterator[Event]]:
    """Follow the journal, from when the block begins."""
    with emulator.client.stream("GET", f"/_emulator/journal/follow{query}", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream"
        lines = answer.iter_lines()
        assert next(lines) == ": following"
        yield events(lines)


def events(lines: Iterator[str]) -> Iterator[Event]:
    number = ""
    for line in lines:
        name, _, value = line.partition(": ")
        if name == "id":
            number = value
        elif name == "data":
            shown: Event = msgspec.json.decode(value)
            assert str(shown["sequence"]) == number
            yield shown


def test_each_exchange_is_an_event_as_the_journal_shows_it(emulator: Emulator) -> None:
    emulator.update("before", {})
    with following(emulator) as found:
        for number in range(3):
            emulator.update(f"u{number}", {"number": number})
        shown = [next(found) for _ in range(3)]
    assert shown == list(reversed(emulator.journal()))[1:]


def test_filters_and_where_to_begin(emulator: Emulator) -> None:
    emulator.update("u", {})
    emulator.update("u", {"flag": 1})
    emulator.update("v", {})
    numbers = [entry["sequence"] for entry in reversed(emulator.journal())]
    with following(emulator, "?since=0&integrationId=u") as found:
        assert [next(found)["sequence"] for _ in range(2)] == numbers[:2]
    with following(emulator, "?kind=bad", {"last-event-id": str(numbers[0])}) as found:
        assert next(found)["sequence"] == numbers[1]
        emulator.update("w", {"unknown": 1})
        assert next(found)["integrationId"] == "w"


def test_a_browser_that_comes_back_misses_nothing_and_sees_nothing_twice(emulator: Emulator) -> None:
    emulator.update("u", {})
    last = emulator.journal()[0]["sequence"]
    emulator.update("v", {})
    with following(emulator, "?since=0", {"last-event-id": str(last)}) as found:
        assert next(found)["integrationId"] == "v"


def test_only_of_the_deployment_that_is_named(emulator: Emulator) -> None:
    made = emulator.client.post("/_emulator/deployments").json()
    with following(emulator, f"?deployment={made['deployment']}") as found:
        emulator.update("other", {})
        emulator.update("own", {}, made["apiKeys"][0]["key"])
        assert next(found)["integrationId"] == "own"
        assert emulator.client.delete(f"/_emulator/deployments/{made['deployment']}").status_code == 204
        assert list(found) == [], "it ends with the deployment"


def test_a_follower_that_goes_away_harms_nobody(emulator: Emulator) -> None:
    for _ in range(3):
        with following(emulator):
            pass
    assert emulator.update("u", {}).status_code == 200


def test_a_server_that_stops_does_not_wait_for_followers() -> None:
    with socket.socket() as connection:
        with running(Settings(deployment=SEED)) as emulator:
            connection.connect(("127.0.0.1", emulator.port))
            connection.sendall(b"GET /_emulator/journal/follow HTTP/1.1\r\nhost: localhost\r\n\r\n")
            got = b""
            while b": following" not in got:
                got += connection.recv(65536)
            began = time.monotonic()
        assert time.monotonic() - began < 4  # the tests' servers have 5 seconds


def test_head_and_refusals(emulator: Emulator) -> None:
    answer = emulator.client.head("/_emulator/journal/follow")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream")
    for query in ("?kind=ugly", "?limit=3", "?since=yesterday", "?deployment=nowhere"):
        assert emulator.client.get(f"/_emulator/journal/follow{query}").status_code in (400, 404)


def entry(number: int) -> Entry:
    at = datetime(2030, 1, 1, tzinfo=UTC)
    return Entry(number, at, 0, "PUT", "/", "", None, (f"u{number % 3}",), None, 200, "", b"", b"", 0, 0)


@pure
@given(st.integers(0, 5), st.integers(0, 12), st.integers(0, 15))
def test_what_came_after_a_number(size: int, count: int, sequence: int) -> None:
    journal = Journal(size)
    for _ in range(count):
        journal.append(entry(journal.next_sequence()))
    assert journal.last == count
    kept = range(max(count - size, 0) + 1, count + 1)
    found = journal.after(sequence, Filter(integration_id="u1"))
    assert [entry.sequence for entry in found] == [n for n in kept if n > sequence and n % 3 == 1]


def test_news_of_an_exchange_and_of_the_end() -> None:
    async def work() -> None:
        journal = Journal(3)
        first, second = journal.news(), journal.news()
        second.cancel()
        assert not first.done()
        journal.append(entry(1))
        await asyncio.wait_for(first, 1)
        waiting = journal.news()
        journal.end()
        await asyncio.wait_for(waiting, 1)
        assert journal.news().done()
        with pytest.raises(asyncio.CancelledError):
            await second

    asyncio.run(work())


def test_a_body_of_several_lines_is_one_event(emulator: Emulator) -> None:
    pretty = b'{\r\n  "attributes": {\n    "text": "a\\nb"\r  }\n}'
    with emulator.client.stream("GET", "/_emulator/journal/follow?since=0") as followed:
        lines = followed.iter_lines()
        next(lines)
        emulator.put("u", pretty)
        data = next(line for line in lines if line.startswith("data: "))
    entry = msgspec.json.decode(data.removeprefix("data: "))
    assert entry["request"] == {"attributes": {"text": "a\nb"}}
    assert entry["deployment"] == "demo"


def test_a_number_of_any_length_begins_the_following(emulator: Emulator) -> None:
    headers = {"last-event-id": "9" * 5000}
    with emulator.client.stream("GET", "/_emulator/journal/follow", headers=headers) as followed:
        assert followed.status_code == 200
