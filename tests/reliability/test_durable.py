"""R15: a 200 means durable. What a real bridge writes, syncs and answers, in the order in which it asks the system."""

import asyncio
import json
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from bridge_support import basic, identify
from reliability.disk import Disk
from reliability.misbehaviour import Gate
from reliability.processes import bridge, running
from reliability.reports import Report
from reliability.target import Target
from talon_bridge.outbox import sqlite_database
from talon_bridge.settings import SettingsError

_AT_ONCE = 200


class Order:
    """The disk's log read as a story: how many syncs there were, and which events were answered before one was."""

    def __init__(self, log: list[list[str]]) -> None:
        """Follow every event from its arrival over its place in the log and the next whole sync to the answer."""
        self.syncs = 0
        self.answered: list[str] = []
        self.too_early: list[str] = []
        asked: dict[str, list[str]] = defaultdict(list)
        written, syncing, durable = set[str](), set[str](), set[str]()
        for what, *told in log:
            match what, told:
                case "asked", [socket, event]:
                    asked[socket].append(event)
                case "wrote", [event]:
                    written.add(event)
                case "syncing", ["wal"]:
                    syncing = set(written)  # what is written during a sync is not of it
                case "synced", ["wal"]:
                    self.syncs += 1
                    durable |= syncing
                case "answered", [socket, "200"]:
                    events = asked.pop(socket, [])
                    self.answered += events
                    self.too_early += [event for event in events if event not in durable]


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    """A disk that is watched."""
    return Disk(tmp_path)


def events(count: int, first: int = 0) -> list[dict[str, object]]:
    """Calls whose messageIds the disk knows."""
    return [identify(f"u{number % 7}", {"n": number}, messageId=f"evt-{number}") for number in range(first, count)]


def test_r15_one_event_is_synced_before_its_200(disk: Disk, target: Target, tmp_path: Path, report: Report) -> None:
    calls = events(10)
    with disk.mounted(), running(bridge(tmp_path, target.url, str(tmp_path / "data"))) as process:
        with httpx.Client(base_url=process.url, headers=basic(), trust_env=False) as client:
            for call in calls:
                assert client.post("/v1/identify", json=call).status_code == 200
        assert process.idle()
    order = Order(disk.log)
    report(f"{len(order.answered)} events answered, {order.syncs} syncs, {len(order.too_early)} answered too early")
    assert order.answered == [call["messageId"] for call in calls]
    assert order.too_early == []
    assert order.syncs >= len(calls)  # one after the other, so none could share another's


def test_r15_a_batch_is_synced_before_its_200(disk: Disk, target: Target, tmp_path: Path, report: Report) -> None:
    calls = events(40)
    with disk.mounted(), running(bridge(tmp_path, target.url, str(tmp_path / "data"))) as process:
        answer = httpx.post(process.url + "/v1/batch", json={"batch": calls}, headers=basic(), trust_env=False)
        assert answer.status_code == 200
        assert process.idle()
    order = Order(disk.log)
    report(f"{len(order.answered)} events answered, {order.syncs} syncs, {len(order.too_early)} answered too early")
    assert sorted(order.answered) == sorted(str(call["messageId"]) for call in calls)
    assert order.too_early == []


def test_r15_requests_that_come_together_share_syncs(
    disk: Disk, target: Target, tmp_path: Path, report: Report
) -> None:
    calls = events(_AT_ONCE)
    gate = Gate()
    target.faults = lambda _arrival: gate  # nothing is settled meanwhile, which would be synced, too
    with disk.mounted(), running(bridge(tmp_path, target.url, str(tmp_path / "data"))) as process:
        statuses = asyncio.run(sent_together(process.url, calls))
        order = Order(disk.log)
        gate.open()
        assert process.idle()
    report(f"{len(calls)} requests, {order.syncs} syncs, {len(order.too_early)} answered too early")
    assert statuses == [200] * len(calls)
    assert len(order.answered) == len(calls)
    assert order.too_early == []
    assert order.syncs < len(calls) / 2


async def sent_together(url: str, calls: Sequence[object]) -> list[int]:
    """The statuses of calls that are all on their way before the first answer is read, each over its own connection."""
    host, port = url.removeprefix("http://").split(":")
    wires = [await asyncio.open_connection(host, int(port)) for _ in calls]
    head = f"POST /v1/identify HTTP/1.1\r\nHost: {host}\r\nAuthorization: {basic()['authorization']}\r\n"
    for (_, writer), call in zip(wires, calls, strict=True):
        body = json.dumps(call)
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
    statuses = [int((await reader.readline()).split()[1]) for reader, _ in wires]
    for _, writer in wires:
        writer.close()
    return statuses


def test_r15_the_log_tells_when_a_200_comes_too_early() -> None:
    well = ["asked 7 evt-1", "wrote evt-1", "syncing wal", "synced wal", "answered 7 200"]
    for late in (2, 3):
        early = [*well[:late], well[4], *well[late:4]]
        assert Order([line.split() for line in early]).too_early == ["evt-1"]
    during = ["asked 7 evt-1", "syncing wal", "wrote evt-1", "synced wal", "answered 7 200"]
    assert Order([line.split() for line in during]).too_early == ["evt-1"]
    assert Order([line.split() for line in well]).too_early == []


def test_r15_an_outbox_that_does_not_write_through_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Forgetful(sqlite3.Connection):
        def execute(self, sql: str, *parameters: object) -> sqlite3.Cursor:
            return super().execute(sql.replace("synchronous = FULL", "synchronous = NORMAL"), *parameters)  # type: ignore[arg-type]

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **named: connect(*given, factory=Forgetful, **named))
    database = sqlite_database.Database(tmp_path / "bridge.sqlite3")
    with pytest.raises(SettingsError, match=r"does not write through to the disk \(synchronous = 1\)"):
        asyncio.run(database.open())
