"""One run of a feed: its counts, and its transactions, which commit only while the lease is held."""

import logging
import os
import socket
import threading
import time
import uuid
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Literal, NamedTuple, Self, TypeVar

from feeds.errors import Misconfigured, TryLater
from feeds.mapping.rows import Reject
from feeds.readers.rows import Tally
from schemas.partner import Partner
from server.release.contribute import record_contribution
from server.release.hub import Hub
from server.store import Store, StoreUnavailable, Tx, feed_state, log, partners
from server.store.collections import Collection
from server.store.feed_state import FeedState, Lease, LeaseLost
from server.store.item import Item
from server.store.objects.query import Query
from server.store.partners import PartnerLeft, UnknownPartner

_log = logging.getLogger(__name__)

# Without new objects a page changes only by erasures. While many objects are added, objects of an older page may have
# been revoked since.
_STILL_SECONDS = 60.0
_BUSY_SECONDS = 3.0
_MOST_BYTES = 64 << 20
# An item takes more memory than its body.
_ITEM_BYTES = 500


class SharedPage(NamedTuple):
    """Objects in order, and the place up to which the page is complete."""

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
    """The pages read last, for all threads of a process; one thread reads, the others wait."""

    def __init__(
        self, most_bytes: int = _MOST_BYTES, still_seconds: float = _STILL_SECONDS, busy_seconds: float = _BUSY_SECONDS
    ) -> None:
        """Cache up to ``most_bytes``, for ``still_seconds``, or ``busy_seconds`` if the collection grows."""
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
            # The last page changes as soon as an object is added.
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


# The lease holder's id of this process; a forked process gets its own.
_NAMES: dict[int, str] = {}
_RENEW_AFTER = feed_state.LEASE_SECONDS / 3


class RunLease:
    """The lease of a feed for one run, renewed in the background while it is entered, and released at the end."""

    def __init__(self, store: Store, lease: Lease, state: FeedState) -> None:
        """Hold ``lease``; ``state`` is the state of the feed when the lease was taken."""
        self.state = state
        self._store = store
        self._lease = lease
        self._renewed = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, name=f"lease-{lease.feed}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the lease; harmless if another node has taken it."""
        self._over.set()
        self._thread.join()
        try:
            with self._store.begin() as tx:
                feed_state.release_lease(tx, self._lease)
        except StoreUnavailable:
            _log.warning("lease not released feed=%s; it expires", self._lease.feed)

    def hold(self, tx: Tx) -> None:
        """Make ``tx`` commit only if the lease is still ours. Raises ``Fenced``."""
        feed_state.renew_lease(tx, self._lease)
        self._renewed = time.monotonic()

    def check(self) -> None:
        """Check, before something is sent, that the lease is still ours. Raises ``Fenced``."""
        if time.monotonic() - self._renewed > feed_state.LEASE_SECONDS:
            with self._store.begin() as tx:
                self.hold(tx)

    def _renew(self) -> None:
        while not self._over.wait(_RENEW_AFTER / 2):
            if time.monotonic() - self._renewed < _RENEW_AFTER:
                continue
            try:
                with self._store.begin() as tx:
                    self.hold(tx)
            except LeaseLost:
                _log.warning("lease lost feed=%s", self._lease.feed)
                return
            except StoreUnavailable:
                continue


def lease_run(store: Store, feed: str, when: Callable[[Tx, FeedState], bool] | None = None) -> RunLease | None:
    """Lease ``feed`` for one run; None if another node runs it, or ``when`` returns False."""
    with store.begin() as tx:
        lease = feed_state.acquire_lease(tx, feed, _me())
        if lease is None:
            return None
        state = feed_state.load_state(tx, feed)
        if when is not None and not when(tx, state):
            feed_state.release_lease(tx, lease)
            return None
    return RunLease(store, lease, state)


def _me() -> str:
    pid = os.getpid()
    if pid not in _NAMES:
        _NAMES[pid] = f"{socket.gethostname()}:{pid}:{uuid.uuid4().hex[:8]}"
    return _NAMES[pid]


# Errors that do not concern a single item.
EXPECTED = (TryLater, Misconfigured, LeaseLost, StoreUnavailable)
# More failing items than this mean that the cause is not in the items.
_MOST = 25

T = TypeVar("T")
R = TypeVar("R")


class Failure(NamedTuple):
    """An item that fails on its own, by its position in the batch."""

    place: int
    error: Exception


def bisect(
    items: Sequence[T], do: Callable[[Sequence[T]], R], *, given_up: bool = False
) -> tuple[list[R], list[Failure]]:
    """Call ``do`` on all ``items`` in order; return its results and the items that fail on their own.

    If every item fails, or more than 25, the items are not the cause, and the original error is raised. With
    ``given_up`` such items count as failed anyway. Repeating ``do`` must be harmless.
    """
    results: list[R] = []
    failed: list[Failure] = []

    def attempt(start: int, end: int) -> None:
        try:
            results.append(do(items[start:end]))
            return
        except EXPECTED:
            raise
        except Exception as caught:  # any error: the item that causes it is found
            if end - start == 1:
                failed.append(Failure(start, caught))
                if len(failed) > _MOST and not given_up:
                    raise
                return
        middle = (start + end) // 2
        attempt(start, middle)
        attempt(middle, end)

    if items:
        attempt(0, len(items))
    if failed and not results and not given_up:
        raise failed[0].error
    return results, failed


def log_dead_letter(feed: str, subject: str, error: Exception) -> None:
    """Log that an item became a dead letter, with the error."""
    _log.warning("dead letter feed=%s subject=%s error=%s", feed, subject, type(error).__name__, exc_info=error)


Ending = Literal["done", "stopped", "try-later", "misconfigured", "failed", "busy", "fenced"]


@dataclass
class Run:
    """The result of a run: ``read`` items, ``accepted`` ones, and ``reasons`` for the ``rejected`` ones.

    An item that is neither accepted nor rejected was known before. ``dated_ahead`` counts items from the future, which
    are treated as of now. ``tally`` counts unread columns and cells. ``error`` is None if the run ended well. ``wait``
    is how many seconds the peer asks us to send no request. ``status`` is the HTTP status that ended the run, 0 if none
    did.
    """

    feed: str
    started: datetime = field(default_factory=partial(datetime.now, UTC))
    ended: datetime = field(default_factory=partial(datetime.now, UTC))
    read: int = 0
    accepted: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    error: str | None = None
    ending: Ending = "done"
    wait: float = 0.0
    status: int = 0
    dated_ahead: int = 0
    tally: Tally = field(default_factory=Tally)

    @property
    def rejected(self) -> int:
        """Return the number of rejected items."""
        return self.reasons.total()


@dataclass(frozen=True)
class FailedItem:
    """A failed item: its subject, the bytes to store of it, and the error."""

    subject: str
    body: bytes
    error: Exception


class _Undone(Exception):
    """Rolls the transaction of a dry run back."""


@dataclass
class RunContext:
    """The state shared by the parts of a run. Without a ``lease`` it is a dry run, which stores and sends nothing."""

    hub: Hub
    run: Run
    lease: RunLease | None
    stop: threading.Event = field(default_factory=threading.Event)
    pages: SharedPages = field(default_factory=SharedPages)
    progress: Callable[[Run], None] = lambda _: None
    reject: Callable[[Reject], None] = lambda _: None

    @property
    def store(self) -> Store:
        """The hub's store."""
        return self.hub.store

    @property
    def dry_run(self) -> bool:
        """Return whether nothing may be stored or sent."""
        return self.lease is None

    @property
    def given_up(self) -> bool:
        """Return whether a batch that fails as a whole has failed often enough to become dead letters."""
        return self.lease is not None and self.lease.state.failures >= _PATIENCE

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """Open a write transaction that commits only while the lease is held. Raises ``Fenced``."""
        try:
            with self.store.begin() as tx:
                if self.lease is not None:
                    self.lease.hold(tx)
                yield tx
                if self.lease is None:
                    raise _Undone
                # A batch may have taken longer than its lease.
                self.lease.hold(tx)
        except _Undone:
            pass

    def partner(self, name: str, setting: str) -> Partner:
        """Return the registered partner named by a setting. Raises ``Misconfigured``."""
        with self.store.read() as tx:
            try:
                return partners.get(tx, name)
            except PartnerLeft as error:
                raise Misconfigured(f"{setting}: {error}; remove the feed from the configuration") from error
            except UnknownPartner as error:
                raise Misconfigured(f"{setting}: {error}; register it first (scamfeed partner add)") from error

    def record_pulled(self, tx: Tx, partner: Partner, objects: int, verb: str = "PULL") -> None:
        """Record in the audit trail how many objects this feed contributed or retracted in the name of ``partner``."""
        if objects and not self.dry_run:
            record_contribution(tx, f"feed {self.run.feed}", verb, partner, objects)

    def keep_dead_letters(self, tx: Tx, bad: Sequence[FailedItem]) -> None:
        """Store failed items as dead letters, which ``scamfeed feed retry`` tries again."""
        for failed in bad:
            feed_state.add_dead_letter(tx, self.run.feed, failed.subject, failed.body, type(failed.error).__name__)

    def stopped(self) -> bool:
        """Return whether to end between two batches."""
        if self.stop.is_set():
            self.run.ending = "stopped"
        return self.stop.is_set()


# Failures of whole batches before the items become dead letters: until then the cause may be on our side.
_PATIENCE = 2
