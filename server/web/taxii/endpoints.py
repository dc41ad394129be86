"""The endpoints of TAXII 2.1: their routes, and the object endpoints (§5.3 to §5.8) as functions of a request."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from schemas.partner import Partner
from schemas.whole_numbers import whole_number
from server.operations.shared_writes import SharedWrites
from server.release.hub import Hub
from server.store import Store, Tx, collections
from server.store.collections import Collection
from server.store.database.direct import read_ahead
from server.web.taxii import add_objects, auth, objects
from server.web.taxii.add_objects import DirectWrites
from server.web.taxii.envelope import SHORT, Envelope
from server.web.taxii.errors import TaxiiError, retry_later
from server.web.taxii.filters import MAX_PAGE
from server.web.taxii.limits import API_ROOT, MAX_CONTENT_LENGTH, PartnerQuotas
from server.web.taxii.negotiation import is_taxii, preferred_encoding
from server.web.taxii.page_cache import PageCache
from server.web.taxii.request_body import announced, received
from server.web.taxii.response import TaxiiResponse

# Large bodies are read two at a time, which is as fast as more.
_LARGE_AT_ONCE, _PATIENCE_SECONDS, _RETRY_SECONDS = 2, 20.0, 5
_MOST_PARAMETERS = 100
# Smaller responses do not reserve memory before they are made.
_SHORT_RESPONSE = 128 * 1024
# Tells a front cache which page it may return.
PAGE_HEADER = "X-Scamfeed-Page"

# By name of a route: its methods, except HEAD, which is allowed with GET, and OPTIONS, which is always allowed.
METHODS: dict[str, tuple[str, ...]] = {
    "discovery": ("GET",),
    "api-root": ("GET",),
    "status": ("GET",),
    "collections": ("GET",),
    "collection": ("GET",),
    "manifest": ("GET",),
    "objects": ("GET", "POST"),
    "object": ("GET", "DELETE"),
    "versions": ("GET",),
}
# The routes that Medallion's views answer.
MEDALLION_ROUTES = frozenset(("discovery", "api-root", "status", "collections", "collection"))

_COLLECTION = rf"/{API_ROOT}/collections/(?P<id>[^/]+)"
_OBJECTS_PATH = re.compile(
    rf"{_COLLECTION}/(?:(?P<listing>manifest|objects)|objects/(?P<object>[^/]+)(?P<versions>/versions)?)/?"
)
_OTHER_PATHS = [
    ("discovery", re.compile(r"/taxii2/?")),
    ("api-root", re.compile(rf"/{API_ROOT}/?")),
    ("status", re.compile(rf"/{API_ROOT}/status/([^/]+)/?")),
    ("collections", re.compile(rf"/{API_ROOT}/collections/?")),
    ("collection", re.compile(rf"{_COLLECTION}/?")),
]


class TaxiiRequest(NamedTuple):
    """A request to one of TAXII's endpoints: its route, the collection and object, and its WSGI environment."""

    route: str
    collection: str
    object_id: str
    environ: dict[str, Any]

    @property
    def method(self) -> str:
        """The method, with GET for HEAD."""
        method: str = self.environ["REQUEST_METHOD"]
        return "GET" if method == "HEAD" else method

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """The parameters of the URL in order. Raises ``TaxiiError`` 400 if there are more than any URL needs."""
        query = self.environ.get("QUERY_STRING")
        if not query:
            return []
        try:
            text = query.encode("latin-1").decode(errors="replace")
            return parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
        except ValueError as error:
            raise TaxiiError("too-many-parameters", most=_MOST_PARAMETERS) from error


def route(environ: dict[str, Any]) -> TaxiiRequest | None:
    """Return the TAXII request in ``environ``, or None if its path does not belong to TAXII."""
    path: str = environ["PATH_INFO"]
    if not path.isascii():
        path = path.encode("latin-1").decode(errors="replace")
    match = _OBJECTS_PATH.fullmatch(path)
    if match is not None:
        collection, listing, object_id, versions = match.group("id", "listing", "object", "versions")
        return TaxiiRequest(listing or ("versions" if versions else "object"), collection, object_id or "", environ)
    for name, pattern in _OTHER_PATHS:
        if pattern.fullmatch(path):
            return TaxiiRequest(name, "", "", environ)
    return None


def check_method(request: TaxiiRequest) -> None:
    """Reject a method that the route does not have. Raises ``TaxiiError`` 405."""
    if request.method not in METHODS[request.route] and request.method != "OPTIONS":
        raise TaxiiError("method-not-allowed", (("Allow", allowed(request.route)),))


def allowed(route: str) -> str:
    """Return the value of the Allow header for a route."""
    return ", ".join(("HEAD", "OPTIONS", *METHODS[route]))


class ObjectEndpoints:
    """The endpoints for objects, for one application."""

    def __init__(self, hub: Hub, pages: PageCache, quotas: PartnerQuotas, writes: DirectWrites) -> None:
        """Contribute to ``hub``, cache large pages in ``pages``, and limit contributions by ``quotas``.

        ``writes`` has the rules of collections that partners write directly.
        """
        self._writes = writes
        self._hub = hub
        self._shared = SharedWrites(hub)
        self._pages = pages
        self._quotas = quotas
        self._large = threading.Semaphore(_LARGE_AT_ONCE)

    def respond(self, store: Store, partner: Partner, remote: str, request: TaxiiRequest) -> TaxiiResponse:
        """Answer a request of ``partner`` from the address ``remote``, except POST. Raises ``TaxiiError``."""
        if request.method == "DELETE":
            delete = partial(self._writes.delete, self._hub, partner, remote)
            return objects.delete(self._hub, partner, request.collection, request.object_id, request.parameters, delete)
        with store.read() as tx:
            return _READING[request.route](self, tx, partner, request)

    def expected_size(self, request: TaxiiRequest) -> int:
        """Return the approximate size of the response to a GET in bytes, 0 for a short one."""
        if request.method != "GET":
            return 0
        # Invalid and repeated limits are rejected when the request is answered.
        asked = [value for name, value in parse_qsl(request.environ.get("QUERY_STRING", "")) if name == "limit"]
        limit = whole_number(asked[0], MAX_PAGE) if asked else None
        size = self._pages.expected_size(MAX_PAGE if limit is None else limit)
        return size if size > _SHORT_RESPONSE else 0

    def current_page(self, store: Store, partner: Partner, request: TaxiiRequest) -> TaxiiResponse | None:
        """Return the tag of the requested page in a header without a body, for a cache that has the page.

        Return None if this process does not know the current page, and for private collections. Raises ``TaxiiError``.
        """
        encoding = preferred_encoding(request.environ.get("HTTP_ACCEPT_ENCODING"))
        with store.read() as tx:
            found = objects.current_tag(tx, partner, request.collection, request.parameters, self._pages, encoding)
        if found is None or found[0].kind == "private":
            return None
        collection, tag = found
        return TaxiiResponse(
            204,
            headers=((PAGE_HEADER, tag.tag),),
            collection=collection.id,
            objects_out=tag.objects,
            read_to=tag.read_to,
        )

    def check_post(self, store: Store, partner: Partner, request: TaxiiRequest) -> Collection:
        """Return the collection of a POST, or reject its body by the request's head.

        Raises ``TaxiiError``.
        """
        with store.glance() as tx:
            read_ahead(
                tx,
                lambda: collections.right(tx, partner.name, request.collection),
                lambda: self._quotas.check_objects(tx, partner.counts_as),
            )
            collection = auth.writable(tx, partner, request.collection)
            self._quotas.check_objects(tx, partner.counts_as)
        if not is_taxii(request.environ.get("CONTENT_TYPE")):
            raise TaxiiError("media-type")
        if announced(request.environ) > MAX_CONTENT_LENGTH:
            raise TaxiiError("body-too-large")
        return collection

    def add(self, partner: Partner, collection: Collection, remote: str, request: TaxiiRequest) -> TaxiiResponse:
        """Add the objects of a POST to the collection returned by ``check_post``. Raises ``TaxiiError``."""
        with received(request.environ) as (body, length), self._turn() if length > SHORT else nullcontext():
            envelope = Envelope(body, length, self._quotas.objects_per_envelope)
            return add_objects.add(self._shared, partner, collection, envelope, self._writes, self._quotas, remote)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for the turn of a large body. Raises ``TaxiiError`` 503 if that takes too long."""
        if not self._large.acquire(timeout=_PATIENCE_SECONDS):
            raise retry_later("busy", _RETRY_SECONDS)
        try:
            yield
        finally:
            self._large.release()

    def _page(self, tx: Tx, partner: Partner, request: TaxiiRequest) -> TaxiiResponse:
        encoding = preferred_encoding(request.environ.get("HTTP_ACCEPT_ENCODING"))
        had = request.environ.get("HTTP_IF_NONE_MATCH")
        return objects.page(tx, partner, request.collection, request.parameters, self._pages, encoding, had)

    def _manifest(self, tx: Tx, partner: Partner, request: TaxiiRequest) -> TaxiiResponse:
        return objects.manifest(tx, partner, request.collection, request.parameters)

    def _object(self, tx: Tx, partner: Partner, request: TaxiiRequest) -> TaxiiResponse:
        return objects.one(tx, partner, request.collection, request.object_id, request.parameters)

    def _versions(self, tx: Tx, partner: Partner, request: TaxiiRequest) -> TaxiiResponse:
        return objects.versions(tx, partner, request.collection, request.object_id, request.parameters)


_READING: dict[str, Callable[[ObjectEndpoints, Tx, Partner, TaxiiRequest], TaxiiResponse]] = {
    "objects": ObjectEndpoints._page,
    "manifest": ObjectEndpoints._manifest,
    "object": ObjectEndpoints._object,
    "versions": ObjectEndpoints._versions,
}
