"""Shares pages of the log among pushes: each is fetched and parsed once, and used while it is fresh."""

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from server.store import Store, log
from server.store.collections import Collection
from server.store.item import Item
from server.store.objects.query import Query

# While nothing is added a page stays as it is, but for what is erased; while much is added, what an older page holds
# may have been revoked since.
_STILL_SECONDS = 60.0
_BUSY_SECONDS = 3.0
_MOST_BYTES = 64 << 20
# An item is more than its body.
_ITEM_BYTES = 500


class SharedPage(NamedTuple):
    """Objects in their order, and up to where the page is complete."""

    items: Sequence[Item]
    last: int
    more: bool


class _Key(NamedTuple):
    collection: str
    after: int
    limit: int
    revoked: bool


class _Kept(NamedTuple):
    read: float
    collection_ends: int
    size: int
    page: SharedPage


class SharedPages:
    """The pages that were read last, for all threads of a process; one thread reads, the others wait."""

    def __init__(
        self, most_bytes: int = _MOST_BYTES, still_seconds: float = _STILL_SECONDS, busy_seconds: float = _BUSY_SECONDS
    ) -> None:
        """Keep up to ``most_bytes``, for ``still_seconds``, or ``busy_seconds`` where the collection grows."""
        self.reads = 0
        self._most = most_bytes
        self._still = still_seconds
        self._busy = busy_seconds
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._bytes = 0
        self._changing = threading.Lock()
        self._reading: dict[_Key, threading.Lock] = {}
        self._last_revoked: dict[str, int] = {}

    def get(self, store: Store, collection: Collection, after: int, limit: int, *, revoked: bool) -> SharedPage:
        """Return the page after ``after``, of revoked objects or of all others.

        A page of objects that are not revoked is never older than the revocations returned before.
        """
        key = _Key(collection.id, after, limit, revoked)
        with store.read() as tx:
            ends = log.last_added(tx, collection) or 0
        found = self._find(key, ends)
        if found is not None:
            return found
        with self._changing:
            reading = self._reading.setdefault(key, threading.Lock())
        with reading:
            found = self._find(key, ends)
            if found is None:
                found = self._read(store, collection, key, ends)
                self._keep(key, ends, found)
        with self._changing:
            self._reading.pop(key, None)
        return found

    def _read(self, store: Store, collection: Collection, key: _Key, ends: int) -> SharedPage:
        with store.read() as tx:
            page = log.page(tx, collection, Query(after=key.after, limit=key.limit, revoked=key.revoked))
        self.reads += 1
        last = key.after if page.last is None else page.last
        if key.revoked and page.bodies:
            with self._changing:
                self._last_revoked[collection.id] = max(last, self._last_revoked.get(collection.id, 0))
        more = page.next is not None
        return SharedPage([*map(Item.of_bytes, page.bodies)], last if more else max(last, ends), more)

    def _find(self, key: _Key, ends: int) -> SharedPage | None:
        with self._changing:
            kept = self._kept.get(key)
            last_revoked = self._last_revoked.get(key.collection, 0)
        if kept is None:
            return None
        fresh = 0.0
        if kept.collection_ends == ends:
            fresh = self._still
        elif kept.page.more and kept.collection_ends >= last_revoked:
            # The last page is another as soon as something was added.
            fresh = self._busy
        return kept.page if time.monotonic() - kept.read < fresh else None

    def _keep(self, key: _Key, ends: int, page: SharedPage) -> None:
        size = sum(len(item.body) + _ITEM_BYTES for item in page.items)
        with self._changing:
            before = self._kept.pop(key, None)
            self._bytes += size - (before.size if before else 0)
            self._kept[key] = _Kept(time.monotonic(), ends, size, page)
            while self._bytes > self._most and self._kept:
                _, gone = self._kept.popitem(last=False)
                self._bytes -= gone.size
