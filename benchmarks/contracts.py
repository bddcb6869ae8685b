"""What the contracts cost: properties of the mapping, a call within the process, a whole verification."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

from benchmarks.measurement import Measurement
from benchmarks.throughput import API_KEY

EXAMPLES = 4000
CALLS = 3000
ROUNDS = 3


def _rate(strategy: Any, judge: Any) -> float:
    """Properties a second, drawing included."""
    from hypothesis import Phase, given, settings

    count = 0

    @settings(max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate])
    @given(strategy)
    def each(drawn: Any) -> None:
        nonlocal count
        count += 1
        judge(drawn)

    began = time.perf_counter()
    each()
    return count / (time.perf_counter() - began)


def _properties() -> Measurement:
    from hypothesis import strategies as st

    from localtalon.config import DEMO_CUSTOM_ATTRIBUTES, Config
    from talon_bridge import codec, events
    from talon_bridge.mapping import plan
    from talon_bridge.settings import Destination
    from talon_contracts.exact_json import decode, encode, same_json
    from talon_contracts.oracle import DestinationSettings, Sent, expected_request
    from talon_contracts.strategies import names_of, pooled

    definitions = {each.name: each.type for each in Config().profile_definitions().attributes}
    settings = DestinationSettings(frozenset(DEMO_CUSTOM_ATTRIBUTES))
    destination = Destination(API_KEY, "http://127.0.0.1:1", DEMO_CUSTOM_ATTRIBUTES)

    def agree(event: Any) -> None:
        mapped = plan(events.read(encode(event), event["type"]), destination).request
        expected = expected_request(event, settings)
        sent = {} if mapped is None else decode(codec.encode(mapped.attributes))
        assert same_json(sent, expected.attributes if isinstance(expected, Sent) else {})

    names = names_of(settings, definitions)
    rates = [(_rate(pooled(names), agree), _rate(st.lists(st.integers(0, 9), max_size=6), len)) for _ in range(ROUNDS)]
    bare = median(ceiling for _, ceiling in rates)
    detail = f"drawn, mapped, compared with the oracle; drawing a short list of numbers: {bare:,.0f}/s"
    return Measurement("mapping properties a second", ">= 1000", median(rate for rate, _ in rates), detail)


def _call() -> Measurement:
    from talon_contracts.targets import TalonOne
    from talon_emulator.app import create_app
    from talon_emulator.settings import Settings

    talon_one = TalonOne(create_app(Settings(limits="off")), API_KEY)
    talon_one.update("u", {"age": 1})
    began = time.perf_counter()
    for number in range(CALLS):
        talon_one.update("u", {"age": number})
    each = (time.perf_counter() - began) / CALLS * 1e6
    talon_one.close()
    return Measurement(
        "an update within the process: us", "<= 219", each, "through an HTTP client to ASGI: 219 (httpx)"
    )


def _verification() -> Measurement:
    command = [sys.executable, "-m", "localtalon", "verify", "--json"]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    seconds = time.perf_counter() - began
    checks = json.loads(done.stdout)["checks"]
    cases = sum(check["cases"] for check in checks)
    detail = f"{len(checks)} checks, {cases:,} cases, exit code {done.returncode}"
    return Measurement("localtalon verify, our own pair: s", "<= 60", seconds, detail)


def measure() -> Iterator[Measurement]:
    """All of it."""
    yield _properties()
    yield _call()
    yield _verification()
