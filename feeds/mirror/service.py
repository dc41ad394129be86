"""A mirror served to the bank's own systems: ``POST /check``, ``/health`` and ``/metrics``, on loopback.

One process answers, in one thread: a check takes some ten microseconds. Syncs run in another process, so that nothing
of theirs delays an answer. Values are in no log, no metric and no error.
"""

import asyncio
import gc
import hmac
import logging
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec
import uvloop

from feeds.http.address_guard import is_here
from feeds.mirror.answers import CheckedValue
from feeds.mirror.check import Mirror
from feeds.mirror.health import health_of
from feeds.mirror.http_protocol import AskedRequest, CheckProtocol, ServedAnswer
from feeds.mirror.metrics import MirrorMetrics
from feeds.mirror.settings import MirrorOptions
from schemas.api.lookup import LookupQuestion, LookupRequest

logger = logging.getLogger(__name__)

# So many values are checked before another connection has its turn: a third of a millisecond or so.
_TURN = 16
_WATCH_SECONDS = 2
_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_OBJECTS_BEFORE_COLLECTION = 50_000
# What a browser adds to the requests of a page, and no page can leave out.
_FROM_PAGES = frozenset((b"origin", b"sec-fetch-site"))
_request_decoder = msgspec.json.Decoder(LookupRequest)
_encode = msgspec.json.Encoder().encode


class RefusedRequest(msgspec.Struct, frozen=True):
    """Why a request was refused, and what to do about it."""

    title: str
    description: str


class CheckService:
    """Answers requests from a mirror."""

    def __init__(self, mirror: Mirror, options: MirrorOptions) -> None:
        """Answer from ``mirror``; ask for the token of ``options``, where it has one."""
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
            return _refusal(404, "Nothing is here", "Ask POST /check, GET /health or GET /metrics.")
        method = "GET" if request.method == "HEAD" else request.method
        return methods[method](request) if method in methods else _not_allowed("GET")

    def _refused(self, request: AskedRequest, path: str) -> ServedAnswer | None:
        if self._token is not None:
            if path != "/health" and not self._has_token(request):
                return _refusal(401, "Not authenticated", "Send the token of the settings as Authorization: Bearer.")
        elif not _names_here(request.headers.get(b"host", b"")):
            # A page in a browser here, which a name of its maker leads to this address.
            return _refusal(403, "Wrong host", "Ask by an address of this machine, or set a token.")
        elif path == "/check" and not _FROM_PAGES.isdisjoint(request.headers):
            # A page in a browser here cannot read the answer, but see how long it takes.
            return _refusal(403, "Asked by a page", "Ask from a program, or set a token.")
        return None

    async def _check(self, request: AskedRequest) -> ServedAnswer:
        began = time.perf_counter()
        try:
            questions = _request_decoder.decode(request.body).values
        except (msgspec.MsgspecError, UnicodeError):
            # Without the decoder's words: they may have a part of a value.
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
        health = health_of(self._mirror.state(), int(time.time() * 1000))
        # A load balancer has no token; the names and errors of hubs and collections are for who has it.
        shown = health.shown if self._has_token(request) else {"status": health.shown["status"]}
        return ServedAnswer(200 if health.is_well else 503, _encode(shown))

    def _metrics_page(self, _: AskedRequest) -> ServedAnswer:
        return ServedAnswer(200, self._metrics.page(), _TEXT)


class Listening(NamedTuple):
    """The address that a service listens on."""

    host: str
    port: int


def serve(mirror: Mirror, options: MirrorOptions, ready: Callable[[Listening], None] = lambda _: None) -> None:
    """Serve a mirror until SIGINT or SIGTERM; ``ready`` is called once it listens. Raises ``OSError``."""
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
    # What is there by now stays; a pause for collecting it would be a slow answer.
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
    """Close connections on which nothing moves, and follow the file."""
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
