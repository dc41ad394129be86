"""The object endpoints as one function of a request, whichever way it came in."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from schemas.partner import Partner
from server.store import Store, Tx
from server.store.collections import Collection
from server.taxii import add_objects, auth, objects, proxies
from server.taxii.compression import wanted
from server.taxii.envelope import SHORT, Envelope
from server.taxii.errors import TaxiiError
from server.taxii.limits import MAX_CONTENT_LENGTH
from server.taxii.negotiation import accepts, sends
from server.taxii.page_cache import PageCache
from server.taxii.request_body import announced, received
from server.taxii.response import TaxiiResponse

# A partner's client says the same each time.
_accepts = lru_cache(maxsize=256)(accepts)
_sends = lru_cache(maxsize=256)(sends)

# Long bodies take their turn: two at a time are no slower.
_LARGE = threading.Semaphore(2)
_PATIENCE_SECONDS = 20.0
_MOST_PARAMETERS = 100


class TaxiiRequest(NamedTuple):
    """A request to an object endpoint: which one, of which collection and object, and the WSGI environment it is in."""

    endpoint: str
    collection: str
    object_id: str
    environ: dict[str, Any]

    @property
    def method(self) -> str:
        """Say what is to be done."""
        return str(self.environ["REQUEST_METHOD"])

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Give the parameters of the URL, in their order. Raises ``TaxiiError`` 400 for more than any URL needs."""
        query = self.environ.get("QUERY_STRING")
        if not query:
            return []
        try:
            text = query.encode("latin-1").decode(errors="replace")
            return parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
        except ValueError as error:
            raise TaxiiError(400, f"A URL has at most {_MOST_PARAMETERS} parameters here.") from error


def welcome(store: Store, environ: dict[str, Any]) -> Partner:
    """Say who asks. Raises ``TaxiiError`` 401, 429, or 406 for who does not take what is sent here."""
    certificate = proxies.presented(environ)
    partner = auth.admit(store, environ.get("HTTP_AUTHORIZATION"), certificate, proxies.remote(environ))
    if not _accepts(environ.get("HTTP_ACCEPT")):
        raise TaxiiError(406)
    return partner


def respond(store: Store, pages: PageCache, partner: Partner, asked: TaxiiRequest) -> TaxiiResponse:
    """Answer a request to an object endpoint (TAXII 2.1 §5.3 to §5.8). Raises ``TaxiiError``."""
    if asked.method == "POST":
        return _add(store, partner, asked)
    if asked.method == "DELETE":
        return objects.delete(store, partner, asked.collection, asked.object_id, asked.pairs)
    with store.read() as tx:
        if asked.endpoint == "objects":
            encoding = wanted(asked.environ.get("HTTP_ACCEPT_ENCODING"))
            return objects.page(tx, partner, asked.collection, asked.pairs, pages, encoding)
        return _READING[asked.endpoint](tx, partner, asked)


def may_add(store: Store, partner: Partner, asked: TaxiiRequest) -> Collection:
    """Refuse a body before a byte of it is read, where it cannot be taken; else give the collection it is for.

    Raises ``TaxiiError``.
    """
    with store.read() as tx:
        collection = auth.writable(tx, partner, asked.collection)
        auth.may_post(tx, partner)
    if not _sends(asked.environ.get("CONTENT_TYPE")):
        raise TaxiiError(415)
    if announced(asked.environ) > MAX_CONTENT_LENGTH:
        raise TaxiiError(413)
    return collection


def _manifest(tx: Tx, partner: Partner, asked: TaxiiRequest) -> TaxiiResponse:
    return objects.manifest(tx, partner, asked.collection, asked.pairs)


def _one(tx: Tx, partner: Partner, asked: TaxiiRequest) -> TaxiiResponse:
    return objects.one(tx, partner, asked.collection, asked.object_id, asked.pairs)


def _versions(tx: Tx, partner: Partner, asked: TaxiiRequest) -> TaxiiResponse:
    return objects.versions(tx, partner, asked.collection, asked.object_id, asked.pairs)


_READING: dict[str, Callable[[Tx, Partner, TaxiiRequest], TaxiiResponse]] = {
    "manifest": _manifest,
    "object": _one,
    "versions": _versions,
}


def _add(store: Store, partner: Partner, asked: TaxiiRequest) -> TaxiiResponse:
    collection = may_add(store, partner, asked)
    with received(asked.environ) as (body, length), _turn() if length > SHORT else nullcontext():
        return add_objects.add(store, partner, collection, Envelope(body, length, auth.most_objects()))


@contextmanager
def _turn() -> Iterator[None]:
    """Wait for the turn of a large body. Raises ``TaxiiError`` 503 where that takes too long."""
    if not _LARGE.acquire(timeout=_PATIENCE_SECONDS):
        raise TaxiiError(503, headers=(("Retry-After", "5"),))
    try:
        yield
    finally:
        _LARGE.release()
