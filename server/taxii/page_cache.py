"""Pages that can no longer change, kept ready as the bytes that go out."""

import threading
from collections import OrderedDict
from typing import NamedTuple

from server.store import Tx, version_marks
from server.store.collections import Collection
from server.store.query import LAST, Query
from server.taxii.compression import Encoding
from server.taxii.response import TaxiiResponse

# Of each process that answers requests.
_BYTES_AT_MOST = 96 * 1024 * 1024
# What is smaller is made as quickly as it is found.
_WORTH_IT = 16 * 1024

_Key = tuple[int, int, int, tuple[str, ...], Encoding]


class LogRange(NamedTuple):
    """The rows of a page by their ``date_added``; the last page of all has no ``last``, as what is added is its too."""

    first: int
    last: int | None


class _Kept(NamedTuple):
    mark: tuple[int, int]
    stretch: LogRange
    answer: TaxiiResponse


class PageCache:
    """The large pages that were asked for last, as long as the log has not changed under them.

    What is added comes after a full page; what else can happen to a row in it, ``server.store.version_marks`` counts.
    """

    def __init__(self, bytes_at_most: int = _BYTES_AT_MOST) -> None:
        """Keep at most so many bytes of bodies."""
        self._room = bytes_at_most
        self._largest = bytes_at_most // 4
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._changing = threading.Lock()

    def find(self, tx: Tx, collection: Collection, query: Query, encoding: Encoding) -> TaxiiResponse | None:
        """Give the answer to ``query`` that is kept, where it is what ``tx`` would give."""
        key = _key(collection, query, encoding)
        kept = self._kept.get(key) if key else None
        if key is None or kept is None:
            return None
        if kept.mark != version_marks.change_mark(tx, collection, *kept.stretch):
            self._drop(key)
            return None
        with self._changing:
            if key in self._kept:
                self._kept.move_to_end(key)
        return kept.answer if kept.stretch.last is not None else kept.answer._replace(given=collection.last_added)

    def takes(self, answer: TaxiiResponse) -> bool:
        """Tell whether the answer, as it is before it is packed, is large enough to be kept."""
        return len(answer.body) >= _WORTH_IT

    def keep(
        self, tx: Tx, collection: Collection, query: Query, encoding: Encoding, stretch: LogRange, answer: TaxiiResponse
    ) -> None:
        """Keep the answer to ``query`` that ``tx`` gave: a page of the rows in ``stretch``."""
        key = _key(collection, query, encoding)
        size = len(answer.body)
        if key is None or size > self._largest:
            return
        kept = _Kept(version_marks.change_mark(tx, collection, *stretch), stretch, answer)
        self._drop(key)
        with self._changing:
            self._kept[key] = kept
            self._room -= size
            while self._room < 0:
                _, oldest = self._kept.popitem(last=False)
                self._room += len(oldest.answer.body)

    def _drop(self, key: _Key) -> None:
        with self._changing:
            gone = self._kept.pop(key, None)
            if gone is not None:
                self._room += len(gone.answer.body)


def _key(collection: Collection, query: Query, encoding: Encoding) -> _Key | None:
    """Name a page of the newest versions; what else is asked for depends on rows that are not on the page."""
    if query.ids or query.spec_versions or query.versions != LAST:
        return None
    return collection.number, query.after, query.limit, query.types, encoding
