"""Metrics of a mirror for Prometheus; no value is in them."""

import time
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from feeds.mirror.answers import CheckedValue
from feeds.mirror.check import Mirror
from feeds.mirror.settings import ERROR, NONE

_BUCKETS = (0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 1.0)
_OF_COPY = ("hub", "collection")


class MirrorMetrics:
    """Counts of checks and their time, beside the state of the copies."""

    def __init__(self, mirror: Mirror) -> None:
        """Count for the process that serves ``mirror``."""
        self._registry = CollectorRegistry()
        self._checks = Counter(
            "scamfeed_mirror_checks", "Values checked, by the answer", ("grade", "stale"), registry=self._registry
        )
        self._seconds = Histogram(
            "scamfeed_mirror_request_seconds", "Time to answer a request", registry=self._registry, buckets=_BUCKETS
        )
        self._registry.register(_CopyCollector(mirror))

    def note(self, results: Iterable[CheckedValue], seconds: float) -> None:
        """Count the answers of one request."""
        for result in results:
            grade = ERROR if result.error is not None else NONE if result.grade is None else result.grade.value
            self._checks.labels(grade, "yes" if result.stale else "no").inc()
        self._seconds.observe(seconds)

    def page(self) -> bytes:
        """Return all metrics as Prometheus reads them."""
        return generate_latest(self._registry)


class _CopyCollector(Collector):
    """Reads the state of the copies when it is asked for."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror

    def collect(self) -> Iterator[Metric]:
        state, now = self._mirror.state(), int(time.time() * 1000)
        age = GaugeMetricFamily("scamfeed_mirror_age_seconds", "Age of a copy; -1: never whole", labels=_OF_COPY)
        active = GaugeMetricFamily("scamfeed_mirror_active", "Active objects of a copy", labels=_OF_COPY)
        differs = GaugeMetricFamily(
            "scamfeed_mirror_differs", "1: the copy is known to differ from its hub", labels=_OF_COPY
        )
        for copy in state.copies.values():
            of_copy = (copy.hub, copy.alias)
            age.add_metric(of_copy, -1 if copy.as_of is None else (now - copy.as_of) / 1000)
            active.add_metric(of_copy, copy.active)
            differs.add_metric(of_copy, copy.digest == "differs")
        stale = GaugeMetricFamily("scamfeed_mirror_stale", "1: a copy is too old or missing", state.is_stale(now))
        missing = GaugeMetricFamily(
            "scamfeed_mirror_missing", "Configured collections that have no copy", len(state.missing)
        )
        size = GaugeMetricFamily("scamfeed_mirror_file_bytes", "Size of the file", self._mirror.file.stat().st_size)
        yield from (age, active, differs, stale, missing, size)
