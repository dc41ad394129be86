"""The audit trail: one thread per worker adds requests without writes, gathered in memory, and seals the writes."""

import logging
import threading
from collections.abc import Sequence
from typing import NamedTuple

from server.observe.observer import AnsweredRequest
from server.store import Store, StoreUnavailable, audit, read_progress
from server.store.audit import AuditEvent, BrokenChain, CheckedStep
from server.store.database.looks import Finding
from server.store.database.times import now
from server.store.read_progress import AnsweredRead
from server.store.reads.read_steps import MOST_A_MINUTE

log = logging.getLogger(__name__)

# Loss in seconds when a process is killed. It concerns only requests without writes; writes commit their audit row.
SECONDS = 2.0
# Above this number, equal failures share one row without their ids.
_ROWS_AT_MOST = 300
_WRITES = frozenset(("POST", "DELETE"))


class _Key(NamedTuple):
    partner: str | None
    remote: str
    method: str
    route: str
    collection: str | None
    status: int
    reference: str | None


class AuditTrail:
    """Gathers requests, merges equal ones into one row, and adds them to the audit trail every two seconds.

    Successful reads get one row per minute, shared with the other processes.
    """

    def __init__(self, store: Store) -> None:
        """Add to the audit trail of ``store``."""
        self._store = store
        self._rows: dict[_Key, AuditEvent] = {}
        # By partner and collection: the reads that advanced, in order.
        self._reads: dict[tuple[str, str], list[AnsweredRead]] = {}
        self._changing = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        # Whether another thread looks for unsealed events, and whether it has found some.
        self._is_watched = self._has_unsealed = False

    def note(self, request: AnsweredRequest) -> None:
        """Gather a request. Successful writes are already in the audit trail, added by ``audit.record_act``."""
        is_write = request.method in _WRITES and request.route not in audit.READING_ROUTES
        if is_write and request.status < 300:
            with self._changing:
                self._start()
            return
        moment = now()
        objects = request.objects_in or request.objects_out
        with self._changing:
            crowded = len(self._rows) >= _ROWS_AT_MOST
            key = _Key(
                request.partner,
                "many" if crowded and request.partner is None else request.remote or audit.VISITOR,
                request.method,
                request.route,
                request.collection,
                request.status,
                None if crowded else request.error_id,
            )
            had = self._rows.get(key)
            first, requests, before = (had.first, had.requests, had.objects) if had else (moment, 0, 0)
            self._rows[key] = AuditEvent(first, moment, requests + 1, *key[:6], before + objects, key.reference)
            self._note_read(request, moment)
            self._start()

    def _note_read(self, request: AnsweredRequest, moment: int) -> None:
        """Gather how far the partner has read, when, and with which credential."""
        if request.partner is None or request.collection is None or request.read_to is None:
            return
        reads = self._reads.setdefault((request.partner, request.collection), [])
        if reads and reads[-1].read_up_to >= request.read_to:
            return
        if len(reads) >= MOST_A_MINUTE:
            reads.pop()
        reads.append(AnsweredRead(request.read_to, moment, request.login))

    def _start(self) -> None:
        if self._thread is None and not self._stopping.is_set():
            self._thread = threading.Thread(target=self._run, name="audit-trail", daemon=True)
            self._thread.start()

    def work(self, at: int) -> Sequence[Finding]:
        """Return the statement that finds unsealed events, also of other processes."""
        return (audit.any_unsealed(),)

    def watch(self) -> None:
        """Seal only after the caller has found unsealed events and calls ``wake``."""
        self._is_watched = True

    def wake(self) -> None:
        """Seal the unsealed events the next time."""
        self._has_unsealed = True
        with self._changing:
            self._start()

    def flush(self) -> None:
        """Add the gathered requests to the store, and seal all unsealed events, also of other processes.

        Rows that the store cannot accept now are kept for the next time.
        """
        self._add()
        self._seal()

    def _seal(self) -> None:
        self._has_unsealed = False
        try:
            seal_all(self._store)
        except StoreUnavailable as error:
            log.warning("audit-seal-waits reason=%s", error)

    def _add(self) -> None:
        with self._changing:
            rows, self._rows = self._rows, {}
            reads, self._reads = self._reads, {}
        if not rows and not reads:
            return
        try:
            with self._store.begin(in_passing=True) as tx:
                audit.gather(tx, [event for event in rows.values() if _is_read(event)])
                others = [event for event in rows.values() if not _is_read(event)]
                if others:
                    audit.record(tx, others)
                furthest = [(*place, answered[-1].read_up_to) for place, answered in reads.items()]
                read_progress.record_reads(tx, furthest, reads)
        except Exception as error:
            with self._changing:
                self._rows = rows | self._rows
                for place, later in self._reads.items():
                    earlier = reads.setdefault(place, [])
                    earlier += [read for read in later if not earlier or read.read_up_to > earlier[-1].read_up_to]
                self._reads = reads
            if not isinstance(error, StoreUnavailable):
                raise
            log.warning("audit-waits rows=%s reason=%s", len(rows), error)

    def stop(self) -> None:
        """Add the remaining rows and stop the thread."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    def _run(self) -> None:
        while not self._stopping.wait(SECONDS):
            try:
                self._add()
                if self._has_unsealed or not self._is_watched:
                    self._seal()
            except Exception:  # the audit trail continues with the next batch; the error is in the log
                log.exception("audit-failure")


def _is_read(event: AuditEvent) -> bool:
    """Return whether an event is a successful read, which shares a row with its equals of the same minute."""
    reads = event.method in audit.READS or event.route in audit.READING_ROUTES
    is_known = event.partner is not None or event.route in audit.OPEN_ROUTES
    return reads and is_known and event.status < 400


def seal_all(store: Store) -> int:
    """Seal all unsealed events of the audit trail in short transactions, and return their number."""
    with store.glance() as tx:
        chains = audit.unsealed_chains(tx)
    total = 0
    for chain in chains:
        sealed = -1
        while sealed:
            with store.begin(in_passing=True) as tx:
                sealed = audit.seal(tx, chain)
            total += sealed
    return total


def verify_all(store: Store) -> list[BrokenChain]:
    """Recompute every chain of the audit trail, and return the first broken row of each broken chain.

    Each batch of some thousand rows is read in its own transaction, so that a long audit trail delays no writer.
    """
    with store.read() as tx:
        chains, broken = audit.chains(tx), audit.without_end(tx)
    for chain in chains:
        step: CheckedStep | None = None
        while step is None or step.more:
            with store.read() as tx:
                step = audit.verify_step(tx, chain, step)
        broken += step.broken
    return broken
