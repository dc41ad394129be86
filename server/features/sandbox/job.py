"""The sandbox's clock: one thread per worker plays due steps to rehearsing partners, and records their reads."""

import logging
import threading
from collections.abc import Sequence

from server.features.sandbox import play
from server.observe.observer import AnsweredRequest
from server.store import Store, StoreUnavailable
from server.store.database.looks import Finding
from server.store.database.times import now
from server.store.sandbox import runs
from server.store.sandbox.runs import SandboxRead

log = logging.getLogger(__name__)

_SECONDS = 5.0
# If another thread looks for rehearsals that go on.
_LONGEST_SECONDS = 300.0
# Page reads of one partner that wait to be recorded. Further reads in the same five seconds are not recorded.
_MOST_WAITING = 500


class SandboxClock:
    """Observes sandbox pages and plays their script. Of all workers and nodes, one plays each change."""

    def __init__(self, store: Store) -> None:
        """Play the sandboxes of ``store``."""
        self._store = store
        # By partner, so that one partner's reads take no room from another's.
        self._reads: dict[str, list[SandboxRead]] = {}
        self._changing = threading.Lock()
        self._seconds = _SECONDS
        self._stopping = threading.Event()
        self._waking = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def work(self, at: int) -> Sequence[Finding]:
        """Return the statement that finds a rehearsal that goes on."""
        return (runs.BEGUN,)

    def watch(self) -> None:
        """Wait for reads, or until the caller finds a rehearsal that goes on and calls ``wake``."""
        self._seconds = _LONGEST_SECONDS

    def wake(self) -> None:
        """Play the due steps now."""
        self._waking.set()

    def stop(self) -> None:
        """Stop the thread after the current transaction, and record the remaining reads."""
        self._stopping.set()
        self._waking.set()
        self._thread.join()

    def note(self, request: AnsweredRequest) -> None:
        """Gather a sandbox page that was served."""
        if request.sandbox_after is None or request.partner is None or request.read_to is None:
            return
        read = SandboxRead(request.partner, request.sandbox_after, request.read_to, now(), request.agent)
        with self._changing:
            waiting = self._reads.setdefault(request.partner, [])
            if len(waiting) < _MOST_WAITING:
                waiting.append(read)
        self._waking.set()

    def tick(self, at: int | None = None) -> None:
        """Record the gathered reads, and publish the steps due by ``at`` (microseconds)."""
        with self._changing:
            reads, self._reads = self._reads, {}
        if reads:
            try:
                with self._store.begin(in_passing=True) as tx:
                    runs.note_reads(tx, [read for waiting in reads.values() for read in waiting])
            except StoreUnavailable:
                with self._changing:
                    for partner, waiting in self._reads.items():
                        reads[partner] = [*reads.get(partner, ()), *waiting][:_MOST_WAITING]
                    self._reads = reads
                raise
        with self._store.glance() as tx:
            due = play.due_runs(tx)
        for run in due:
            with self._store.begin(in_passing=True) as tx:
                certificate = play.advance(tx, run, at)
            if certificate is not None:
                log.info("sandbox passed certificate=%s", certificate.number)

    def _run(self) -> None:
        while True:
            try:
                self.tick()
            except StoreUnavailable as error:
                log.warning("sandbox waits reason=%s", error)
            except Exception:  # retried the next time; the error is in the log
                log.exception("sandbox failure")
            if self._stopping.is_set():
                return
            self._waking.wait(self._seconds)
            self._waking.clear()
