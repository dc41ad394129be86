"""The audit trail: one thread a worker adds requests that write nothing, gathered in memory, and seals the writes."""

import logging
import threading
from typing import NamedTuple

from server.observe.observer import AnsweredRequest
from server.store import Store, StoreUnavailable, Tx, audit, read_progress
from server.store.audit import AuditEvent, BrokenChain, CheckedStep
from server.store.credentials import UsedLogin
from server.store.database.times import now

log = logging.getLogger(__name__)

# At most so much of the trail is lost when a process is killed; of writes nothing, they are kept with what they wrote.
SECONDS = 2.0
# Beyond, failures of one sort are one row, without the id of each.
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
    """Gathers requests, equal ones in one row, and adds them to the audit trail every two seconds.

    In the trail reads that succeeded are one row a minute, those that other processes answered included.
    """

    def __init__(self, store: Store) -> None:
        """Add to the trail of ``store``."""
        self._store = store
        self._rows: dict[_Key, AuditEvent] = {}
        self._positions: dict[tuple[str, str], tuple[int, UsedLogin | None]] = {}
        self._changing = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def note(self, request: AnsweredRequest) -> None:
        """Gather a request; a write that succeeded is in the trail already, by ``record_write``."""
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
                "many" if crowded and request.partner is None else request.remote,
                request.method,
                request.route,
                request.collection,
                request.status,
                None if crowded else request.error_id,
            )
            had = self._rows.get(key)
            first, requests, before = (had.first, had.requests, had.objects) if had else (moment, 0, 0)
            self._rows[key] = AuditEvent(first, moment, requests + 1, *key[:6], before + objects, key.reference)
            self._note_position(request)
            self._start()

    def _note_position(self, request: AnsweredRequest) -> None:
        """Gather how far the partner has read, and by which credential it read furthest."""
        if request.partner is None or request.collection is None or request.read_to is None:
            return
        place = request.partner, request.collection
        if place not in self._positions or self._positions[place][0] < request.read_to:
            self._positions[place] = request.read_to, request.login

    def _start(self) -> None:
        if self._thread is None and not self._stopping.is_set():
            self._thread = threading.Thread(target=self._run, name="audit-trail", daemon=True)
            self._thread.start()

    def flush(self) -> None:
        """Add to the store what was gathered, and seal what waits for it, of other processes and earlier ones too.

        What the store does not take now is kept for the next time.
        """
        self._add()
        try:
            seal_all(self._store)
        except StoreUnavailable as error:
            log.warning("audit-seal-waits reason=%s", error)

    def _add(self) -> None:
        with self._changing:
            rows, self._rows = self._rows, {}
            positions, self._positions = self._positions, {}
        if not rows and not positions:
            return
        try:
            with self._store.begin(in_passing=True) as tx:
                audit.gather(tx, [event for event in rows.values() if _is_read(event)])
                others = [event for event in rows.values() if not _is_read(event)]
                if others:
                    audit.record(tx, others)
                read = [(*place, given) for place, (given, _) in positions.items()]
                read_progress.record_reads(tx, read, {place: login for place, (_, login) in positions.items() if login})
        except Exception as error:
            with self._changing:
                self._rows = rows | self._rows
                self._positions = positions | self._positions
            if not isinstance(error, StoreUnavailable):
                raise
            log.warning("audit-waits rows=%s reason=%s", len(rows), error)

    def stop(self) -> None:
        """Add what is left, and gather no more by itself."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    def _run(self) -> None:
        while not self._stopping.wait(SECONDS):
            try:
                self.flush()
            except Exception:  # the trail goes on with the next batch; what failed is in the log
                log.exception("audit-failure")


def _is_read(event: AuditEvent) -> bool:
    """Return whether an event is of reads that succeeded: many a minute, and one row for all that are equal."""
    reads = event.method in audit.READS or event.route in audit.READING_ROUTES
    is_known = event.partner is not None or event.route in audit.OPEN_ROUTES
    return reads and is_known and event.status < 400


def record_write(
    tx: Tx,
    *,
    partner: str,
    remote: str,
    method: str,
    route: str,
    collection: str,
    status: int,
    objects: int,
    reference: str | None,
) -> None:
    """Add a write to the audit chain of its collection, in the transaction of the write itself; it is sealed later."""
    moment = now()
    event = AuditEvent(moment, moment, 1, partner, remote, method, route, collection, status, objects, reference)
    audit.record_unsealed(tx, [event], chain=collection)


def seal_all(store: Store) -> int:
    """Seal all events of the audit trail that wait for it, in short transactions, and return how many."""
    with store.read() as tx:
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
    """Recompute every chain of the trail, and return the first broken row of each that is broken.

    Each some thousand rows are read in a transaction of their own, so that a long trail holds up nobody who writes.
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
