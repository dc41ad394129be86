"""The cache of large pages that can no longer change, as the bytes that are sent."""

import threading
from collections import OrderedDict
from typing import NamedTuple

from server.store import Tx, log
from server.store.collections import Collection
from server.store.query import LAST, Query
from server.taxii.negotiation import Encoding
from server.taxii.response import TaxiiResponse

# Of each process that answers requests.
_MOST_BYTES = 96 * 1024 * 1024
# A smaller page is made as quickly as it is found.
_SMALLEST_PAGE = 16 * 1024

_Key = tuple[int, int, int, tuple[str, ...], Encoding]


class LogRange(NamedTuple):
    """The rows of a page by their ``date_added``; the last page of all has no ``last``, as new rows belong to it."""

    first: int
    last: int | None


class _CachedPage(NamedTuple):
    mark: tuple[int, int]
    rows: LogRange
    response: TaxiiResponse


class PageCache:
    """The large pages that were asked for last, as long as the log has not changed under them.

    New rows come after a full page; ``server.store.log`` counts whatever else can happen to a row in it.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        """Keep at most so many bytes of bodies."""
        self._room = most_bytes
        self._largest_page = most_bytes // 4
        self._pages: OrderedDict[_Key, _CachedPage] = OrderedDict()
        self._changing = threading.Lock()

    def find(self, tx: Tx, collection: Collection, query: Query, encoding: Encoding) -> TaxiiResponse | None:
        """Return the cached response to ``query``, where it is the one that ``tx`` would give."""
        key = _key(collection, query, encoding)
        page = self._pages.get(key) if key else None
        if key is None or page is None:
            return None
        if page.mark != log.change_mark(tx, collection, *page.rows):
            self._drop(key)
            return None
        with self._changing:
            if key in self._pages:
                self._pages.move_to_end(key)
        if page.rows.last is None:
            return page.response._replace(read_to=collection.last_added)
        return page.response

    def is_worth_keeping(self, response: TaxiiResponse) -> bool:
        """Return whether a response, before it is compressed, is large enough to be cached."""
        return len(response.body) >= _SMALLEST_PAGE

    def keep(
        self, tx: Tx, collection: Collection, query: Query, encoding: Encoding, rows: LogRange, response: TaxiiResponse
    ) -> None:
        """Keep the response to ``query`` that ``tx`` gave: a page of ``rows``."""
        key = _key(collection, query, encoding)
        size = len(response.body)
        if key is None or size > self._largest_page:
            return
        page = _CachedPage(log.change_mark(tx, collection, *rows), rows, response)
        self._drop(key)
        with self._changing:
            self._pages[key] = page
            self._room -= size
            while self._room < 0:
                _, oldest = self._pages.popitem(last=False)
                self._room += len(oldest.response.body)

    def _drop(self, key: _Key) -> None:
        with self._changing:
            page = self._pages.pop(key, None)
            if page is not None:
                self._room += len(page.response.body)


def _key(collection: Collection, query: Query, encoding: Encoding) -> _Key | None:
    """Name a page of the newest versions; every other filter depends on rows that are not on the page."""
    if query.ids or query.spec_versions or query.versions != LAST:
        return None
    return collection.number, query.after, query.limit, query.types, encoding
