"""The cache of large pages that change seldom or never, as the bytes that are sent, and the entity tags of pages."""

import base64
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterable
from importlib.metadata import version
from typing import NamedTuple

from server.store import Tx, log
from server.store.collections import Collection
from server.store.objects.query import EVERY, LAST, Query
from server.taxii.negotiation import VARY, Encoding
from server.taxii.response import TaxiiResponse

# Of each process that answers requests.
_MOST_BYTES = 96 * 1024 * 1024
# A smaller page is made as quickly as it is found.
_SMALLEST_PAGE = 16 * 1024
# Pages whose rows are known, though their bytes may not be here any more.
_MOST_KNOWN = 20_000

# Other versions of this program may write the same objects in other bytes.
_PROGRAM = version("scamfeed")
_FINAL = "max-age=31536000, immutable"
_REVALIDATED = "no-cache"

_Key = tuple[int, int, int, tuple[str, ...], int, bool]


class LogRange(NamedTuple):
    """The rows of a page by their ``date_added``; the last page of all has no ``last``, as new rows belong to it."""

    first: int
    last: int | None


class PageTag(NamedTuple):
    """The entity tag of a page as it is now, for one encoding, and who may keep the page for how long."""

    tag: str
    cache_control: str
    objects: int
    read_to: int

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Return the headers that tell a client of it."""
        return ("ETag", f'"{self.tag}"'), ("Cache-Control", self.cache_control)

    def not_modified(self, collection: Collection) -> TaxiiResponse:
        """Return the response to a client that has the page."""
        headers = (*self.headers, VARY)
        return TaxiiResponse(304, headers=headers, collection=collection.id, read_to=self.read_to)


class CurrentPage(NamedTuple):
    """A page that was made before and has not changed: its tag, and the response where that is still here."""

    tag: PageTag
    response: TaxiiResponse | None


class _KnownPage(NamedTuple):
    mark: tuple[int, int]
    rows: LogRange
    objects: int


class PageCache:
    """The large pages that were asked for last, as long as the log has not changed under them.

    New rows come after a full page; ``server.store.log`` counts whatever else can happen to a row in it. A full page of
    every version in a collection that only the release rules fill never changes.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES, public: Iterable[str] = ()) -> None:
        """Keep at most so many bytes of bodies; any cache may keep pages of the ``public`` collections (by alias)."""
        self._room = most_bytes
        self._largest_page = most_bytes // 4
        self._pages: OrderedDict[tuple[_Key, Encoding], TaxiiResponse] = OrderedDict()
        self._known: OrderedDict[_Key, _KnownPage] = OrderedDict()
        self._public = frozenset(public)
        self._changing = threading.Lock()

    def find(self, tx: Tx, collection: Collection, query: Query, encoding: Encoding) -> CurrentPage | None:
        """Return the page for ``query`` where it was made before, and is the one that ``tx`` would give."""
        key = _key(collection, query)
        known = self._known.get(key) if key else None
        if key is None or known is None:
            return None
        if known.mark != _mark(tx, collection, query, known.rows):
            self._forget(key)
            return None
        tag = self._tag(collection, key, known, encoding)
        with self._changing:
            response = self._pages.get((key, encoding))
            if response is not None:
                self._pages.move_to_end((key, encoding))
            if key in self._known:
                self._known.move_to_end(key)
        return CurrentPage(tag, response._replace(read_to=tag.read_to) if response else None)

    def is_worth_keeping(self, response: TaxiiResponse) -> bool:
        """Return whether a response, before it is compressed, is large enough to be cached."""
        return len(response.body) >= _SMALLEST_PAGE

    def tag(
        self, tx: Tx, collection: Collection, query: Query, encoding: Encoding, rows: LogRange, objects: int
    ) -> PageTag | None:
        """Return the tag of the page of ``rows`` that ``tx`` gave; None where other rows than these decide on it."""
        key = _key(collection, query)
        if key is None:
            return None
        known = _KnownPage(_mark(tx, collection, query, rows), rows, objects)
        with self._changing:
            self._known[key] = known
            self._known.move_to_end(key)
            if len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        return self._tag(collection, key, known, encoding)

    def keep(self, collection: Collection, query: Query, encoding: Encoding, response: TaxiiResponse) -> None:
        """Keep the response to ``query``, whose ``tag`` was asked for."""
        key = _key(collection, query)
        size = len(response.body)
        if key is None or size > self._largest_page:
            return
        with self._changing:
            self._drop((key, encoding))
            self._pages[key, encoding] = response
            self._room -= size
            while self._room < 0:
                self._drop(next(iter(self._pages)))

    def _tag(self, collection: Collection, key: _Key, known: _KnownPage, encoding: Encoding) -> PageTag:
        named = repr((_PROGRAM, collection.id, key[1:], known.mark, known.rows, encoding)).encode()
        digest = hashlib.blake2b(named, digest_size=15).digest()
        # A page without what was withdrawn before some were let in is for them.
        scope = "public" if collection.alias in self._public and not key[-2] else "private"
        lifetime = _FINAL if _is_final(collection, key[-1], known.rows) else _REVALIDATED
        read_to = collection.last_added if known.rows.last is None else known.rows.last
        return PageTag(base64.urlsafe_b64encode(digest).decode(), f"{scope}, {lifetime}", known.objects, read_to)

    def _forget(self, key: _Key) -> None:
        with self._changing:
            self._known.pop(key, None)
            for encoding in _ENCODINGS:
                self._drop((key, encoding))

    def _drop(self, key: tuple[_Key, Encoding]) -> None:
        page = self._pages.pop(key, None)
        if page is not None:
            self._room += len(page.body)


_ENCODINGS: tuple[Encoding, ...] = ("identity", "gzip", "zstd")


def _key(collection: Collection, query: Query) -> _Key | None:
    """Name a page of the newest or of all versions; every other filter depends on rows that are not on the page."""
    if query.ids or query.spec_versions or query.versions not in (LAST, EVERY):
        return None
    return collection.number, query.after, query.limit, query.types, query.granted, query.versions == EVERY


def _is_final(collection: Collection, every_version: bool, rows: LogRange) -> bool:
    """Return whether a page can no longer change: nothing is deleted from what the release rules fill."""
    return every_version and rows.last is not None and collection.filled_by_release


def _mark(tx: Tx, collection: Collection, query: Query, rows: LogRange) -> tuple[int, int]:
    if _is_final(collection, query.versions == EVERY, rows):
        return 0, 0
    return log.change_mark(tx, collection, *rows)
