"""Metrics for Prometheus, added up over all workers of a node."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector

from server.observe.collectors import StoreCollector
from server.observe.families import counter, histogram
from server.observe.node import NodeCollector
from server.observe.observer import AnsweredRequest
from server.release.hub import Hub
from server.store import Store

# The variable that names the folder shared by the processes of prometheus-client.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
METRICS_TYPE = CONTENT_TYPE_LATEST
_BUCKETS = (0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_REQUESTS = counter("scamfeed_requests", "Answered requests, of programs and of pages", "method", "route", "status")
_SECONDS = histogram("scamfeed_request_seconds", "Time to answer a request", "method", "route")
_OBJECTS = counter("scamfeed_objects", "Objects that partners sent (in) and read (out)", "collection", "direction")


class Metrics:
    """Counts of requests, their duration and objects, plus the figures of the store."""

    def __init__(self, store: Store, hub: Hub | None = None, node: NodeCollector | None = None) -> None:
        """Count for this process, and for all that share the folder if ``metrics_folder`` made one.

        With a ``hub``, its peers have figures too; with a ``node``, its processes.
        """
        self._node = node or NodeCollector(store)
        self._store = store
        self._hub = hub
        self._shared = FOLDER in os.environ
        # prometheus-client decides at import, when the folder does not yet exist.
        values.ValueClass = (
            values.MultiProcessValue()  # type: ignore[no-untyped-call]  # prometheus-client types it halfway
            if self._shared
            else values.MutexValue
        )
        self._own = CollectorRegistry()
        self._requests = Counter(*_REQUESTS[:3], registry=self._own)
        self._seconds = Histogram(*_SECONDS[:3], registry=self._own, buckets=_BUCKETS)
        self._objects = Counter(*_OBJECTS[:3], registry=self._own)
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def note(self, request: AnsweredRequest) -> None:
        """Count a request."""
        key = request.method, request.route, request.status
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = (
                self._requests.labels(request.method, request.route, str(request.status)),
                self._seconds.labels(request.method, request.route),
            )
        known[0].inc()
        known[1].observe(request.seconds)
        if request.collection is not None:
            if request.objects_in:
                self._objects.labels(request.collection, "in").inc(request.objects_in)
            if request.objects_out:
                self._objects.labels(request.collection, "out").inc(request.objects_out)

    def page(self) -> bytes:
        """Return the counts of all workers and the figures of the store, in Prometheus' text form."""
        registry = CollectorRegistry()
        if self._shared:
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the same
        else:
            registry = self._own
        asked = CollectorRegistry()
        asked.register(StoreCollector(self._store, self._hub))
        asked.register(self._node)
        page: bytes = generate_latest(registry) + generate_latest(asked)
        return page


@contextmanager
def metrics_folder() -> Iterator[None]:
    """Make the folder in which the workers share their counts. The process that made it removes it."""
    made, maker = mkdtemp(prefix="scamfeed-metrics-"), os.getpid()
    os.environ[FOLDER] = made
    try:
        yield
    finally:
        # A worker that ends also runs this code.
        if os.getpid() == maker:
            os.environ.pop(FOLDER, None)
            for file in Path(made).glob("*.db"):
                file.unlink(missing_ok=True)
            Path(made).rmdir()
