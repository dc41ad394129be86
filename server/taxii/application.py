"""The TAXII application: every request goes through it once, whichever way it is answered.

Authentication, negotiation, compression and the observers have their one place here. What a worker of the HTTP server
can answer in three milliseconds, it answers on its event loop (``respond_fast``); everything else in a thread.
"""

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes

from schemas.partner import Partner
from server.observe import AnsweredRequest, RequestObserver, known_method
from server.store import Store, StoreUnavailable
from server.store.objects.fast_reads import FastStore, NotFast
from server.taxii import endpoints, errors
from server.taxii.auth import Authenticator, ProvenLogin
from server.taxii.endpoints import MEDALLION_ROUTES, ObjectEndpoints, TaxiiRequest, route
from server.taxii.errors import TaxiiError, error_of_status
from server.taxii.limits import MAX_CONTENT_LENGTH
from server.taxii.negotiation import accepts_json, accepts_taxii, compress, preferred_encoding
from server.taxii.other_endpoints import NoEndpoints, OtherEndpoints, OtherRequest
from server.taxii.response import BODILESS, JSON, TAXII, TaxiiResponse
from server.taxii.response_cache import CachedResponse, ResponseCache, cache_key

Environ = dict[str, Any]
WsgiApplication = Callable[[Environ, Any], Iterable[bytes]]

_FAST_SECONDS = 0.003
_FAST_ROUTES = frozenset(("objects", "manifest", "object"))
# The partner of a request that has been authenticated; a request that is looked at twice is counted once.
PARTNER = "scamfeed.partner"
# By which of its credentials the partner of a request proved itself.
_LOGIN = "scamfeed.login"
# The route of a page beside TAXII, as the web framework names it.
ROUTE = "scamfeed.route"
_ANYBODY = "scamfeed.anybody"
# Where a cache in front asks, and where it says for which request.
_CACHED_PAGE, _ORIGINAL_URI, _ORIGINAL_METHOD = "/cached-page", "HTTP_X_ORIGINAL_URI", "HTTP_X_ORIGINAL_METHOD"
# Of a body that nothing reads.
_MOST_USELESS_BODY = 64 * 1024
_BUSY_SECONDS = 1


class TaxiiApplication:
    """The application as the HTTP server calls it, and as WSGI."""

    def __init__(
        self,
        store: Store,
        authenticator: Authenticator,
        object_endpoints: ObjectEndpoints,
        web: WsgiApplication,
        observers: Sequence[RequestObserver] = (),
        reads: Store | None = None,
        others: OtherEndpoints | None = None,
    ) -> None:
        """Answer from ``store``; ``web`` answers the other resources of TAXII, and all other pages but ``others``.

        What only reads is answered from ``reads``, where that is given, and from ``store`` while ``reads`` is away.
        """
        self.observers = tuple(observers)
        self._authenticator = authenticator
        self._proxies = authenticator.proxies
        self._objects = object_endpoints
        self._web = web
        self._others: OtherEndpoints = others or NoEndpoints()
        self._store = FastStore(store)
        self._reads = self._store if reads is None else FastStore(reads)
        self._fast_store = FastStore(store, _FAST_SECONDS)
        self._cache = ResponseCache()

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer as WSGI has it."""
        response = self.respond(environ)
        headers = [*response.headers]
        if response.stream is not None:
            start_response(f"{response.status} OK", [("Content-Type", response.content_type), *headers])
            return [] if environ["REQUEST_METHOD"] == "HEAD" else response.stream
        if response.status not in BODILESS:
            length = ("Content-Length", str(len(response.body)))
            headers = [("Content-Type", response.content_type), length, *headers]
        start_response(f"{response.status} {HTTPStatus(response.status).phrase}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]

    def respond(self, environ: Environ) -> TaxiiResponse:
        """Answer a request, however long it takes. A response to HEAD has the body that one to GET would have."""
        if self._is_from_cache(environ):
            return self._respond(environ, "cached-page", lambda: self._current_page(self._reads, environ))
        if (other := self._others.find(environ)) is not None:
            return self._respond_beside(other)
        request = route(environ)
        if request is None:
            return self._respond(environ, "nowhere", lambda: self._ask_web(environ))
        return self._respond(environ, request.route, lambda: self._answer_once_more(request))

    def respond_fast(self, environ: Environ) -> TaxiiResponse | None:
        """Answer a request on the event loop; None for one that takes longer, and has to go to ``respond``."""
        if self._is_from_cache(environ):
            try:
                return self._respond(environ, "cached-page", lambda: self._current_page(self._fast_store, environ))
            except (NotFast, StoreUnavailable):
                return None
        if (other := self._others.find(environ)) is not None:
            return self._respond_beside_fast(other)
        request = route(environ)
        if request is None or environ["REQUEST_METHOD"] != "GET" or request.route not in _FAST_ROUTES:
            return None
        try:
            key, version = cache_key(environ, self._proxies.certificate(environ)), self._fast_store.version()
            cached = self._cache.find(key, version)
            if cached is not None:
                return self._respond(environ, request.route, lambda: self._repeat(cached, environ))
            response = self._respond(environ, request.route, lambda: self._answer(self._fast_store, request))
        except (NotFast, StoreUnavailable):
            # A store that is away is waited for in a thread, or the response says why not.
            return None
        if PARTNER in environ:
            self._cache.keep(key, version, ProvenLogin(environ[PARTNER], environ[_LOGIN]), response)
        return response

    def identify(self, environ: Environ) -> None:
        """Find the partner that posts, if that takes no time, so that its body counts as its own."""
        if not self._takes_body(environ):
            return
        # Whoever is not let in is refused when the request is answered.
        with contextlib.suppress(NotFast, StoreUnavailable, TaxiiError):
            self._authenticated(self._fast_store, environ)

    def refuse_body(self, environ: Environ) -> TaxiiResponse | None:
        """Refuse a request by its head, before its body is read; None where the body is to be read."""
        if (other := self._others.find(environ)) is not None:
            return self._refuse_beside(other)
        request = route(environ)
        if request is None or request.route != "objects" or request.method != "POST":
            return None
        try:
            self._objects.check_post(self._store, self._authenticated(self._store, environ), request)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is answered, and logged with its cause
            return self._respond(environ, request.route, _raising(error))
        return None

    def body_limit(self, environ: Environ) -> int:
        """Return how many bytes the body of a request may have."""
        if (other := self._others.find(environ)) is not None:
            return self._others.body_limit(other) or _MOST_USELESS_BODY
        return MAX_CONTENT_LENGTH if self._takes_body(environ) else _MOST_USELESS_BODY

    def checks_head(self, environ: Environ) -> bool:
        """Return whether a body is read only once ``refuse_body`` has seen the head: where it may be a long one."""
        if self._others.find(environ) is None:
            return self._takes_body(environ)
        length = environ.get("CONTENT_LENGTH", "")
        return not (length.isdecimal() and int(length) <= _MOST_USELESS_BODY)

    def owner(self, environ: Environ) -> str:
        """Name whom a request is counted for: the partner where it is known, else the address it comes from."""
        partner: Partner | None = environ.get(PARTNER)
        return f"partner {partner.name}" if partner is not None else self._proxies.remote(environ)

    def refuse(self, environ: Environ, status: int) -> TaxiiResponse:
        """Return the error resource for what is no whole request."""
        later = (("Retry-After", str(_BUSY_SECONDS)),) if status == 503 else ()
        method = str(environ.get("REQUEST_METHOD", "-"))
        return errors.error_response(error_of_status(status, later), route="connection", method=method)

    def _takes_body(self, environ: Environ) -> bool:
        """Return whether a body is of use: that of a POST of objects, or of another endpoint that takes one."""
        if (other := self._others.find(environ)) is not None:
            return self._others.body_limit(other) > 0
        request = route(environ)
        return request is not None and request.route == "objects" and request.method == "POST"

    def _respond_beside(self, request: OtherRequest) -> TaxiiResponse:
        """Answer a request beside TAXII; once more where the replica was lost or gave way the first time."""

        def answer() -> TaxiiResponse:
            try:
                return self._answer_beside(self._reads, request)
            except StoreUnavailable:
                if self._reads is self._store:
                    raise
                return self._answer_beside(self._store, request)

        return self._respond(request.environ, request.route, answer, error_type=JSON)

    def _respond_beside_fast(self, request: OtherRequest) -> TaxiiResponse | None:
        try:
            return self._respond(
                request.environ,
                request.route,
                lambda: self._answer_beside(self._fast_store, request),
                error_type=JSON,
            )
        except (NotFast, StoreUnavailable):
            request.environ["wsgi.input"].seek(0)
            return None

    def _answer_beside(self, store: Store, request: OtherRequest) -> TaxiiResponse:
        environ = request.environ
        remote = self._proxies.remote(environ)
        self._others.check(request)
        if self._others.is_open(request):
            # Where people come from who are no partners is written down nowhere.
            environ[_ANYBODY] = True
            return self._others.respond(store, None, remote, request)
        with store.read():
            partner = self._authenticated(store, environ, accepts_json)
            if not request.is_long:
                return self._others.respond(store, partner, remote, request)
        return self._others.respond(store, partner, remote, request)

    def _refuse_beside(self, request: OtherRequest) -> TaxiiResponse | None:
        try:
            self._others.check(request)
            if not self._others.is_open(request):
                self._authenticated(self._store, request.environ, accepts_json)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is answered, and logged with its cause
            return self._respond(request.environ, request.route, _raising(error), error_type=JSON)
        return None

    def _respond(
        self, environ: Environ, route: str, answer: Callable[[], TaxiiResponse], *, error_type: str = TAXII
    ) -> TaxiiResponse:
        """Compress and report the response that ``answer`` returns, or the one to what it raises.

        The latter is an error resource, sent as ``error_type``.
        """
        began = time.perf_counter()
        try:
            response = answer()
        except NotFast:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is answered, and logged with its cause
            response = errors.response_to_failure(error, route=route, method=environ["REQUEST_METHOD"])
            response = response._replace(content_type=error_type)
        response = compress(response, preferred_encoding(environ.get("HTTP_ACCEPT_ENCODING")))
        # Pages beside TAXII are no requests of partners.
        if ROUTE not in environ:
            self._report(environ, route, response, time.perf_counter() - began)
        return response

    def _is_from_cache(self, environ: Environ) -> bool:
        """Return whether a trusted proxy asks which page of its cache it may give to the partner that asks it."""
        path = environ["PATH_INFO"]
        return path == _CACHED_PAGE and self._proxies.is_trusted(environ)

    def _current_page(self, store: Store, environ: Environ) -> TaxiiResponse:
        """Answer with the tag of a page that the partner may have, else without one: then the request itself comes.

        That is refused or answered like every other, and counted like every other.
        """
        path, _, query = environ.get(_ORIGINAL_URI, "").partition("?")
        path = unquote_to_bytes(path.encode("latin-1")).decode("latin-1")
        asked = environ | {"PATH_INFO": path, "QUERY_STRING": query}
        request = route(asked)
        response = None
        # What the partner may not have, or what this process does not know, is no matter of the cache.
        with contextlib.suppress(TaxiiError, StoreUnavailable), store.read():
            if request is not None and request.route == "objects" and environ.get(_ORIGINAL_METHOD) in ("GET", "HEAD"):
                partner, login = self._authenticator.recognise(store, asked)
                response = self._objects.current_page(store, partner, request)
                if response is not None:
                    self._authenticator.quotas.count_request(store, partner.name)
                    environ[PARTNER], environ[_LOGIN] = partner, login
                    return response
        # Not a request of a partner, for the observers.
        environ[ROUTE] = "cached-page"
        return TaxiiResponse(204)

    def _answer_once_more(self, request: TaxiiRequest) -> TaxiiResponse:
        """Answer a request; what only reads a second time, where the replica was lost or gave way the first time."""
        if request.method != "GET":
            return self._answer(self._store, request)
        try:
            return self._answer(self._reads, request)
        except StoreUnavailable:
            if self._reads is self._store:
                raise
            return self._answer(self._store, request)

    def _answer(self, store: Store, request: TaxiiRequest) -> TaxiiResponse:
        endpoints.check_method(request)
        environ = request.environ
        # A read sees one moment of the store, from the credentials to the objects; a post, to the end of its head.
        with store.read() if request.method in ("GET", "POST") else nullcontext():
            partner = self._authenticated(store, environ)
            if "\x00" in environ["PATH_INFO"]:
                raise TaxiiError("not-found")
            if request.method == "OPTIONS":
                return TaxiiResponse(200, headers=(("Allow", endpoints.allowed(request.route)),))
            if request.method == "POST" and request.route not in MEDALLION_ROUTES:
                collection = self._objects.check_post(store, partner, request)
            elif request.route not in MEDALLION_ROUTES:
                return self._objects.respond(store, partner, self._proxies.remote(environ), request)
        if request.method == "POST" and request.route not in MEDALLION_ROUTES:
            return self._objects.add(partner, collection, self._proxies.remote(environ), request)
        return self._ask_web(environ)

    def _repeat(self, cached: CachedResponse, environ: Environ) -> TaxiiResponse:
        self._authenticator.quotas.count_request(self._fast_store, cached.proven.partner.name)
        environ[PARTNER], environ[_LOGIN] = cached.proven
        return cached.response

    def _authenticated(
        self, store: Store, environ: Environ, accepts: Callable[[str | None], bool] = accepts_taxii
    ) -> Partner:
        partner: Partner | None = environ.get(PARTNER)
        if partner is None:
            partner, environ[_LOGIN] = self._authenticator.authenticate(store, environ, accepts)
            environ[PARTNER] = partner
        return partner

    def _ask_web(self, environ: Environ) -> TaxiiResponse:
        """Answer by the web framework. Raises what its views raise."""
        method = "GET" if environ["REQUEST_METHOD"] == "HEAD" else environ["REQUEST_METHOD"]
        inner = environ | {"REQUEST_METHOD": method}
        try:
            status, headers, body = call_wsgi(self._web, inner)
        finally:
            if ROUTE in inner:
                environ[ROUTE] = inner[ROUTE]
        named = {name.lower(): value for name, value in headers}
        kept = tuple(pair for pair in headers if pair[0].lower() not in ("content-type", "content-length"))
        return TaxiiResponse(int(status[:3]), body, kept, named.get("content-type", "text/plain"))

    def _report(self, environ: Environ, route: str, response: TaxiiResponse, seconds: float) -> None:
        partner: Partner | None = environ.get(PARTNER)
        request = AnsweredRequest(
            partner=partner.name if partner else None,
            method=known_method(environ["REQUEST_METHOD"]),
            route=route,
            collection=response.collection,
            status=response.status,
            seconds=seconds,
            objects_in=response.objects_in,
            objects_out=response.objects_out,
            read_to=response.read_to,
            remote="" if environ.get(_ANYBODY) else self._proxies.remote(environ),
            error_id=response.error_id,
            login=environ.get(_LOGIN),
            sandbox_after=response.sandbox_after,
            agent="" if response.sandbox_after is None else environ.get("HTTP_USER_AGENT", ""),
        )
        for observer in self.observers:
            observer.note(request)


def call_wsgi(application: WsgiApplication, environ: Environ) -> tuple[str, list[tuple[str, str]], bytes]:
    """Call a WSGI application, and return its status line, its headers and its body."""
    started: list[Any] = []
    written: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        started[:] = [status, headers]
        return written.append

    parts = application(environ, start_response)
    try:
        written.extend(parts)
    finally:
        close = getattr(parts, "close", None)
        if close is not None:
            close()
    status, headers = started
    return status, headers, written[0] if len(written) == 1 else b"".join(written)


def _raising(error: Exception) -> Callable[[], TaxiiResponse]:
    def answer() -> TaxiiResponse:
        raise error

    return answer
