"""Widely read collections, and the objects in them."""

from collections.abc import Callable
from typing import Any

from server.store import Store, collections

Held = Callable[[str], dict[str, dict[str, Any]]]


def holding(store: Store, held_by: Held, object_id: str) -> set[str]:
    """Return the aliases of the collections that have any version of an object."""
    with store.read() as tx:
        aliases = [each.alias for each in collections.all_collections(tx) if each.kind == "released"]
    return {alias for alias in aliases if object_id in held_by(alias)}
