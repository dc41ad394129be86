"""The lists of hashes that clients ask for, read from the logs by requests and by a thread in the background."""

import logging
import threading
import time

from server.features.safe_browsing import queries
from server.features.safe_browsing.listed_hashes import ListedHashes
from server.features.safe_browsing.queries import ListedCollection
from server.store import Store, StoreUnavailable, hub_identity
from server.store.database.engine import Tx
from server.web.api.routes import ApiService, ApiSite
from server.web.taxii.errors import retry_later

log = logging.getLogger(__name__)

# What the hub's secret is used for here.
_USE = "safe browsing"
_PAUSE_SECONDS = 5.0
# A list without a request in this time is forgotten.
_IDLE_SECONDS = 3_600.0
# A request waits or reads for this long; the thread goes on.
_PATIENCE, _RETRY_SECONDS = 0.5, 2
# Requests read between two stretches of the thread.
_STRETCH_SECONDS = 0.1


class SafeBrowsing(ApiService):
    """The lists of one application, each from the first request for it on."""

    def __init__(self, site: ApiSite) -> None:
        """Read the logs of the store of ``site``."""
        super().__init__(site)
        self._store: Store = site.hub.store
        self._lists: dict[int, ListedHashes] = {}
        self._changing = threading.Lock()
        self._stopping, self._is_asked = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        site.running.callback(self._stop)

    def hashes_of(self, tx: Tx, collection: ListedCollection) -> ListedHashes:
        """Return the hashes of a collection at the end of its log. Raises ``TaxiiError`` 503 while that is far off.

        A request reads only what is new since the thread has read the log.
        """
        with self._changing:
            found = self._lists.get(collection.log)
            if found is None:
                found = self._lists[collection.log] = ListedHashes(collection.log, hub_identity.secret(tx, _USE))
                self._is_asked.set()
            found.used = time.monotonic()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="safe-browsing", daemon=True)
                self._thread.start()
        if not found.is_whole.wait(_PATIENCE) or not found.read_on(tx, _PATIENCE):
            raise retry_later("hashes-unread", _RETRY_SECONDS)
        return found

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._is_asked.wait(_PAUSE_SECONDS)
            self._is_asked.clear()
            try:
                self._read_on()
            except StoreUnavailable as error:
                log.warning("safe-browsing waits reason=%s", error)
            except Exception:  # logged; the next round may succeed
                log.exception("safe-browsing failure")

    def _read_on(self) -> None:
        for number, found in [*self._lists.items()]:
            if time.monotonic() - found.used > _IDLE_SECONDS:
                self._forget(number, found)
                continue
            done = False
            while not done and not self._stopping.is_set():
                # Before the view begins: its log cannot end earlier, unless the database has lost entries.
                read_up_to = found.read_up_to
                with self._store.read() as tx:
                    if queries.end(tx, number) < read_up_to:
                        log.warning("safe-browsing begins anew log=%s reason=the log is shorter than it was", number)
                        found.begin_anew()
                    done = found.read_on(tx, _STRETCH_SECONDS)

    def _forget(self, number: int, found: ListedHashes) -> None:
        with self._changing:
            if time.monotonic() - found.used <= _IDLE_SECONDS:
                return
            del self._lists[number]
        found.close()

    def _stop(self) -> None:
        """Stop the thread after its present stretch."""
        self._stopping.set()
        self._is_asked.set()
        if self._thread is not None:
            self._thread.join()
        for found in self._lists.values():
            found.close()
