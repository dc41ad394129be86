"""The object endpoints as Flask views: they hand the request on, no more."""

from collections.abc import Callable

from flask import Response, current_app, g, request

from server.taxii.endpoints import TaxiiRequest, respond


def page_or_add(api_root: str, collection_id: str) -> Response:
    """Get objects, or add some (TAXII 2.1 §5.4, §5.5)."""
    return _respond("objects", collection_id)


def one_or_delete(api_root: str, collection_id: str, object_id: str) -> Response:
    """Get or delete an object (TAXII 2.1 §5.6, §5.7)."""
    return _respond("object", collection_id, object_id)


def manifest(api_root: str, collection_id: str) -> Response:
    """Get a manifest (TAXII 2.1 §5.3)."""
    return _respond("manifest", collection_id)


def versions(api_root: str, collection_id: str, object_id: str) -> Response:
    """Get the versions of an object (TAXII 2.1 §5.8)."""
    return _respond("versions", collection_id, object_id)


# By Medallion's endpoint.
VIEWS: dict[str, Callable[..., Response]] = {
    "objects.get_or_add_objects": page_or_add,
    "objects.get_or_delete_object": one_or_delete,
    "objects.get_object_versions": versions,
    "manifest.get_object_manifest": manifest,
}


def _respond(endpoint: str, collection_id: str, object_id: str = "") -> Response:
    asked = TaxiiRequest(endpoint, collection_id, object_id, request.environ)
    kept = current_app.extensions
    answer = respond(kept["scamfeed-store"], kept["scamfeed-pages"], g.partner, asked)
    g.answer = answer
    return answer.response()
