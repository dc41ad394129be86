"""The active set of a collection: the indicators that a new reader would act on at a given moment."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from schemas.errors import Rejected
from server.release.query.lookup import is_active
from server.store import log
from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.objects.query import Query

_COMPANIONS = ("marking-definition", "identity", "extension-definition")


def indicators(tx: Tx, collection: Collection, at: datetime, since: int = -1) -> Iterator[dict[str, Any]]:
    """Yield the latest version of each indicator that is neither revoked nor expired at ``at``, in collection order.

    ``since`` (microseconds since the epoch) excludes indicators added at or before that time. Pages are fetched on
    demand, so that memory does not grow with the collection. Indicators with an unreadable end are omitted.
    """
    for obj in _objects(tx, collection, ("indicator",), since):
        try:
            now = is_active(obj, at)
        except (Rejected, AttributeError):
            continue
        if now:
            yield obj


def companions(tx: Tx, collection: Collection) -> Iterator[dict[str, Any]]:
    """Yield the objects of a collection that its indicators refer to: markings, identities, extensions."""
    return _objects(tx, collection, _COMPANIONS, -1)


def _objects(tx: Tx, collection: Collection, types: tuple[str, ...], since: int) -> Iterator[dict[str, Any]]:
    query = Query(after=since, types=types)
    while True:
        page = log.page(tx, collection, query)
        for body in page.bodies:
            yield msgspec.json.decode(body)
        if page.next is None:
            return
        query = query.past(page.next)
