"""The server's addresses for a partner's client, and the collections that the partner reads."""

from typing import Any

from schemas.partner import Partner
from server.store import collections
from server.store.collections import Collection
from server.store.database.engine import Tx

LOGINS = (
    "HTTP Basic with user and password",
    "Authorization: Bearer with the token",
    "a registered client certificate (scamfeed partner certificate)",
)
_RECIPES = "docs/clients.md"


def client_settings(tx: Tx, base: str, partner: Partner) -> dict[str, Any]:
    """Return the server's addresses below ``base``, the partner's collections, and its ways to log in."""
    rights = collections.rights(tx, partner.name)
    return {
        "discovery": f"{base}/taxii2/",
        "api_root": f"{base}/feed/",
        "collections": [
            {
                "alias": collection.alias,
                "id": collection.id,
                "title": collection.title,
                "url": base + path(collection),
                "read": rights[collection.id][0],
                "write": rights[collection.id][1] and not collection.filled_by_release,
            }
            for collection in collections.all_collections(tx)
            if collection.id in rights
        ],
        "login": list(LOGINS),
        "recipes": _RECIPES,
    }


def path(collection: Collection) -> str:
    """Return the path of a collection below the server's address."""
    return f"/feed/collections/{collection.id}/"
