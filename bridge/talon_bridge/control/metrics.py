"""The metrics of the bridge, as text for Prometheus."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from talon_bridge.control.parts import Parts
from talon_bridge.control.status import age
from talon_bridge.outbox.protocol import State

if TYPE_CHECKING:
    from prometheus_client.core import Metric

_PREFIX = "localtalon_bridge_"
_CONTENT_TYPE = "text/plain; version=0.0.4"


async def show_metrics(parts: Parts, request: Request) -> Response:
    """Counters since the start of this process, and what stands now; the counts of events are the whole outbox's."""
    from prometheus_client import generate_latest
    from prometheus_client.registry import Collector, CollectorRegistry

    counts = await parts.outbox.counts()
    oldest = age(await parts.outbox.oldest(), parts.clock())
    queued = sum((await parts.engage.store.queued()).values())

    class _Snapshot(Collector):
        def collect(self) -> Iterator["Metric"]:
            yield from _gauges(parts, counts, oldest, queued)
            yield from _counters(parts)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot())
    return Response(generate_latest(registry), media_type=_CONTENT_TYPE)


def _gauges(parts: Parts, counts: Mapping[State, int], oldest: float | None, queued: int) -> Iterator["Metric"]:
    from prometheus_client.core import GaugeMetricFamily

    now = parts.forwarder.standing
    events = GaugeMetricFamily(f"{_PREFIX}events", "Events in the outbox by state.", labels=["state"])
    for state, count in counts.items():
        events.add_metric([state.value], count)
    yield events
    profiles = GaugeMetricFamily(f"{_PREFIX}profiles", "Profiles whose events wait, in memory.", labels=["state"])
    profiles.add_metric(["ready"], now.ready)
    profiles.add_metric(["asleep"], now.asleep)
    yield profiles
    for name, text, value in (
        ("dead_letters", "Events that were given up.", counts[State.DEAD]),
        ("oldest_age_seconds", "Since the longest waiting event was received; 0: none waits.", oldest or 0),
        ("requests_in_flight", "Requests to Talon.One under way.", now.in_flight),
        ("paused_seconds", "Until the destination is asked again; 0: it is not paused.", now.paused_for),
        ("requests_per_second_allowed", "Requests a second that this process may make; 0: no limit.", now.rate),
        ("shards_held", "Shards whose events this process delivers.", now.shards),
        ("workers", "Processes that deliver.", now.workers),
        ("engage_queued", "Identifies of Engage that are not stored yet.", queued),
    ):
        yield GaugeMetricFamily(_PREFIX + name, text, value=value)


def _counters(parts: Parts) -> Iterator["Metric"]:
    from prometheus_client.core import CounterMetricFamily

    tally, of_engage = parts.tally, parts.engage.tally
    tables: tuple[tuple[str, str, list[str], Mapping[Any, int]], ...] = (
        ("requests", "Requests to Talon.One by kind and the status of the answer.", ["kind", "status"], tally.requests),
        ("accepted", "Events stored, by door.", ["door"], tally.accepted),
        ("duplicates", "Events left out because their messageId had come, by door.", ["door"], tally.duplicates),
        ("settled", "Events settled, by state.", ["state"], tally.settled),
        ("engage_rows", "Rows of syncs read, and of these refused.", ["use"], of_engage.rows),
        ("engage_users", "Users whose membership or value was changed, by how.", ["change"], of_engage.users),
        ("engage_syncs", "Syncs by how they ended.", ["outcome"], of_engage.syncs),
    )
    for name, text, labels, counted in tables:
        family = CounterMetricFamily(_PREFIX + name, text, labels=labels)
        for key, count in sorted(counted.items()):
            family.add_metric(list(key) if isinstance(key, tuple) else [key], count)
        yield family
