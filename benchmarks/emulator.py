"""The emulator beyond single requests: bulk updates, deployments of one's own, a million profiles in a file."""

import contextlib
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx

from benchmarks.load import Load, each, pin, request
from benchmarks.measurement import Measurement
from benchmarks.servers import process, running
from benchmarks.throughput import API_KEY, ATTRIBUTES, profile_update

ROUNDS = 5
BULK = 1000
MANY = 1_000_000


def bulk_update(number: int) -> bytes:
    """An update of a thousand profiles with eight attributes each."""
    profiles = [
        {"integrationId": f"user-{n}", "attributes": {**ATTRIBUTES, "age": (n + number) % 90}} for n in range(BULK)
    ]
    return _bulk(profiles)


def measure() -> Iterator[Measurement]:
    """All of it in turn."""
    pin(1)
    yield from _bulks()
    yield from _deployments()
    yield from _a_million()


def _bulk(profiles: list[dict[str, Any]]) -> bytes:
    body = json.dumps({"customerProfiles": profiles}).encode()
    return request("PUT", "/v2/customer_profiles", body, f"Authorization: ApiKey-v1 {API_KEY}")


def _bulks() -> Iterator[Measurement]:
    singles, bulks = each(profile_update, BULK), each(bulk_update, 20)
    with running("emulator") as (port,):
        pairs = [(Load(singles).run(port), BULK * Load(bulks).run(port, connections=2)) for _ in range(ROUNDS)]
    single, many = (statistics.median(column) for column in zip(*pairs, strict=True))
    told = f"{many:,.0f} profiles/s beside {single:,.0f}"
    yield Measurement("emulator: bulk of 1,000, profiles a second", ">= 20000", many, told)
    ratio = statistics.median(bulk / one for one, bulk in pairs)
    yield Measurement("emulator: bulk of 1,000 over single updates", ">= 5", ratio, told)


def _deployments() -> Iterator[Measurement]:
    with running("emulator") as (port,), contextlib.closing(HTTPConnection("127.0.0.1", port)) as client:
        made = [_timed(client, "POST", "/_emulator/deployments") for _ in range(200)]
        yield _milliseconds("emulator: create a deployment, ms", "<= 5", made)
        filling = bulk_update(0).split(b"\r\n\r\n", 1)[1]
        resets = []
        for _ in range(50):
            _timed(client, "PUT", "/v2/customer_profiles", filling)
            resets.append(_timed(client, "POST", "/_emulator/reset"))
        yield _milliseconds("emulator: reset 1,000 profiles, ms", "<= 1", resets)


def _timed(client: HTTPConnection, method: str, path: str, body: bytes | None = None) -> float:
    began = time.perf_counter()
    client.request(method, path, body, {"authorization": f"ApiKey-v1 {API_KEY}"})
    answer = client.getresponse()
    answer.read()
    taken = time.perf_counter() - began
    assert answer.status < 300, answer.status
    return taken


def _milliseconds(name: str, goal: str, seconds: list[float]) -> Measurement:
    taken = sorted(1000 * each for each in seconds)
    told = f"over HTTP, {len(taken)} times; p90 {taken[len(taken) * 9 // 10]:.2f} ms"
    return Measurement(name, goal, statistics.median(taken), told)


def _a_million() -> Iterator[Measurement]:
    few, many = each(profile_update, 1000), each(_spread, 50_000)
    with tempfile.TemporaryDirectory() as small, tempfile.TemporaryDirectory() as large:
        with running("emulator", large) as (port,):
            began = time.perf_counter()
            _fill(port)
            filled = time.perf_counter() - began
        with running("emulator", small) as (small_port,), process("emulator", large) as (pid, (large_port,)):
            pairs = [(Load(few).run(small_port), Load(many).run(large_port)) for _ in range(ROUNDS)]
            resident = _resident(pid)
    one, other = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(big / little for little, big in pairs)
    told = f"{other:,.0f}/s beside {one:,.0f}/s; filled in {filled:.0f} s"
    yield Measurement("emulator: updates at 1,000,000 profiles, file", ">= 0.80", ratio, told)
    yield Measurement("emulator: memory at 1,000,000 profiles, MB", "<= 300", resident, "resident, after the updates")


def _spread(number: int) -> bytes:
    """An update of one of fifty thousand profiles all over the million."""
    return profile_update(number * 7919 % MANY)


def _fill(port: int) -> None:
    headers = {"authorization": f"ApiKey-v1 {API_KEY}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, headers=headers, timeout=60) as client:
        for start in range(0, MANY, BULK):
            profiles = [{"integrationId": f"user-{n}", "attributes": ATTRIBUTES} for n in range(start, start + BULK)]
            assert client.put("/v2/customer_profiles", json={"customerProfiles": profiles}).status_code == 204


def _resident(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1e3
    raise RuntimeError("the system does not tell the memory of a process")
