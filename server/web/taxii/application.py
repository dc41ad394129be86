"""The TAXII application: every request passes through it once, on each path.

Authentication, negotiation, compression and the observers are only here. An HTTP worker answers requests of up to three
milliseconds on its event loop (``respond_fast``), and all others in a thread.
"""

import contextlib
import time
from collections.abc import Callable, Collection as Some, Iterable, Mapping, Sequence
from contextlib import nullcontext
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes

from schemas.partner import Partner
from server.observe import AnsweredRequest, RequestObserver, known_method
from server.store import Store, StoreUnavailable, collections
from server.store.collections import Collection
from server.store.objects.fast_reads import FastStore, NotFast
from server.web.api.routes import NO_STORE
from server.web.api.table import ApiRequest, ApiTable
from server.web.taxii import endpoints, errors
from server.web.taxii.auth import Authenticator, ProvenLogin
from server.web.taxii.endpoints import MEDALLION_ROUTES, ObjectEndpoints, TaxiiRequest, route
from server.web.taxii.errors import TaxiiError, error_of_status
from server.web.taxii.event_stream import EVENTS, EventStream
from server.web.taxii.failures import RefusalPage, no_page, response_to
from server.web.taxii.limits import MAX_CONTENT_LENGTH
from server.web.taxii.negotiation import accepts_json, accepts_taxii, compress, preferred_encoding
from server.web.taxii.request_body import announced
from server.web.taxii.response import BODILESS, JSON, TAXII, TaxiiResponse
from server.web.taxii.response_cache import CachedResponse, ResponseCache, cache_key

Environ = dict[str, Any]
WsgiApplication = Callable[[Environ, Any], Iterable[bytes]]

_FAST_SECONDS = 0.003
_FAST_ROUTES = frozenset(("objects", "manifest", "object"))
_LONG_ROUTES = frozenset(("objects", "manifest", "object", "versions"))
# Routes of the JSON API with larger responses are at first expected to return large ones again.
_LARGE = 128 * 1024
# The authenticated partner of a request. A request that is examined twice is counted once.
PARTNER = "scamfeed.partner"
# The credential that the partner of a request used.
_LOGIN = "scamfeed.login"
# The collection of a POST whose head was checked.
_COLLECTION = "scamfeed.collection"
# The route of a page outside TAXII, as named by the web framework.
ROUTE = "scamfeed.route"
_ANONYMOUS = "scamfeed.anybody"
# The path that a front cache asks, and the headers with the original request.
_CACHED_PAGE, _ORIGINAL_URI, _ORIGINAL_METHOD = "/cached-page", "HTTP_X_ORIGINAL_URI", "HTTP_X_ORIGINAL_METHOD"
# The size limit of a body that is ignored.
_MOST_USELESS_BODY = 64 * 1024
_BUSY_SECONDS = 1


class FileForms(Protocol):
    """The pages whose forms send files."""

    def body_limit(self, environ: Environ) -> int:
        """Return the maximum size of the body of such a form, 0 for any other request."""

    def refuse(self, environ: Environ) -> TaxiiResponse | None:
        """Return the refusal of a form judged by its head, or None if its body must be read."""


class TaxiiApplication:
    """The application as called by the HTTP server, and through WSGI."""

    def __init__(
        self,
        store: Store,
        authenticator: Authenticator,
        object_endpoints: ObjectEndpoints,
        web: WsgiApplication,
        observers: Sequence[RequestObserver] = (),
        reads: Store | None = None,
        api: ApiTable | None = None,
    ) -> None:
        """Answer from ``store``, and the JSON API by ``api``. ``web`` answers all other resources and pages.

        Reads are answered from ``reads`` if given, and from ``store`` while ``reads`` is unavailable.
        """
        self.observers = tuple(observers)
        # Those of pages, too; none until they are set.
        self.page_observers: Sequence[RequestObserver] = ()
        self._authenticator = authenticator
        self._proxies = authenticator.proxies
        self._objects = object_endpoints
        self._web = web
        self._api = api or ApiTable()
        self._store = FastStore(store)
        self._reads = self._store if reads is None else FastStore(reads)
        self._fast_store = FastStore(store, _FAST_SECONDS)
        self._cache = ResponseCache()
        # Answers a browser whose request is refused before it is read, or fails; None for any other client.
        self.refusal_page: RefusalPage = no_page
        # The pages whose forms send files; none until they are set.
        self.file_forms: FileForms | None = None
        # By name of a route of the JSON API, the bytes of its larger responses.
        self._sizes: dict[str, int] = {}

    def close(self) -> None:
        """Close the connections that it reads by."""
        for store in (self._store, self._reads, self._fast_store):
            store.close()

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer through WSGI."""
        response = self.respond(environ)
        headers = [*response.headers]
        if response.stream is not None:
            start_response(f"{response.status} OK", [("Content-Type", response.content_type), *headers])
            if environ["REQUEST_METHOD"] == "HEAD":
                return []
            return response.stream.until_now() if isinstance(response.stream, EventStream) else response.stream
        if response.status not in BODILESS:
            length = ("Content-Length", str(len(response.body)))
            headers = [("Content-Type", response.content_type), length, *headers]
        start_response(f"{response.status} {HTTPStatus(response.status).phrase}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]

    def respond(self, environ: Environ) -> TaxiiResponse:
        """Answer a request, without a time limit. A response to HEAD has the body of a GET response."""
        try:
            return self._routed(environ)
        except Exception as error:  # noqa: BLE001 - every exception is answered, and logged with its cause
            return self.failed(environ, error)

    def respond_fast(self, environ: Environ) -> TaxiiResponse | None:
        """Answer a request on the event loop, or return None if it takes longer and must go to ``respond``."""
        try:
            return self._routed_fast(environ)
        except Exception as error:  # noqa: BLE001 - every exception is answered, and logged with its cause
            return self.failed(environ, error)

    def failed(self, environ: Environ, fault: BaseException) -> TaxiiResponse:
        """Return the response to a request that a fault stopped, and log the fault under the id of the response."""
        environ.setdefault("REQUEST_METHOD", "-")
        return self._noted(environ, "connection", self._failure(environ, "connection", fault), 0.0)

    def _routed(self, environ: Environ) -> TaxiiResponse:
        if self._is_from_cache(environ):
            return self._respond(environ, "cached-page", lambda: self._current_page(self._reads, environ))
        if (call := self._api.find(environ)) is not None:
            return self._open_events(call) if call.has_events else self._respond_api(call)
        request = route(environ)
        if request is None:
            return self._respond(environ, "nowhere", lambda: self._respond_web(environ))
        return self._respond(environ, request.route, lambda: self._answer_once_more(request))

    def _routed_fast(self, environ: Environ) -> TaxiiResponse | None:
        if self._is_from_cache(environ):
            try:
                return self._respond(environ, "cached-page", lambda: self._current_page(self._fast_store, environ))
            except (NotFast, StoreUnavailable):
                return None
        if (call := self._api.find(environ)) is not None:
            return None if call.has_events else self._respond_api_fast(call)
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
            # A thread waits for an unavailable store, or the response explains the failure.
            return None
        if PARTNER in environ:
            self._cache.keep(key, version, ProvenLogin(environ[PARTNER], environ[_LOGIN]), response)
        return response

    def identify(self, environ: Environ) -> None:
        """Find the partner of a POST, if this takes no time, so that its body counts for the partner."""
        if not self._takes_body(environ):
            return
        # Failed authentication is reported when the request is answered.
        with contextlib.suppress(NotFast, StoreUnavailable, TaxiiError):
            self._authenticated(self._fast_store, environ)

    def refuse_body(self, environ: Environ) -> TaxiiResponse | None:
        """Return the rejection of a request judged by its head, or None if the body must be read."""
        if (call := self._api.find(environ)) is not None:
            return self._refuse_api(call)
        if self.file_forms is not None and self.file_forms.body_limit(environ):
            return self.file_forms.refuse(environ)
        request = route(environ)
        if request is None or request.route != "objects" or request.method != "POST":
            return None
        try:
            self._check_post(environ, request)
        except Exception as error:  # noqa: BLE001 - every exception is answered, and logged with its cause
            return self._respond(environ, request.route, _raising(error))
        return None

    def body_limit(self, environ: Environ) -> int:
        """Return the maximum size of a request's body in bytes."""
        if (call := self._api.find(environ)) is not None:
            return call.body_limit or _MOST_USELESS_BODY
        if self.file_forms is not None and (limit := self.file_forms.body_limit(environ)):
            return limit
        return MAX_CONTENT_LENGTH if self._takes_body(environ) else _MOST_USELESS_BODY

    def checks_head(self, environ: Environ) -> bool:
        """Return whether ``refuse_body`` must see the head before the body is read, because the body may be long."""
        has_file = self.file_forms is not None and self.file_forms.body_limit(environ) > 0
        if self._api.find(environ) is None and not has_file:
            return self._takes_body(environ)
        return not 0 <= announced(environ) <= _MOST_USELESS_BODY

    def expected_size(self, environ: Environ) -> int:
        """Return the approximate size of the response in bytes, 0 for a short one."""
        if (call := self._api.find(environ)) is not None:
            return self._sizes.get(call.name, 0)
        request = route(environ)
        return self._objects.expected_size(request) if request and request.route in _LONG_ROUTES else 0

    def places(self, ids: Some[str]) -> Mapping[str, int]:
        """Return the last ``date_added`` of each collection that exists, by id (microseconds)."""
        with self._reads.read() as tx:
            return collections.last_places(tx, ids)

    def owner(self, environ: Environ) -> str:
        """Return the partner that a request counts for, or its source address if the partner is unknown."""
        partner: Partner | None = environ.get(PARTNER)
        return f"partner {partner.name}" if partner is not None else self._proxies.remote(environ)

    def refuse(self, environ: Environ, status: int) -> TaxiiResponse:
        """Return the error resource, or the page, for a malformed request."""
        later = (("Retry-After", str(_BUSY_SECONDS)),) if status == 503 else ()
        method = str(environ.get("REQUEST_METHOD", "-"))
        error = errors.error_response(error_of_status(status, later), route="connection", method=method)
        is_program = "PATH_INFO" not in environ or self._api.find(environ) or route(environ)
        page = None if is_program else self.refusal_page(environ, status)
        return error if page is None else page._replace(headers=page.headers + error.headers, error_id=error.error_id)

    def _takes_body(self, environ: Environ) -> bool:
        """Return whether the body is used: by a POST of objects, or by a route of the JSON API that accepts one."""
        if (call := self._api.find(environ)) is not None:
            return call.body_limit > 0
        request = route(environ)
        return request is not None and request.route == "objects" and request.method == "POST"

    def _respond_api(self, request: ApiRequest) -> TaxiiResponse:
        """Answer a request to the JSON API. Retry once if the replica was lost or had a conflict."""

        def answer() -> TaxiiResponse:
            try:
                return self._answer_api(self._reads, request)
            except StoreUnavailable:
                if self._reads is self._store:
                    raise
                return self._answer_api(self._store, request)

        def answer_and_learn() -> TaxiiResponse:
            response = answer()
            # The estimate decreases slowly.
            size = max(len(response.body), self._sizes.get(request.name, 0) * 9 // 10)
            self._sizes[request.name] = size if size > _LARGE else 0
            return response

        return self._respond(request.environ, request.name, answer_and_learn, error_type=JSON)

    def _open_events(self, request: ApiRequest) -> TaxiiResponse:
        """Answer a request with the stream of its events, or with the refusal of the first."""

        def ask(place: str | None) -> TaxiiResponse:
            # The credentials, rights and limits of this moment apply to each event.
            environ = {**request.environ, "HTTP_ACCEPT": JSON, "HTTP_ACCEPT_ENCODING": "identity"}
            for known in (PARTNER, _LOGIN):
                environ.pop(known, None)
            if place is not None:
                environ["HTTP_LAST_EVENT_ID"] = place
            response = self._respond_api(request._replace(environ=environ))
            if PARTNER in environ:
                request.environ[PARTNER] = environ[PARTNER]
            return response

        first = ask(None)
        if first.status != 200:
            return first
        headers = (NO_STORE, ("X-Accel-Buffering", "no"))
        return TaxiiResponse(200, b"", headers, EVENTS, first.collection, stream=EventStream(first, ask))

    def _respond_api_fast(self, request: ApiRequest) -> TaxiiResponse | None:
        try:
            return self._respond(
                request.environ,
                request.name,
                lambda: self._answer_api(self._fast_store, request),
                error_type=JSON,
            )
        except (NotFast, StoreUnavailable):
            request.environ["wsgi.input"].seek(0)
            return None

    def _answer_api(self, store: Store, request: ApiRequest) -> TaxiiResponse:
        environ = request.environ
        remote = self._proxies.remote(environ)
        request.check()
        is_for_partner = request.takes_credentials and self._authenticator.is_tried(store, environ)
        if request.is_public and not is_for_partner:
            # Never log the address of an anonymous client.
            environ[_ANONYMOUS] = True
            return self._api.respond(store, None, remote, request)
        with store.read():
            partner = self._authenticated(store, environ, _accepts_any if request.is_public else accepts_json)
            if not request.is_long:
                return self._api.respond(store, partner, remote, request)
        return self._api.respond(store, partner, remote, request)

    def _refuse_api(self, request: ApiRequest) -> TaxiiResponse | None:
        try:
            request.check()
            if not request.is_public:
                self._authenticated(self._store, request.environ, accepts_json)
        except Exception as error:  # noqa: BLE001 - every exception is answered, and logged with its cause
            return self._respond(request.environ, request.name, _raising(error), error_type=JSON)
        return None

    def _respond(
        self, environ: Environ, route: str, answer: Callable[[], TaxiiResponse], *, error_type: str = TAXII
    ) -> TaxiiResponse:
        """Compress and report the response that ``answer`` returns, or the error response for its exception.

        An error is sent as a resource of ``error_type``. A response that cannot be reported is not given.
        """
        began = time.perf_counter()
        try:
            response = compress(answer(), preferred_encoding(environ.get("HTTP_ACCEPT_ENCODING")))
        except NotFast:
            raise
        except Exception as error:  # noqa: BLE001 - every exception is answered, and logged with its cause
            response = self._failure(environ, route, error, error_type)
        return self._noted(environ, route, response, time.perf_counter() - began)

    def _failure(self, environ: Environ, route: str, error: BaseException, error_type: str = TAXII) -> TaxiiResponse:
        return response_to(error, environ, route=route, error_type=error_type, page=self.refusal_page)

    def _noted(self, environ: Environ, route: str, response: TaxiiResponse, seconds: float) -> TaxiiResponse:
        """Report a response and return it, or return that to the fault of an observer."""
        try:
            self._note(environ, route, response, seconds)
        except Exception as error:  # noqa: BLE001 - every exception is answered, and logged with its cause
            return self._failure(environ, route, error)
        return response

    def _note(self, environ: Environ, route: str, response: TaxiiResponse, seconds: float) -> None:
        page = environ.get(ROUTE)
        if page is None:
            self._report(environ, route, response, seconds)
        elif page.startswith("/"):
            self._report_page(environ, page, response.status, seconds)

    def _is_from_cache(self, environ: Environ) -> bool:
        """Return whether a trusted caching proxy asks which cached page it may return to its client."""
        path = environ["PATH_INFO"]
        return path == _CACHED_PAGE and self._proxies.is_trusted(environ)

    def _current_page(self, store: Store, environ: Environ) -> TaxiiResponse:
        """Answer with the tag of a page that the partner may read, else without one.

        Without a tag, the proxy sends the request itself, which is then answered and counted as usual.
        """
        path, _, query = environ.get(_ORIGINAL_URI, "").partition("?")
        path = unquote_to_bytes(path.encode("latin-1")).decode("latin-1")
        asked = environ | {"PATH_INFO": path, "QUERY_STRING": query}
        request = route(asked)
        response = None
        # Pages that the partner may not read, or that this process does not know, are not answered from the cache.
        with contextlib.suppress(TaxiiError, StoreUnavailable), store.read():
            if request is not None and request.route == "objects" and environ.get(_ORIGINAL_METHOD) in ("GET", "HEAD"):
                partner, login = self._authenticator.recognise(store, asked)
                response = self._objects.current_page(store, partner, request)
                if response is not None:
                    self._authenticator.quotas.count_request(store, partner.counts_as)
                    environ[PARTNER], environ[_LOGIN] = partner, login
                    return response
        # For the observers, this does not count as a request of a partner.
        environ[ROUTE] = "cached-page"
        return TaxiiResponse(204)

    def _answer_once_more(self, request: TaxiiRequest) -> TaxiiResponse:
        """Answer a request. Retry a read once if the replica was lost or had a conflict."""
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
        if request.method == "POST" and request.route not in MEDALLION_ROUTES:
            collection = environ.get(_COLLECTION) or self._check_post(environ, request)
            return self._objects.add(environ[PARTNER], collection, self._proxies.remote(environ), request)
        # A read uses one snapshot of the store, from the credentials to the objects.
        with store.read() if request.method == "GET" else nullcontext():
            partner = self._authenticated(store, environ)
            _refuse_null(environ)
            if request.method == "OPTIONS":
                return TaxiiResponse(200, headers=(("Allow", endpoints.allowed(request.route)),))
            if request.route not in MEDALLION_ROUTES:
                return self._objects.respond(store, partner, self._proxies.remote(environ), request)
        return self._respond_web(environ)

    def _check_post(self, environ: Environ, request: TaxiiRequest) -> Collection:
        """Return the collection of a POST, checked once by its head; what is stored is checked again with it.

        Raises ``TaxiiError``.
        """
        # Counting the request may need a connection to the store, so none is held meanwhile.
        partner = self._authenticated(self._store, environ)
        _refuse_null(environ)
        environ[_COLLECTION] = collection = self._objects.check_post(self._store, partner, request)
        return collection

    def _repeat(self, cached: CachedResponse, environ: Environ) -> TaxiiResponse:
        self._authenticator.quotas.count_request(self._fast_store, cached.proven.partner.counts_as)
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

    def _respond_web(self, environ: Environ) -> TaxiiResponse:
        """Answer with the web framework. Raises the exceptions of its views."""
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
            remote="" if environ.get(_ANONYMOUS) else self._proxies.remote(environ),
            error_id=response.error_id,
            login=environ.get(_LOGIN),
            sandbox_after=response.sandbox_after,
            agent="" if response.sandbox_after is None else environ.get("HTTP_USER_AGENT", ""),
        )
        for observer in self.observers:
            observer.note(request)

    def _report_page(self, environ: Environ, page: str, status: int, seconds: float) -> None:
        """Report a page by its name alone: it is no request of a partner, and its reader may be anonymous."""
        method = known_method(environ["REQUEST_METHOD"])
        request = AnsweredRequest(None, method, page, None, status, seconds, 0, 0, None, "", None)
        for observer in self.page_observers:
            observer.note(request)


def _accepts_any(accept: str | None) -> bool:
    return True


def _refuse_null(environ: Environ) -> None:
    """Refuse a path with a null character, which no database accepts. Raises ``TaxiiError``."""
    if "\x00" in environ["PATH_INFO"]:
        raise TaxiiError("not-found")


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
