"""R14, R16: errors of the disk, failed syncs, and damaged files. Nothing false is answered, nothing is lost unseen."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from bridge_support import basic, until
from reliability.checker import Sent, judge
from reliability.disk import Disk
from reliability.misbehaviour import Gate, Silent, Well
from reliability.processes import BridgeProcess, NotReady, bridge, running
from reliability.reports import Report
from reliability.sender import Sender
from reliability.target import Target
from reliability.workload import Workload, call

FILE = "bridge.sqlite3"
_PAGE = 4096


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    """A disk that can fail."""
    return Disk(tmp_path)


def posted(process: BridgeProcess, event: Sent) -> httpx.Response:
    """The answer to an event."""
    return httpx.post(process.url + "/v1/identify", json=call(event), headers=basic(), timeout=20, trust_env=False)


def asked(process: BridgeProcess, path: str) -> httpx.Response:
    """The answer of the control API."""
    return httpx.get(process.url + path, timeout=20, trust_env=False)


def test_r14_failing_writes_are_answered_with_503_and_recover(
    disk: Disk, target: Target, tmp_path: Path, report: Report
) -> None:
    work, gate = Workload(1), Gate()
    patient = {"request_timeout": 60, "lease": 150}  # what waits at the gate is not sent again for that
    with disk.mounted(), running(bridge(tmp_path, target.url, str(tmp_path / "data"), **patient)) as process:
        Sender([process]).send(before := work.events(30, 2))
        assert process.idle()
        target.faults = lambda _arrival: gate
        Sender([process]).send(waiting := work.events(20, 1))
        target.wait_for(lambda: target.requests() > len(before) / 2)
        disk.fail("write")
        answers = [posted(process, work.event("none")) for _ in range(20)]
        gate.open()  # what these requests did cannot be recorded now
        target.faults = lambda _arrival: Well()
        until(lambda: "settle_failed" in process.said() or "cannot be written" in process.said())
        disk.well()
        accepted = list[Sent]()

        def taken() -> bool:
            event = work.event("after")
            well = posted(process, event).status_code == 200
            accepted.extend([event] if well else [])
            return well

        until(taken)
        assert process.idle()
        verdict = judge([*before, *waiting, *accepted], target.log, target.profiles, process.dead())
    report(f"{len(answers)} refused with { ({answer.status_code for answer in answers}) }, {verdict}")
    assert {answer.status_code for answer in answers} == {503}
    assert all(answer.headers["retry-after"].isdigit() for answer in answers)
    assert verdict.steady
    assert not verdict.duplicates  # the settlement was tried again, not the request


def test_r14_after_a_failed_sync_nothing_is_taken_or_sent_until_the_next_start(
    disk: Disk, target: Target, tmp_path: Path, report: Report
) -> None:
    work, gate, slots = Workload(2), Gate(), 2
    settings = {"max_concurrent_requests": slots, "bulk_threshold": 0}
    unrecorded = 4 * slots  # requests that are done and wait for the disk, at most
    with disk.mounted(), running(bridge(tmp_path, target.url, str(tmp_path / "data"), **settings)) as process:
        Sender([process]).send(before := work.events(20, 2))
        assert process.idle()
        target.faults = lambda _arrival: gate
        Sender([process]).send(waiting := work.events(40, 1))
        target.wait_for(lambda: len({p for a in list(target.arrivals) for p in a.profiles}) > 20)
        disk.fail("sync")
        refused = [posted(process, unsynced := work.event("unsynced"))]
        disk.well()  # a sync that succeeds now proves nothing
        refused += [posted(process, work.event("later")) for _ in range(10)]
        sent = target.requests()
        gate.open()
        target.faults = lambda _arrival: Well()
        more = target.comes(lambda: target.requests() > sent + unrecorded, 3.0)
        told = {path: asked(process, f"/_bridge/{path}") for path in ("ready", "status", "events", "dead-letters")}
        alive = asked(process, "/_bridge/health").status_code
        said, before_start = process.said(), len(disk.log)
        process.kill()
        process.start()
        written_anew = ["synced", "db"] in disk.log[before_start:]
        assert process.idle()
        others = [one for one in target.log if one.profile != unsynced.profile]  # it may be there, or not
        profiles = {name: held for name, held in target.profiles.items() if name != unsynced.profile}
        verdict = judge([*before, *waiting], others, profiles, process.dead())
        assert posted(process, work.event("again")).status_code == 200
        assert process.idle()
    report(f"{len(refused)} refused, {sent} requests before, more than {unrecorded} after: {more}, {verdict}")
    assert {answer.status_code for answer in refused} == {503}
    assert all(answer.headers["retry-after"].isdigit() for answer in refused)
    assert not more
    assert written_anew  # what the log shows may never have reached the disk
    assert alive == 200
    for path, answer in told.items():
        assert answer.status_code == 503, path
        assert "until the bridge is started again" in answer.text, path
    assert said.count("SQLITE_IOERR_FSYNC") >= 1
    assert str(tmp_path / "data" / FILE) in said
    assert verdict.steady
    assert verdict.duplicates <= unrecorded + slots


def test_r14_a_failed_sync_of_a_checkpoint_is_made_good_by_the_next(
    disk: Disk, target: Target, tmp_path: Path, report: Report
) -> None:
    work = Workload(3, plain=True)
    with disk.mounted(), running(bridge(tmp_path, target.url, str(tmp_path / "data"))) as process:
        disk.fail("sync-db")
        accepted = [large(work.event(f"p{number % 50}")) for number in range(900)]
        Sender([process], size=15).send(accepted)
        failed = disk.log.count(["unsynced", "db"])
        disk.well()
        Sender([process], size=15).send(more := [large(work.event("q")) for _ in range(30)])
        synced = disk.log.count(["synced", "db"])
        assert process.idle(120)
        process.kill()
        process.start()
        verdict = judge([*accepted, *more], target.log, target.profiles, process.dead())
        counts = process.counts()
    report(f"{failed} syncs of the file failed, {synced} went well, {verdict}")
    assert failed
    assert synced
    assert verdict.steady
    assert counts["delivered"] == len(accepted) + len(more)


def large(event: Sent) -> Sent:
    """The event with a text of 24 KiB, so that the log soon fills up."""
    return Sent(
        event.message_id, event.profile, event.n, event.mark, {**event.attributes, "label": "x" * 24_000}, event.poison
    )


def killed(place: Path, target: Target) -> BridgeProcess:
    """A bridge that was killed while all it accepted waits."""
    target.faults = lambda _arrival: Silent()
    process = bridge(place, target.url, str(place / "data"))
    with running(process):
        Sender([process], size=4).send(Workload(4).events(20, 4))
        process.kill()
    target.faults = lambda _arrival: Well()
    return process


def flip_in_log(data: Path) -> None:
    """Change a byte in the middle of the log."""
    path = data / f"{FILE}-wal"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_log(data: Path) -> None:
    """Cut the log off in the middle."""
    path = data / f"{FILE}-wal"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def cut_file(data: Path) -> None:
    """Cut the file to its first page."""
    path = data / FILE
    path.write_bytes(path.read_bytes()[:_PAGE])


def spoil_file(data: Path) -> None:
    """Overwrite the file's beginning."""
    path = data / FILE
    path.write_bytes(b"\0" * 100 + path.read_bytes()[100:])


@pytest.mark.parametrize("damage", [flip_in_log, cut_log, cut_file, spoil_file])
def test_r16_a_damaged_outbox_is_refused(
    damage: Callable[[Path], None], target: Target, tmp_path: Path, report: Report
) -> None:
    process, data = killed(tmp_path, target), tmp_path / "data"
    whole = {path: path.read_bytes() for path in data.iterdir()}
    sent = target.requests()
    damage(data)
    before = process.said()
    for _ in range(2):  # the second start does not take for granted what the first refused
        with pytest.raises(NotReady):
            process.start()
    lines = process.said().removeprefix(before).strip().splitlines()
    assert target.requests() == sent
    for path, content in whole.items():
        path.write_bytes(content)
    with running(process):
        assert process.idle()
        counts = process.counts()
    report(lines[0])
    assert len(lines) == 2
    assert lines[0] == lines[1]
    assert lines[0].startswith(f"localtalon: {data / FILE} cannot be used as an outbox: ")
    assert lines[0].endswith(f"localtalon doctor --data {data}")
    assert counts["delivered"] == 80


def test_r16_a_file_that_is_damaged_meanwhile_gives_503_and_no_wrong_answer(
    target: Target, tmp_path: Path, report: Report
) -> None:
    events = Workload(5).events(200, 5)
    path = tmp_path / "data" / FILE
    with running(bridge(tmp_path, target.url, str(path.parent))) as process:
        Sender([process], size=100).send(events)
        assert process.idle()
        assert process.stop() == 0
        process.start()
        with path.open("r+b") as file:
            file.seek(2 * _PAGE)
            file.write(b"\xee" * (path.stat().st_size - 2 * _PAGE))
        listed = asked(process, "/_bridge/events?limit=1000")
        answers = [listed, asked(process, "/_bridge/status"), posted(process, events[0])]
        said = process.said()
        process.kill()
        with pytest.raises(NotReady, match="localtalon doctor"):
            process.start()
    report(listed.text)
    assert [answer.status_code for answer in answers] == [503, 503, 503]
    assert "SQLITE_CORRUPT" in said
