"""The endpoints of TAXII 2.1: their routes, and the object endpoints (§5.3 to §5.8) as functions of a request."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from schemas.partner import Partner
from server.release.hub import Hub
from server.store import Store, Tx
from server.store.collections import Collection
from server.taxii import add_objects, auth, objects
from server.taxii.envelope import SHORT, Envelope
from server.taxii.errors import TaxiiError, retry_later
from server.taxii.limits import API_ROOT, MAX_CONTENT_LENGTH, PartnerQuotas
from server.taxii.negotiation import is_taxii, preferred_encoding
from server.taxii.page_cache import PageCache
from server.taxii.request_body import announced, received
from server.taxii.response import TaxiiResponse

# Large bodies are read two at a time, which is no slower.
_LARGE_AT_ONCE, _PATIENCE_SECONDS, _RETRY_SECONDS = 2, 20.0, 5
_MOST_PARAMETERS = 100
# In which a cache in front is told which page it may give out.
PAGE_HEADER = "X-Scamfeed-Page"

# By the name of a route: its methods, but for HEAD, which goes with GET, and OPTIONS, which all have.
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
        """The parameters of the URL, in their order. Raises ``TaxiiError`` 400 for more than any URL needs."""
        query = self.environ.get("QUERY_STRING")
        if not query:
            return []
        try:
            text = query.encode("latin-1").decode(errors="replace")
            return parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
        except ValueError as error:
            raise TaxiiError("too-many-parameters", most=_MOST_PARAMETERS) from error


def route(environ: dict[str, Any]) -> TaxiiRequest | None:
    """Return the request to TAXII that ``environ`` holds, None where its path is none of TAXII's."""
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
    """Refuse a method that the route does not have. Raises ``TaxiiError`` 405."""
    if request.method not in METHODS[request.route] and request.method != "OPTIONS":
        raise TaxiiError("method-not-allowed", (("Allow", allowed(request.route)),))


def allowed(route: str) -> str:
    """Return the value of the Allow header for a route."""
    return ", ".join(("HEAD", "OPTIONS", *METHODS[route]))


class ObjectEndpoints:
    """The endpoints for objects, for one application."""

    def __init__(self, hub: Hub, pages: PageCache, quotas: PartnerQuotas) -> None:
        """Contribute to ``hub``, cache large pages in ``pages``, and limit contributions by ``quotas``."""
        self._hub = hub
        self._pages = pages
        self._quotas = quotas
        self._large = threading.Semaphore(_LARGE_AT_ONCE)

    def respond(self, store: Store, partner: Partner, remote: str, request: TaxiiRequest) -> TaxiiResponse:
        """Answer a request of ``partner`` from the address ``remote``, but for POST. Raises ``TaxiiError``."""
        if request.method == "DELETE":
            return objects.delete(
                store, partner, request.collection, request.object_id, request.parameters, remote=remote
            )
        with store.read() as tx:
            return _READING[request.route](self, tx, partner, request)

    def current_page(self, store: Store, partner: Partner, request: TaxiiRequest) -> TaxiiResponse | None:
        """Return the tag of the page that is asked for, in a header without a body, for a cache that has the page.

        None where this process does not know the page as it is now, and for private collections. Raises ``TaxiiError``.
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
        """Refuse a body by the head of its request, where it cannot be taken; else return its collection.

        Raises ``TaxiiError``.
        """
        with store.read() as tx:
            collection = auth.writable(tx, partner, request.collection)
            self._quotas.check_objects(tx, partner.name)
        if not is_taxii(request.environ.get("CONTENT_TYPE")):
            raise TaxiiError("media-type")
        if announced(request.environ) > MAX_CONTENT_LENGTH:
            raise TaxiiError("body-too-large")
        return collection

    def add(self, partner: Partner, collection: Collection, remote: str, request: TaxiiRequest) -> TaxiiResponse:
        """Add the objects of a POST to the collection that ``check_post`` returned. Raises ``TaxiiError``."""
        with received(request.environ) as (body, length), self._turn() if length > SHORT else nullcontext():
            envelope = Envelope(body, length, self._quotas.objects_per_envelope)
            return add_objects.add(self._hub, partner, collection, envelope, self._quotas, remote)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for the turn of a large body. Raises ``TaxiiError`` 503 where that takes too long."""
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
