"""Counts of what the server did, and their text for Prometheus."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client.core import Metric

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class Counters:
    """How many requests of each operation ended with each status."""

    def __init__(self) -> None:
        """Start at zero."""
        self.requests: Counter[tuple[str, int]] = Counter()


def render(counters: Counters, profiles: Iterable[tuple[str, str, int]]) -> bytes:
    """Return the metrics as text; `profiles` are (deployment, environment, count)."""
    from prometheus_client import generate_latest
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
    from prometheus_client.registry import Collector, CollectorRegistry

    class _Snapshot(Collector):
        def collect(self) -> Iterator["Metric"]:
            requests = CounterMetricFamily(
                "talon_emulator_requests", "Requests answered.", labels=["operation", "status"]
            )
            for (operation, status), count in sorted(counters.requests.items()):
                requests.add_metric([operation, str(status)], count)
            yield requests
            stored = GaugeMetricFamily(
                "talon_emulator_profiles", "Customer profiles stored.", labels=["deployment", "environment"]
            )
            for deployment, environment, count in profiles:
                stored.add_metric([deployment, environment], count)
            yield stored

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot())
    return generate_latest(registry)
