"""The cache of large pages that seldom change, as response bytes, and the entity tags of pages."""

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
from server.web.taxii.negotiation import VARY, Encoding
from server.web.taxii.response import TaxiiResponse

# Per process that answers requests.
_MOST_BYTES = 48 * 1024 * 1024
# Bytes of an object, as an estimate before the first page is made.
_USUAL_OBJECT = 1_200
# A page with at least this many objects updates the estimate.
_TELLING = 100
# A smaller page is made as fast as it would be found.
_SMALLEST_PAGE = 16 * 1024
# Pages with known rows, whose bytes may no longer be cached.
_MOST_KNOWN = 20_000

# Other versions of this program may serialise the same objects differently.
_PROGRAM = version("scamfeed")
_FINAL = "max-age=31536000, immutable"
_REVALIDATED = "no-cache"

_Key = tuple[int, int, int, tuple[str, ...], int, bool]


class LogRange(NamedTuple):
    """The rows of a page by ``date_added``. The last page has no ``last``, because new rows belong to it."""

    first: int
    last: int | None


class PageTag(NamedTuple):
    """The entity tag of a current page for one encoding, and its cache scope and duration."""

    tag: str
    cache_control: str
    objects: int
    read_to: int

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Return the headers that carry the tag."""
        return ("ETag", f'"{self.tag}"'), ("Cache-Control", self.cache_control)

    def not_modified(self, collection: Collection) -> TaxiiResponse:
        """Return the response to a client that has the page."""
        headers = (*self.headers, VARY)
        return TaxiiResponse(304, headers=headers, collection=collection.id, read_to=self.read_to)


class CurrentPage(NamedTuple):
    """An unchanged page made before: its tag, and its response if that is still cached."""

    tag: PageTag
    response: TaxiiResponse | None


class _KnownPage(NamedTuple):
    mark: tuple[int, int]
    rows: LogRange
    objects: int


class PageCache:
    """The most recently requested large pages, as long as their rows in the log are unchanged.

    New rows come after a full page. ``server.store.log`` counts all other changes of rows. A full page of every version
    in a released collection never changes.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES, public: Iterable[str] = ()) -> None:
        """Keep at most ``most_bytes`` of bodies. Any cache may keep pages of the ``public`` collections (by alias)."""
        self._room = most_bytes
        self._largest_page = most_bytes // 3
        self._pages: OrderedDict[tuple[_Key, Encoding], TaxiiResponse] = OrderedDict()
        self._known: OrderedDict[_Key, _KnownPage] = OrderedDict()
        self._public = frozenset(public)
        self._changing = threading.Lock()
        # Bytes per object on the latest pages.
        self._object_bytes = float(_USUAL_OBJECT)

    def expected_size(self, objects: int) -> int:
        """Return the approximate size in bytes of a page with this number of objects."""
        return min(int(objects * self._object_bytes), log.MOST_PAGE_BYTES)

    def note_size(self, objects: int, size: int) -> None:
        """Update the estimated object size from a page that was made."""
        if objects >= _TELLING:
            # Increases fast, decreases slowly.
            found = size / objects
            self._object_bytes = max(found, 0.8 * self._object_bytes + 0.2 * found)

    def find(self, tx: Tx, collection: Collection, query: Query, encoding: Encoding) -> CurrentPage | None:
        """Return the page for ``query`` if it was made before and is still current in ``tx``."""
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
        """Return whether an uncompressed response is large enough to be cached."""
        return len(response.body) >= _SMALLEST_PAGE

    def tag(
        self, tx: Tx, collection: Collection, query: Query, encoding: Encoding, rows: LogRange, objects: int
    ) -> PageTag | None:
        """Return the tag of the page of ``rows`` read in ``tx``, or None if it also depends on other rows."""
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
        """Keep the response to ``query``, for which ``tag`` was called."""
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
        # A page that leaves out earlier withdrawals is only for readers granted access later.
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
    """Return the key of a page of the newest or all versions. Other filters depend on rows not on the page."""
    if query.ids or query.spec_versions or query.versions not in (LAST, EVERY):
        return None
    return collection.number, query.after, query.limit, query.types, query.granted, query.versions == EVERY


def _is_final(collection: Collection, every_version: bool, rows: LogRange) -> bool:
    """Return whether a page can no longer change, because nothing is deleted from released collections."""
    return every_version and rows.last is not None and collection.filled_by_release


def _mark(tx: Tx, collection: Collection, query: Query, rows: LogRange) -> tuple[int, int]:
    if _is_final(collection, query.versions == EVERY, rows):
        return 0, 0
    return log.change_mark(tx, collection, *rows)
