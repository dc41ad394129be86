"""Serves a mirror to the bank's own systems: ``POST /check``, ``/health`` and ``/metrics``, on loopback.

One process answers, in one thread: a check takes about ten microseconds. Syncs run in another process, so that they
never delay an answer. Values appear in no log, metric or error.
"""

import asyncio
import gc
import hmac
import logging
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec
import uvloop
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from feeds.client.mirror.answers import CheckedValue
from feeds.client.mirror.check import Mirror
from feeds.client.mirror.clock import moment
from feeds.client.mirror.http_protocol import AskedRequest, CheckProtocol, ServedAnswer
from feeds.client.mirror.settings import ERROR, NONE, UNKNOWN, MirrorOptions
from feeds.client.mirror.state import health_of
from feeds.transport.connections import is_here
from schemas.api.lookup import LookupQuestion, LookupRequest
from schemas.reference.sites import load_shared_services

_BUCKETS = (0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 1.0)
_OF_COPY = ("hub", "collection")


class MirrorMetrics:
    """Counts checks and their duration, and reports the state of the copies."""

    def __init__(self, mirror: Mirror) -> None:
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
            self._checks.labels(_answer(result), "yes" if result.stale else "no").inc()
        self._seconds.observe(seconds)

    def page(self) -> bytes:
        """Return all metrics in the format of Prometheus."""
        return generate_latest(self._registry)


class _CopyCollector(Collector):
    """Reads the state of the copies at each scrape."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror

    def collect(self) -> Iterator[Metric]:
        state, here = self._mirror.state(), moment()
        age = GaugeMetricFamily("scamfeed_mirror_age_seconds", "Age of a copy; -1: never whole", labels=_OF_COPY)
        active = GaugeMetricFamily("scamfeed_mirror_active", "Active objects of a copy, of any type", labels=_OF_COPY)
        listings = GaugeMetricFamily("scamfeed_mirror_listings", "Active listings of a copy", labels=_OF_COPY)
        differs = GaugeMetricFamily(
            "scamfeed_mirror_differs", "1: the copy is known to differ from its hub", labels=_OF_COPY
        )
        for copy in state.copies.values():
            of_copy = (copy.hub, copy.alias)
            age.add_metric(of_copy, -1 if copy.as_of is None else (copy.clock.now(here) - copy.as_of) / 1000)
            active.add_metric(of_copy, copy.active)
            if copy.listings is not None:
                listings.add_metric(of_copy, copy.listings)
            differs.add_metric(of_copy, copy.digest == "differs")
        stale = GaugeMetricFamily("scamfeed_mirror_stale", "1: what is not found may be listed", state.is_stale(here))
        missing = GaugeMetricFamily(
            "scamfeed_mirror_missing", "Configured collections that have no copy", len(state.missing)
        )
        off = GaugeMetricFamily(
            "scamfeed_mirror_clock_off_seconds", "By how much a hub's clock is ahead of ours", labels=("hub",)
        )
        for hub, clock in state.clocks.items():
            off.add_metric((hub,), clock.ahead / 1000)
        size = GaugeMetricFamily("scamfeed_mirror_file_bytes", "Size of the file", self._mirror.file_bytes())
        yield from (age, active, listings, differs, stale, missing, off, size)


def _answer(result: CheckedValue) -> str:
    """Return the label of an answer: its grade, or ``error``, ``unknown`` or ``none``."""
    if result.error is not None:
        return ERROR
    return UNKNOWN if result.unknown else NONE if result.grade is None else result.grade.value


logger = logging.getLogger(__name__)

# Number of values checked before another connection gets its turn: about a third of a millisecond.
_TURN = 16
_WATCH_SECONDS = 2
_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_OBJECTS_BEFORE_COLLECTION = 50_000
# Headers that a browser always adds to the requests of a page.
_FROM_PAGES = frozenset((b"origin", b"sec-fetch-site"))
_request_decoder = msgspec.json.Decoder(LookupRequest)
_encode = msgspec.json.Encoder().encode


class RefusedRequest(msgspec.Struct, frozen=True):
    """Why a request was refused, and how to correct it."""

    title: str
    description: str


class CheckService:
    """Answers requests from a mirror."""

    def __init__(self, mirror: Mirror, options: MirrorOptions) -> None:
        """Answer from ``mirror``; require the token of ``options``, if it has one."""
        self._mirror = mirror
        self._metrics = MirrorMetrics(mirror)
        self._token = options.token.reveal().encode() if options.token else None
        self._routes: dict[str, dict[str, Callable[[AskedRequest], ServedAnswer]]] = {
            "/health": {"GET": self._health},
            "/metrics": {"GET": self._metrics_page},
        }

    async def respond(self, request: AskedRequest) -> ServedAnswer:
        """Answer a request."""
        path = request.path
        if refusal := self._refused(request, path):
            return refusal
        if path == "/check":
            return await self._check(request) if request.method == "POST" else _not_allowed("POST")
        methods = self._routes.get(path)
        if methods is None:
            return _refusal(404, "No such page", "Ask POST /check, GET /health or GET /metrics.")
        method = "GET" if request.method == "HEAD" else request.method
        return methods[method](request) if method in methods else _not_allowed("GET")

    def _refused(self, request: AskedRequest, path: str) -> ServedAnswer | None:
        if self._token is not None:
            if path != "/health" and not self._has_token(request):
                return _refusal(401, "Not authenticated", "Send the token of the settings as Authorization: Bearer.")
        elif not _names_here(request.headers.get(b"host", b"")):
            # A page in a local browser, from a domain that its author pointed at this address.
            return _refusal(403, "Wrong host", "Ask by an address of this machine, or set a token.")
        elif path == "/check" and not _FROM_PAGES.isdisjoint(request.headers):
            # A page in a local browser cannot read the answer, but could measure its time.
            return _refusal(403, "Asked by a page", "Ask from a program, or set a token.")
        return None

    async def _check(self, request: AskedRequest) -> ServedAnswer:
        began = time.perf_counter()
        try:
            questions = _request_decoder.decode(request.body).values
        except (msgspec.MsgspecError, UnicodeError):
            # Without the decoder's message: it may contain a part of a value.
            return _refusal(
                400, "Not a request", 'Send {"values": [{"value": "…", "kind": "…", "details": {…}}]}: 1 to 1,000.'
            )
        results = await self._results(questions)
        body = _encode(self._mirror.answer(results))
        self._metrics.note(results, time.perf_counter() - began)
        return ServedAnswer(200, body)

    async def _results(self, questions: list[LookupQuestion]) -> list[CheckedValue]:
        if len(questions) <= _TURN:
            return self._mirror.check_all(questions)
        results: list[CheckedValue] = []
        for start in range(0, len(questions), _TURN):
            results += self._mirror.check_all(questions[start : start + _TURN])
            await asyncio.sleep(0)
        return results

    def _has_token(self, request: AskedRequest) -> bool:
        given = request.headers.get(b"authorization", b"")
        return self._token is None or hmac.compare_digest(given, b"Bearer " + self._token)

    def _health(self, request: AskedRequest) -> ServedAnswer:
        health = health_of(self._mirror.state(), moment())
        # A load balancer has no token; only clients with the token see names and errors of hubs and collections.
        shown = health.shown if self._has_token(request) else {"status": health.shown["status"]}
        return ServedAnswer(200 if health.is_well else 503, _encode(shown))

    def _metrics_page(self, _: AskedRequest) -> ServedAnswer:
        return ServedAnswer(200, self._metrics.page(), _TEXT)


class Listening(NamedTuple):
    """The address that a service listens on."""

    host: str
    port: int


def serve(mirror: Mirror, options: MirrorOptions, ready: Callable[[Listening], None] = lambda _: None) -> None:
    """Serve a mirror until SIGINT or SIGTERM; call ``ready`` once it listens. Raises ``OSError``."""
    uvloop.run(_serve(mirror, options, ready))


async def _serve(mirror: Mirror, options: MirrorOptions, ready: Callable[[Listening], None]) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(ValueError, RuntimeError):  # not in the main thread
            loop.add_signal_handler(number, stopped.set)
    service = CheckService(mirror, options)
    open_protocols: set[CheckProtocol] = set()
    server = await loop.create_server(
        lambda: CheckProtocol(service.respond, open_protocols), options.host, options.port, backlog=1024
    )
    load_shared_services()
    # Freeze the existing objects: garbage collection over them would make a slow answer.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION)
    host, port = server.sockets[0].getsockname()[:2]
    logger.info("mirror-serves host=%s port=%d", host, port)
    ready(Listening(host, port))
    watch = asyncio.ensure_future(_watch(mirror, open_protocols))
    await stopped.wait()
    watch.cancel()
    server.close()
    for protocol in list(open_protocols):
        protocol.end()
    await server.wait_closed()


async def _watch(mirror: Mirror, open_protocols: set[CheckProtocol]) -> None:
    """Close inactive connections, and follow the file."""
    while True:
        await asyncio.sleep(_WATCH_SECONDS)
        mirror.follow_file()
        now = time.monotonic()
        for protocol in [protocol for protocol in open_protocols if protocol.is_overdue(now)]:
            protocol.end()


def _names_here(host: bytes) -> bool:
    try:
        name = urlsplit(f"//{host.decode('ascii')}").hostname or ""
    except ValueError:
        return False
    return is_here(name)


def _refusal(status: int, title: str, description: str, *headers: tuple[str, str]) -> ServedAnswer:
    return ServedAnswer(status, _encode(RefusedRequest(title, description)), headers=headers)


def _not_allowed(method: str) -> ServedAnswer:
    return _refusal(405, "Not allowed", f"Use {method} here.", ("Allow", method))
