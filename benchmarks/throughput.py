"""Requests a second of each door, as a share of a bare ASGI app that answers the same bytes."""

import json
import statistics
import tempfile
import urllib.request
from collections.abc import Iterator

from benchmarks.load import Load, each, pin, request
from benchmarks.measurement import Measurement
from benchmarks.servers import running

API_KEY = "a1" * 32
ATTRIBUTES = {
    "email": "ada@example.com",
    "name": "Ada Lovelace",
    "age": 36,
    "vip": True,
    "signed_up_at": "2026-01-21T15:04:05Z",
    "favourite_tags": ["books", "tea"],
    "address_city": "Berlin",
    "lifetime_value": 1234.56,
}
ROUNDS = 5


def profile_update(number: int) -> bytes:
    """An update of one of a thousand profiles with eight attributes."""
    body = json.dumps({"attributes": {**ATTRIBUTES, "age": number % 90}}).encode()
    return request("PUT", f"/v2/customer_profiles/user-{number}", body, f"Authorization: ApiKey-v1 {API_KEY}")


def identify(count: int) -> Iterator[bytes]:
    """Identifies of a thousand users, each call with an id of its own."""
    number = count
    while True:
        number += 1
        body = json.dumps({"userId": f"user-{number % 1000}", "messageId": f"m{number}", "traits": ATTRIBUTES}).encode()
        yield request("POST", "/v1/identify", body, "Authorization: Basic bG9jYWx0YWxvbi13cml0ZS1rZXk6")


def _answer_to(port: int, raw: bytes) -> bytes:
    """What the server answers to one request: the bytes that the ceiling will answer too."""
    head, body = raw.split(b"\r\n\r\n", 1)
    first, *rest = head.decode().split("\r\n")
    method, path, _ = first.split(" ")
    headers = dict(line.split(": ", 1) for line in rest if not line.startswith(("Host", "Content-Length")))
    call = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers, method=method)
    with urllib.request.urlopen(call) as answer:
        return bytes(answer.read())


def _compare(
    name: str, goal: str, port: int, sample: bytes, mine: Iterator[bytes], beside: str = "bare"
) -> Measurement:
    with running(beside, answer=_answer_to(port, sample)) as (ceiling_port,):
        ceiling = each(lambda n: sample, 1)
        pairs = []
        for _ in range(ROUNDS):
            load = Load(mine)
            pairs.append((Load(ceiling).run(ceiling_port), load.run(port)))
    ratio = statistics.median(own / bare for bare, own in pairs)
    bare, own = (statistics.median(column) for column in zip(*pairs, strict=True))
    waits = sorted(load.latencies)
    tail = f"p50 {waits[len(waits) // 2] * 1e3:.1f} ms, p99 {waits[len(waits) * 99 // 100] * 1e3:.1f} ms"
    return Measurement(name, goal, ratio, f"{own:,.0f}/s of {bare:,.0f}/s; {tail}")


def measure() -> Iterator[Measurement]:
    """Every door in turn."""
    pin(1)
    with running("emulator") as (port,):
        updates = each(profile_update, 1000)
        one = profile_update(1)
        yield _compare("emulator: profile update, in memory", ">= 0.40", port, one, updates)
        yield _compare("emulator: the same, beside Starlette and a decode", ">= 0.75", port, one, updates, "decoding")
    with tempfile.TemporaryDirectory() as folder, running("bridge", folder) as (port,):
        yield _compare("bridge: single identify, durable", ">= 0.30", port, next(identify(0)), identify(10**6))
