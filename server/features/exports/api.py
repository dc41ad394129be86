"""Active sets of collections, from which a partner's mirror starts, and digests, by which it checks its copy."""

import atexit
import logging
import threading
import time
from collections.abc import Iterator

from server.features.federation.api import active as set_of_origin
from server.store import Store, StoreUnavailable, collections, log
from server.store.collections import Collection
from server.store.database.times import now, stamp
from server.store.liveness import heartbeats
from server.store.objects import active_sets, digests
from server.store.objects.digests import ActiveDigest
from server.store.objects.fast_reads import NotFast
from server.web.api.routes import (
    NO_STORE,
    ApiCall,
    ApiRoute,
    ApiService,
    ApiSite,
    NamedSchema,
    ResponseBody,
    json_response,
)
from server.web.taxii import auth
from server.web.taxii.errors import retry_later
from server.web.taxii.event_stream import PLACE
from server.web.taxii.openapi_schemas import STAMP, Schema
from server.web.taxii.response import TaxiiResponse

logger = logging.getLogger(__name__)

JSON_LINES = "application/x-ndjson"
# The time at which the objects were active.
AS_OF = "X-Scamfeed-As-Of"
_ROWS = 1_000
# A stream counts as one request for each started block of this many objects.
_OBJECTS_A_REQUEST = 10_000
# The seconds for which a request folds, and the seconds after which to ask again if that was not enough.
_PATIENCE, _RETRY_SECONDS = 0.5, 2
# Others write between two steps.
_BREATH_SECONDS = 0.005


class ActiveSets(ApiService):
    """The digests of collections of one application, which a thread keeps up to date."""

    def __init__(self, site: ApiSite) -> None:
        """Keep digests in the store of ``site``."""
        super().__init__(site)
        self._store = site.hub.store
        self._folding = DigestFolding(self._store)

    def digest(self, call: ApiCall) -> TaxiiResponse:
        """Return the digest of a collection. Raises ``TaxiiError``, 503 while its log is folded for the first time."""
        with call.store.read() as tx:
            collection = auth.readable(tx, call.partner, call.arguments["collection_id"])
            found = digests.of(tx, collection) if digests.is_current(tx, collection) else None
            # The heartbeat of the database that is read, so that the lag of a replica is visible.
            current = heartbeats.current(tx).of(collection)
        if found is None:
            if call.store.is_fast:
                raise NotFast
            found = self._folded(collection)
        if found is None:
            raise retry_later("not-folded", _RETRY_SECONDS)
        resource = {
            "as_of": stamp(found.as_of),
            "added_up_to": stamp(max(0, found.added_up_to)),
            "active": found.active,
            "listings": found.listings,
            "digest": found.digest,
            "heartbeat": None if current is None else stamp(current),
            "country": self.site.settings.country,
        }
        return json_response(resource, collection=collection.id)

    def _folded(self, collection: Collection) -> ActiveDigest | None:
        """Fold for a moment, and return the digest if it is complete; folding continues in the background."""
        self._folding.start()
        digests.keep(self._store, collection)
        began = time.monotonic()
        while digests.fold(self._store, collection) and time.monotonic() - began < _PATIENCE:
            pass
        with self._store.read() as tx:
            return digests.of(tx, collection)


def _digest(call: ApiCall) -> TaxiiResponse:
    return call.of(ActiveSets).digest(call)


def _active(call: ApiCall) -> TaxiiResponse:
    """Stream the active objects of a collection, up to the present end of its log. Raises ``TaxiiError``."""
    with call.store.read() as tx:
        collection = auth.readable(tx, call.partner, call.arguments["collection_id"])
        if collection.alias == collections.HUB_REPORTS[0] and call.environ.get("QUERY_STRING"):
            return set_of_origin(call)
        upto = log.last_added(tx, collection) or 0
        objects = log.count(tx, collection)
    store = call.site.hub.store
    # The first request is counted already.
    call.site.quotas.count_more(store, call.partner.counts_as, max(0, -(-objects // _OBJECTS_A_REQUEST) - 1))
    moment = now()
    headers = ((PLACE, stamp(upto)), (AS_OF, stamp(moment)), NO_STORE)
    lines = _lines(store, collection, upto, moment)
    return TaxiiResponse(200, b"", headers, JSON_LINES, collection=collection.id, stream=lines)


def _lines(store: Store, collection: Collection, upto: int, moment: int) -> Iterator[bytes]:
    """Yield the active objects, one per line, in pieces of some hundred; each piece has its own transaction."""
    after, more = -1, True
    while more:
        with store.read() as tx:
            stretch = active_sets.newest(tx, collection, after, upto, _ROWS)
        after, more = stretch.end, stretch.more
        lines = [
            version.body
            for version in stretch.versions
            if not version.revoked and (version.end is None or version.end > moment)
        ]
        if lines:
            yield b"\n".join(lines) + b"\n"


class DigestFolding:
    """One thread that folds the logs of collections into the digests that partners have asked for."""

    def __init__(self, store: Store, seconds: float = 10.0) -> None:
        """Fold the logs of ``store`` every ``seconds``."""
        self._store = store
        self._seconds = seconds
        self._stopping = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread once; concurrent workers and nodes take turns."""
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="digest-folding", daemon=True)
                self._thread.start()
                atexit.register(self.stop)

    def stop(self) -> None:
        """Stop the thread after its present step."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def fold(self) -> None:
        """Fold all logs to their ends."""
        with self._store.read() as tx:
            wanted = digests.kept(tx)
            kept = [collection for collection in collections.all_collections(tx) if collection.number in wanted]
        for collection in kept:
            while not self._stopping.is_set() and digests.fold(self._store, collection):
                self._stopping.wait(_BREATH_SECONDS)

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds):
            try:
                self.fold()
            except StoreUnavailable as error:
                logger.warning("digests wait reason=%s", error)
            except Exception:  # logged; the next round may succeed
                logger.exception("digests failure")


_COUNT: Schema = {"type": "integer", "minimum": 0}
_DIGEST = NamedSchema(
    "digest",
    {
        "type": "object",
        "properties": {
            "as_of": STAMP,
            "added_up_to": STAMP,
            "active": _COUNT,
            "listings": _COUNT,
            "digest": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "heartbeat": {"anyOf": [STAMP, {"type": "null"}]},
            "country": {"type": "string", "pattern": "^([A-Z]{2})?$"},
        },
        "required": ["as_of", "added_up_to", "active", "listings", "digest", "heartbeat", "country"],
    },
)
_POSITION = {
    PLACE: {"description": "where TAXII goes on: its added_after", "schema": STAMP},
    AS_OF: {"description": "when the objects had not ended", "schema": STAMP},
}
ROUTES = (
    ApiRoute(
        "digest",
        "GET",
        "/api/collections/{collection_id}/digest",
        _digest,
        "Get the digest of the active objects of a collection",
        ResponseBody(_DIGEST),
        refuses=(403,),
        is_fast=True,
        service=ActiveSets,
    ),
    ApiRoute(
        "active",
        "GET",
        "/api/collections/{collection_id}/active",
        _active,
        "Get the active set of a collection as one stream",
        ResponseBody(
            {"type": "string", "description": "a STIX object a line"}, media_type=JSON_LINES, headers=_POSITION
        ),
        refuses=(403,),
    ),
)
