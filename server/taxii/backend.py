"""Medallion's backend, for the views of it that are served: discovery, API root, collections, status."""

from collections.abc import Callable
from typing import Any

import orjson
from medallion.backends.base import Backend

from schemas.partner import Partner
from server.store import Store, inbox
from server.store.collections import Collection
from server.taxii import auth
from server.taxii.errors import TaxiiError
from server.taxii.limits import API_ROOT, MAX_CONTENT_LENGTH
from server.taxii.response import STIX, TAXII


class StoreBackend(Backend):  # type: ignore[misc]  # Medallion comes without types
    """The resources of one store, for the partner of the present request."""

    def __init__(
        self,
        store: Store,
        title: str,
        contact: str,
        most_objects: int,
        partner: Callable[[], Partner],
        prefix: Callable[[], str],
    ) -> None:
        """Answer from ``store``, in the name of ``title``.

        ``most_objects`` is how many objects an envelope may have. ``partner`` returns the partner of the present
        request; ``prefix`` where the application is mounted, a path or a URL, without a last slash.
        """
        self._store = store
        self._title = title
        self._contact = contact
        self._most_objects = most_objects
        self._partner = partner
        self._prefix = prefix

    def server_discovery(self) -> dict[str, Any]:
        """Return the discovery resource (TAXII 2.1 §4.1.1)."""
        root = f"{self._prefix()}/{API_ROOT}/"
        discovery = {"title": self._title, "description": "Indicators of online scams, shared between partners."}
        if self._contact:
            discovery["contact"] = self._contact
        return {**discovery, "default": root, "api_roots": [root]}

    def get_api_root_information(self, api_root: str) -> dict[str, Any]:
        """Return the API root resource of the one API root."""
        return {
            "title": self._title,
            "description": f"One request brings at most {self._most_objects:,} objects; more are refused with 413.",
            "versions": [TAXII],
            "max_content_length": MAX_CONTENT_LENGTH,
        }

    def get_collections(self, api_root: str) -> dict[str, Any]:
        """Return the collections that the partner may know of."""
        with self._store.read() as tx:
            listed = [_resource(*found) for found in auth.visible(tx, self._partner())]
        return {"collections": listed} if listed else {}

    def get_collection(self, api_root: str, collection_id: str) -> dict[str, Any] | None:
        """Return one collection by id or alias, None where the partner may not know of it."""
        try:
            with self._store.read() as tx:
                return _resource(*auth.find(tx, self._partner(), collection_id))
        except TaxiiError:
            return None

    def get_status(self, api_root: str, status_id: str) -> dict[str, Any] | None:
        """Return the status of one of the partner's own requests, None of any other."""
        with self._store.read() as tx:
            body = inbox.load_status(tx, api_root, status_id, self._partner().name)
        if body is None:
            return None
        status: dict[str, Any] = orjson.loads(body)
        return status


def _resource(collection: Collection, can_read: bool, can_write: bool) -> dict[str, Any]:
    resource: dict[str, Any] = {"id": collection.id, "title": collection.title}
    if collection.description:
        resource["description"] = collection.description
    return {
        **resource,
        "alias": collection.alias,
        "can_read": can_read,
        "can_write": can_write,
        "media_types": [STIX + "2.1"] if collection.filled_by_release else [STIX + "2.1", STIX + "2.0"],
    }
