"""One run of a feed: its counts, and its transactions, which commit only while the lease is held."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from feeds.connector import Misconfigured
from feeds.mapping.rows import Reject
from feeds.readers.columns.notes import Tally
from feeds.runs.lease import RunLease
from feeds.runs.shared_pages import SharedPages
from schemas.partner import Partner
from server.release.hub import Hub
from server.store import Store, Tx, feed_state, partners
from server.store.partners import PartnerLeft, UnknownPartner

Ending = Literal["done", "stopped", "try-later", "misconfigured", "failed", "busy", "fenced"]


@dataclass
class Run:
    """The result of a run: ``read`` items, ``accepted`` ones, and ``reasons`` for the ``rejected`` ones.

    An item that is neither accepted nor rejected was known before. ``dated_ahead`` counts items from
    the future, which are taken as of now. ``tally`` counts columns and cells that were not read. ``error`` is None
    if the run ended well. ``wait`` is for how many seconds the peer asks for no request, ``status`` that of its answer
    by HTTP that ended the run, 0 for none.
    """

    feed: str
    started: datetime
    ended: datetime
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
    """An item that fails here: its subject, the bytes to keep of it, and the error."""

    subject: str
    body: bytes
    error: Exception


class _Undone(Exception):
    """Ends the transaction of a dry run without a trace."""


@dataclass
class RunContext:
    """The state that the parts of a run share. Without a ``lease`` it is a dry run, which keeps and sends nothing."""

    hub: Hub
    run: Run
    stop: threading.Event
    lease: RunLease | None
    pages: SharedPages
    progress: Callable[[Run], None]
    reject: Callable[[Reject], None] = lambda _: None

    @property
    def store(self) -> Store:
        """Return the hub's store."""
        return self.hub.store

    @property
    def dry_run(self) -> bool:
        """Return whether nothing may be kept or sent."""
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
                # A batch may have taken longer than a lease lasts.
                self.lease.hold(tx)
        except _Undone:
            pass

    def partner(self, name: str, setting: str) -> Partner:
        """Return the registered partner that a setting names. Raises ``Misconfigured``."""
        with self.store.read() as tx:
            try:
                return partners.get(tx, name)
            except PartnerLeft as error:
                raise Misconfigured(f"{setting}: {error}; take the feed out of the configuration") from error
            except UnknownPartner as error:
                raise Misconfigured(f"{setting}: {error}; register it first (scamfeed partner add)") from error

    def keep_dead_letters(self, tx: Tx, bad: Sequence[FailedItem]) -> None:
        """Keep failed items as dead letters, to be tried again by ``scamfeed feed retry``."""
        for failed in bad:
            feed_state.add_dead_letter(tx, self.run.feed, failed.subject, failed.body, type(failed.error).__name__)

    def stopped(self) -> bool:
        """Return whether to end here, between two batches."""
        if self.stop.is_set():
            self.run.ending = "stopped"
        return self.stop.is_set()


# Runs that may fail at a batch as a whole before its items become dead letters: the cause may be here.
_PATIENCE = 2
