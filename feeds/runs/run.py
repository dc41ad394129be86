"""A run under way: what it counts, and its transactions, which are kept only while the feed is its own."""

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
from server.store import Store, Tx, feed_state, partners
from server.store.partners import PartnerLeft, UnknownPartner

Ending = Literal["done", "stopped", "try-later", "misconfigured", "failed", "busy", "fenced"]


@dataclass
class Run:
    """How a run went. ``read`` is what was looked at; ``reasons`` say why ``rejected`` of it was.

    What is neither accepted nor rejected was known before. ``ahead`` were dated ahead of this clock, and are taken as
    of now; ``tally`` counts what of rows was not read. ``error`` is None where the run ended well. ``wait`` is how many
    seconds the peer asks not to be asked.
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
    ahead: int = 0
    tally: Tally = field(default_factory=Tally)

    @property
    def rejected(self) -> int:
        """Give the number of items that were refused."""
        return self.reasons.total()


@dataclass(frozen=True)
class FailedItem:
    """An item that something here fails at: what it is about, what to keep of it, and the error."""

    subject: str
    body: bytes
    error: Exception


class _Undone(Exception):
    """The transaction of a dry run is to leave nothing."""


@dataclass
class RunContext:
    """What the parts of a run share. Without a ``claim`` it is a dry run, which leaves nothing."""

    store: Store
    run: Run
    stop: threading.Event
    claim: RunLease | None
    pages: SharedPages
    progress: Callable[[Run], None]
    reject: Callable[[Reject], None] = lambda _: None

    @property
    def dry_run(self) -> bool:
        """Tell whether nothing is to be kept or sent."""
        return self.claim is None

    @property
    def given_up(self) -> bool:
        """Tell whether a batch at which everything fails has failed often enough to be put aside."""
        return self.claim is not None and self.claim.state.failures >= _PATIENCE

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """Open a write transaction that is kept if the feed is still ours. Raises ``Fenced``."""
        try:
            with self.store.begin() as tx:
                if self.claim is not None:
                    self.claim.hold(tx)
                yield tx
                if self.claim is None:
                    raise _Undone
                # A batch may have taken longer than a lease lasts.
                self.claim.hold(tx)
        except _Undone:
            pass

    def partner(self, name: str, setting: str) -> Partner:
        """Give the registered partner that a setting names. Raises ``Misconfigured``."""
        with self.store.read() as tx:
            try:
                return partners.get(tx, name)
            except PartnerLeft as error:
                raise Misconfigured(f"{setting}: {error}; take the feed out of the configuration") from error
            except UnknownPartner as error:
                raise Misconfigured(f"{setting}: {error}; register it first (scamfeed partner add)") from error

    def put_aside(self, tx: Tx, bad: Sequence[FailedItem]) -> None:
        """Keep what fails, to be tried again by hand."""
        for each in bad:
            feed_state.add_dead_letter(tx, self.run.feed, each.subject, each.body, type(each.error).__name__)

    def stopped(self) -> bool:
        """Tell whether to end here, between two batches."""
        if self.stop.is_set():
            self.run.ending = "stopped"
        return self.stop.is_set()


# Runs that may fail at a batch as a whole before it is put aside: until then the fault is taken for our own.
_PATIENCE = 2
