"""Active sets of collections, and their digests: how a partner's own copy begins, and how it knows that it is whole."""

import atexit
import logging
import threading
import time
from collections.abc import Iterator

import orjson

from schemas.partner import Partner
from server.store import Store, StoreUnavailable, collections, log
from server.store.collections import Collection
from server.store.database.times import now, stamp
from server.store.liveness import heartbeats
from server.store.objects import active_sets, digests
from server.store.objects.digests import ActiveDigest
from server.store.objects.fast_reads import NotFast
from server.taxii import auth
from server.taxii.errors import retry_later
from server.taxii.limits import PartnerQuotas
from server.taxii.response import JSON, TaxiiResponse

logger = logging.getLogger(__name__)

JSON_LINES = "application/x-ndjson"
# Where TAXII goes on, and when what was sent had not ended.
ADDED_UP_TO, AS_OF = "X-Scamfeed-Added-Up-To", "X-Scamfeed-As-Of"
_ROWS = 1_000
# A stream counts as a request for each of so many objects that it begins.
_OBJECTS_A_REQUEST = 10_000
# How long a request folds by itself, and after how many seconds to ask again where that was not enough.
_PATIENCE, _RETRY_SECONDS = 0.5, 2
# Others write between two steps.
_BREATH_SECONDS = 0.005
_UNKEPT = ("Cache-Control", "no-store")


class ActiveSetEndpoints:
    """The endpoints ``digest`` and ``active`` of collections."""

    def __init__(self, store: Store, quotas: PartnerQuotas) -> None:
        """Keep digests in ``store``; a stream counts in ``quotas`` by what it has."""
        self._store = store
        self._quotas = quotas
        self._folding = DigestFolding(store)

    def digest(self, store: Store, partner: Partner, id_or_alias: str) -> TaxiiResponse:
        """Return the digest of a collection. Raises ``TaxiiError``, 503 while its log is folded for the first time."""
        with store.read() as tx:
            collection = auth.readable(tx, partner, id_or_alias)
            found = digests.of(tx, collection) if digests.is_current(tx, collection) else None
            # Of the database that answers: a replica that lags behind shows it.
            current = heartbeats.current(tx).of(collection)
        if found is None:
            if store.is_fast:
                raise NotFast
            found = self._folded(collection)
        if found is None:
            raise retry_later("not-folded", _RETRY_SECONDS)
        resource = {
            "as_of": stamp(found.as_of),
            "added_up_to": stamp(max(0, found.added_up_to)),
            "active": found.active,
            "digest": found.digest,
            "heartbeat": None if current is None else stamp(current),
        }
        return TaxiiResponse(200, orjson.dumps(resource), (_UNKEPT,), JSON, collection=collection.id)

    def active(self, store: Store, partner: Partner, id_or_alias: str) -> TaxiiResponse:
        """Return what is active in a collection as a stream, to the end of its log at this moment.

        Raises ``TaxiiError``.
        """
        if store.is_fast:
            raise NotFast
        with store.read() as tx:
            collection = auth.readable(tx, partner, id_or_alias)
            upto = log.last_added(tx, collection) or 0
            objects = log.count(tx, collection)
        # It was counted as one request before.
        self._quotas.count_more(self._store, partner.name, max(0, -(-objects // _OBJECTS_A_REQUEST) - 1))
        moment = now()
        headers = ((ADDED_UP_TO, stamp(upto)), (AS_OF, stamp(moment)), _UNKEPT)
        lines = _lines(self._store, collection, upto, moment)
        return TaxiiResponse(200, b"", headers, JSON_LINES, collection=collection.id, stream=lines)

    def _folded(self, collection: Collection) -> ActiveDigest | None:
        """Fold for a moment, and return the digest as far as that led; it goes on beside other requests."""
        self._folding.start()
        with self._store.begin() as tx:
            digests.begin(tx, collection)
        began = time.monotonic()
        while digests.fold(self._store, collection) and time.monotonic() - began < _PATIENCE:
            pass
        with self._store.read() as tx:
            return digests.of(tx, collection)


def _lines(store: Store, collection: Collection, upto: int, moment: int) -> Iterator[bytes]:
    """Yield the objects that are active, a line each, in pieces of some hundred; each is read by itself."""
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
    """One thread that folds the logs of collections into their digests, where somebody asked for these before."""

    def __init__(self, store: Store, seconds: float = 10.0) -> None:
        """Look every so many seconds at ``store``."""
        self._store = store
        self._seconds = seconds
        self._stopping = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread, once; workers and nodes that fold at once take turns."""
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="digest-folding", daemon=True)
                self._thread.start()
                atexit.register(self.stop)

    def stop(self) -> None:
        """Stop the thread once the step under way is done."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def fold(self) -> None:
        """Fold all that there is."""
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
            except Exception:  # the next time may do better; what failed is in the log
                logger.exception("digests failure")
