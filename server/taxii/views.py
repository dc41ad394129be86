"""The object endpoints as Flask views: they take the request apart and give an answer back, no more."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from flask import Response, current_app, g, request

from schemas.partner import Partner
from server.store import Store, Tx
from server.taxii import access, objects
from server.taxii.backend import MAX_CONTENT_LENGTH
from server.taxii.compression import inflate
from server.taxii.errors import TaxiiError
from server.taxii.media import sends


def page_or_add(api_root: str, collection_id: str) -> Response:
    """Get objects, or add some (TAXII 2.1 §5.4, §5.5)."""
    if request.method == "POST":
        return _add(collection_id)
    with _reading() as tx:
        return objects.page(tx, _partner(), collection_id, _pairs()).response()


def one_or_delete(api_root: str, collection_id: str, object_id: str) -> Response:
    """Get or delete an object (TAXII 2.1 §5.6, §5.7)."""
    if request.method == "DELETE":
        return objects.delete(_store(), _partner(), collection_id, object_id, _pairs()).response()
    with _reading() as tx:
        return objects.one(tx, _partner(), collection_id, object_id, _pairs()).response()


def manifest(api_root: str, collection_id: str) -> Response:
    """Get a manifest (TAXII 2.1 §5.3)."""
    with _reading() as tx:
        return objects.manifest(tx, _partner(), collection_id, _pairs()).response()


def versions(api_root: str, collection_id: str, object_id: str) -> Response:
    """Get the versions of an object (TAXII 2.1 §5.8)."""
    with _reading() as tx:
        return objects.versions(tx, _partner(), collection_id, object_id, _pairs()).response()


# By Medallion's endpoint.
VIEWS: dict[str, Callable[..., Response]] = {
    "objects.get_or_add_objects": page_or_add,
    "objects.get_or_delete_object": one_or_delete,
    "objects.get_object_versions": versions,
    "manifest.get_object_manifest": manifest,
}


def _add(collection_id: str) -> Response:
    # Before a byte of the body is read: who may not write need not send it.
    with _reading() as tx:
        access.writable(tx, _partner(), collection_id)
    if not sends(request.headers.get("Content-Type")):
        raise TaxiiError(415)
    body = inflate(_body(), request.headers.get("Content-Encoding"))
    return objects.add(_store(), _partner(), collection_id, body).response()


def _body() -> bytes:
    """Read the body, chunked or not, as far as one may be long."""
    if (request.content_length or 0) > MAX_CONTENT_LENGTH:
        raise TaxiiError(413)
    body = request.get_data(cache=False)
    if len(body) > MAX_CONTENT_LENGTH:
        raise TaxiiError(413)
    return body


def _store() -> Store:
    store: Store = current_app.extensions["scamfeed-store"]
    return store


def _partner() -> Partner:
    partner: Partner = g.partner
    return partner


@contextmanager
def _reading() -> Iterator[Tx]:
    with _store().read() as tx:
        yield tx


def _pairs() -> Iterable[tuple[str, str]]:
    return request.args.items(multi=True)
