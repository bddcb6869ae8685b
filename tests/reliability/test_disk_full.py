"""R14: a full disk. Nothing is answered falsely, nothing is sent again and again, and it recovers by itself."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from bridge_support import basic, until
from postgres_support import PostgresServer
from reliability.checker import Sent, judge
from reliability.misbehaviour import Gate, Well
from reliability.processes import BridgeProcess, bridge, running
from reliability.reports import Report
from reliability.scale import CHAOS
from reliability.sender import Sender
from reliability.stores import KINDS
from reliability.target import Target
from reliability.workload import Workload, call

SIZE = 32 if CHAOS else 12  # MiB
DATABASE = 12  # MiB more that an empty database takes
_FILLER = b"\0" * (64 * 1024)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of its own that is soon full, and that any user reaches."""
    place = Path(tempfile.mkdtemp(prefix="localtalon-disk-"))
    place.chmod(0o755)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE + DATABASE}m,mode=777", "tmpfs", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        place.rmdir()
        pytest.skip(f"no file system can be mounted here: {made.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
        place.rmdir()


@pytest.fixture(params=KINDS)
def on_small_disk(request: pytest.FixtureRequest, small_disk: Path) -> Iterator[str]:
    """What names an outbox on it: in PostgreSQL it is the tables that find no room, while the server goes on."""
    if request.param == "file":
        yield str(small_disk / "data")
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    (small_disk / "tables").mkdir()
    with server.database_in(small_disk / "tables") as url:
        yield url


def fill(place: Path) -> Path:
    """Take all the space that is left."""
    filler = place / "filler"
    with filler.open("ab", buffering=0) as file:
        for piece in (_FILLER, b"\0" * 512):
            try:
                while file.write(piece):
                    pass
            except OSError:
                continue
    return filler


def refused(process: BridgeProcess, client: httpx.Client, event: Sent) -> httpx.Response | None:
    """The answer to an event when it is not 200."""
    answer = client.post(process.url + "/v1/identify", json=call(event))
    return None if answer.status_code == 200 else answer


def test_r14_a_full_disk_is_answered_with_503_and_recovers(
    small_disk: Path, on_small_disk: str, target: Target, tmp_path: Path, report: Report
) -> None:
    work, accepted = Workload(1), list[Sent]()
    gate = Gate()
    patient = {"max_concurrent_requests": 4, "request_timeout": 60, "lease": 150}  # nothing is sent twice meanwhile
    with (
        running(bridge(tmp_path, target.url, on_small_disk, **patient)) as process,
        httpx.Client(headers=basic(), timeout=20, trust_env=False) as client,
    ):
        Sender([process]).send(before := work.events(50, 2))
        assert process.idle()
        target.faults = lambda _arrival: gate
        Sender([process]).send(waiting := work.events(60, 2))
        filler = fill(small_disk)
        answers, number = list[httpx.Response](), 0
        while len(answers) < 60:
            number += 1
            event = padded(work.event(f"full{number % 40}"))
            answer = refused(process, client, event)
            if answer is None:
                accepted.append(event)
            else:
                answers.append(answer)
        gate.open()
        target.faults = lambda _arrival: Well()
        for _ in range(200):
            event = padded(work.event("none"))
            answer = refused(process, client, event)
            if answer is None:
                accepted.append(event)
            else:
                answers.append(answer)
        sent_when_full = len(target.arrivals)
        filler.unlink()
        until(lambda: recovered(process, client, padded(work.event("after")), accepted))
        assert process.idle()
        verdict = judge([*before, *waiting, *accepted], target.log, target.profiles, process.dead())
        counts = process.counts()
    statuses = {answer.status_code for answer in answers}
    report(
        f"{len(answers)} refused with {statuses}, {len(accepted)} accepted while full, "
        f"{sent_when_full} requests till then, "
        f"{counts['delivered']} delivered, {verdict}"
    )
    assert statuses == {503}
    assert all(answer.headers.get("retry-after", "").isdigit() for answer in answers)
    assert verdict.steady
    assert not verdict.duplicates  # what could not be settled was not sent again
    assert counts["delivered"] == len(before) + len(waiting) + len(accepted)


def padded(event: Sent) -> Sent:
    """The event with a text that takes space, and no null or other text."""
    values = {name: value for name, value in event.attributes.items() if name not in ("label", "flag")}
    return msgspec.structs.replace(event, attributes={**values, "label": f"{event.n} " + "x" * 2000})


def recovered(process: BridgeProcess, client: httpx.Client, event: Sent, accepted: list[Sent]) -> bool:
    """Whether an event is taken again."""
    if refused(process, client, event) is not None:
        return False
    accepted.append(event)
    return True
