"""The bridge: taking in, delivering, catching up, latency and memory."""

import asyncio
import itertools
import json
import os
import socket
import sqlite3
import statistics
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks.load import Load, pin, request
from benchmarks.measurement import Measurement
from benchmarks.servers import process, running
from benchmarks.throughput import API_KEY, ATTRIBUTES

BACKLOG = int(os.environ.get("LOCALTALON_BENCH_EVENTS", "1000000"))
SINGLES = 20_000
BATCH = 100
CONNECTIONS = 32
ROUNDS = 3
SAMPLES = 300
WRITE_KEY = "Authorization: Basic bG9jYWx0YWxvbi13cml0ZS1rZXk6"


def call(number: int) -> dict[str, object]:
    """An identify of a profile of its own."""
    traits = {**ATTRIBUTES, "age": number % 90}
    return {"type": "identify", "userId": f"user-{number}", "messageId": f"message-{number}", "traits": traits}


def batches(start: int = 0) -> Iterator[bytes]:
    """Batches of identifies, each of a profile of its own."""
    for first in itertools.count(start, BATCH):
        body = json.dumps({"batch": [call(first + n) for n in range(BATCH)]}).encode()
        yield request("POST", "/v1/batch", body, WRITE_KEY)


def raw_sqlite(folder: str, seconds: float = 2.0) -> float:
    """Rows a second that SQLite itself takes, in commits of a batch, each on disk, with a unique messageId."""
    db = sqlite3.connect(Path(folder) / "raw.sqlite3", isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE events (seq INTEGER PRIMARY KEY, message_id TEXT UNIQUE, user_id TEXT, body BLOB)")
    rows = [(f"message-{n}", f"user-{n}", json.dumps(call(n)).encode()) for n in range(300_000)]
    began, done = time.perf_counter(), 0
    while (spent := time.perf_counter() - began) < seconds and done < len(rows):
        db.execute("BEGIN")
        db.executemany("INSERT INTO events (message_id, user_id, body) VALUES (?, ?, ?)", rows[done : done + BATCH])
        db.execute("COMMIT")
        done += BATCH
    db.close()
    return done / spent


def ingest() -> Measurement:
    """Batches of a hundred, durable."""
    pairs = []
    for turn in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder, running("bridge", folder) as (port,):
            own = Load(batches(turn * 10**7)).run(port, connections=8) * BATCH
            pairs.append((raw_sqlite(folder), own))
    ratio = statistics.median(own / raw for raw, own in pairs)
    raw, own = (statistics.median(column) for column in zip(*pairs, strict=True))
    return Measurement("bridge: batches of 100, durable", ">= 0.30", ratio, f"{own:,.0f} events/s of {raw:,.0f} rows/s")


async def _bare_loop(port: int, seconds: float = 2.0) -> float:
    """Requests a second of a loop that does nothing but send them."""
    import aiohttp

    body = json.dumps({"attributes": ATTRIBUTES}).encode()
    headers = {"Authorization": f"ApiKey-v1 {API_KEY}", "Content-Type": "application/json"}
    done, end = 0, time.perf_counter() + seconds

    async def one(session: aiohttp.ClientSession) -> None:
        nonlocal done
        while time.perf_counter() < end:
            async with session.put(
                f"http://127.0.0.1:{port}/v2/customer_profiles/user-{done}", data=body, headers=headers
            ) as answer:
                await answer.read()
            done += 1

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(one(session) for _ in range(CONNECTIONS)))
    return done / seconds


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=3600) as answer:
        return bytes(answer.read())


def _post_all(port: int, events: int) -> float:
    """Send so many events; how long that took, in seconds."""
    began = time.perf_counter()
    Load(itertools.islice(batches(), events // BATCH)).drain(port, connections=4)
    return time.perf_counter() - began


def _waiting(core: int, domain_port: int) -> dict[str, str]:
    return {
        "LOCALTALON_DESTINATION_APPLICATION_DOMAIN": f"http://127.0.0.1:{domain_port}",
        "LOCALTALON_DESTINATION_API_KEY": API_KEY,
        "BENCH_CORE": str(core),
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def singles() -> Measurement:
    """What waits goes out one request each, to a stub that answers at once."""
    import uvloop

    pairs = []
    for _ in range(ROUNDS):
        stub_port = _free_port()
        settings = _waiting(1, stub_port) | {
            "LOCALTALON_BRIDGE_MAX_REQUESTS_PER_SECOND": "0",
            "LOCALTALON_BRIDGE_BULK_THRESHOLD": "0",
            "LOCALTALON_BRIDGE_PROBE_EVERY": "0.2",
        }
        with tempfile.TemporaryDirectory() as folder, process("bridge", folder, settings=settings) as (_, (port,)):
            _post_all(port, SINGLES)
            with process("bare", answer=b"{}", settings={"BENCH_PORT": str(stub_port)}):
                began = time.perf_counter()
                _get(f"http://127.0.0.1:{port}/_bridge/idle?timeout=600")
                own = SINGLES / (time.perf_counter() - began)
                pairs.append((uvloop.run(_bare_loop(stub_port)), own))
    ratio = statistics.median(own / bare for bare, own in pairs)
    bare, own = (statistics.median(column) for column in zip(*pairs, strict=True))
    detail = f"{own:,.0f}/s of {bare:,.0f}/s"
    return Measurement("bridge: single updates delivered", ">= 0.60", ratio, detail)


def _resident(pid: int) -> float:
    """Megabytes of memory that a process has."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} has no memory")


def backlog() -> Iterator[Measurement]:
    """A million profiles wait; then Talon.One is there and takes 60 requests a second."""
    port_of_talon = _free_port()
    settings = _waiting(0, port_of_talon)
    with tempfile.TemporaryDirectory() as folder, process("bridge", folder, settings=settings) as (pid, (port,)):
        accepting = _post_all(port, BACKLOG)
        memory = _resident(pid)
        with process("emulator", settings={"BENCH_PORT": str(port_of_talon), "BENCH_CORE": "1"}):
            began = time.perf_counter()
            while b'"idle":true' not in _idle(port):
                pass
            delivering = time.perf_counter() - began
            metrics = _get(f"http://127.0.0.1:{port}/metrics").decode()
            memory = max(memory, _resident(pid))
    requests = sum(
        float(line.rsplit(" ", 1)[1])
        for line in metrics.splitlines()
        if line.startswith("localtalon_bridge_requests_total") and 'status="2' in line
    )
    rate = BACKLOG / (accepting + delivering)
    detail = f"{BACKLOG:,} profiles: {accepting:.0f} s to accept, {delivering:.0f} s to deliver"
    yield Measurement("bridge: a backlog, profiles a second", ">= 6000", rate, detail)
    yield Measurement("bridge: requests for it", f"<= {BACKLOG * 0.0011:g}", requests, "at 60 a second")
    yield Measurement("bridge: memory with it, MB", "<= 300", memory, "the most that was seen")


def _idle(port: int) -> bytes:
    try:
        return _get(f"http://127.0.0.1:{port}/_bridge/idle?timeout=600")
    except urllib.error.HTTPError as error:
        return error.read()


def latency() -> Iterator[Measurement]:
    """From the 200 to the moment when the profile is there, on an idle system."""
    waits = []
    talon = _free_port()
    key = {"Authorization": f"ApiKey-v1 {API_KEY}"}
    settings = _waiting(1, talon) | {"LOCALTALON_BRIDGE_MAX_REQUESTS_PER_SECOND": "0"}
    with (
        tempfile.TemporaryDirectory() as folder,
        process("emulator", settings={"BENCH_PORT": str(talon)}),
        process("bridge", folder, settings=settings) as (
            _,
            (port,),
        ),
    ):
        for number in range(SAMPLES):
            body = json.dumps({**call(number), "writeKey": "localtalon-write-key"}).encode()
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/identify", body).read()
            began = time.perf_counter()
            url = f"http://127.0.0.1:{talon}/v1/customer_profiles/user-{number}/inventory?profile=true"
            while True:
                try:
                    urllib.request.urlopen(urllib.request.Request(url, headers=key)).read()
                    break
                except urllib.error.HTTPError:
                    continue
            waits.append(1000 * (time.perf_counter() - began))
    waits.sort()
    yield Measurement("bridge: 200 to visible, p50, ms", "<= 10", waits[SAMPLES // 2], f"{SAMPLES} events")
    yield Measurement("bridge: 200 to visible, p99, ms", "<= 50", waits[SAMPLES * 99 // 100], f"{SAMPLES} events")


def measure() -> Iterator[Measurement]:
    """Everything in turn."""
    pin(1)
    yield ingest()
    yield singles()
    yield from latency()
    yield from backlog()
