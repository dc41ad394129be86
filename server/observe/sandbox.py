"""The sandbox's clock: one thread a worker plays what is due to partners who rehearse, and notes what they read."""

import logging
import threading

from server.observe.observer import AnsweredRequest
from server.release.sandbox import play
from server.store import Store, StoreUnavailable
from server.store.database.times import now
from server.store.sandbox import runs
from server.store.sandbox.runs import SandboxRead

log = logging.getLogger(__name__)

_SECONDS = 5.0
# Pages of one partner that wait to be written down; a client that reads more in five seconds learns them by heart.
_MOST_WAITING = 500


class SandboxClock:
    """Observes pages of sandboxes, and plays their script; of many workers and nodes one plays each change."""

    def __init__(self, store: Store) -> None:
        """Play the sandboxes of ``store``."""
        self._store = store
        # By partner: what one reads takes no room from what another does.
        self._reads: dict[str, list[SandboxRead]] = {}
        self._changing = threading.Lock()
        self._stopping = threading.Event()
        self._waking = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread once the transaction under way is done, and write down what it has left."""
        self._stopping.set()
        self._waking.set()
        self._thread.join()

    def note(self, request: AnsweredRequest) -> None:
        """Gather a page of a sandbox that was served."""
        if request.sandbox_after is None or request.partner is None or request.read_to is None:
            return
        read = SandboxRead(request.partner, request.sandbox_after, request.read_to, now(), request.agent)
        with self._changing:
            waiting = self._reads.setdefault(request.partner, [])
            if len(waiting) < _MOST_WAITING:
                waiting.append(read)
        self._waking.set()

    def tick(self, at: int | None = None) -> None:
        """Write down what was read, and publish what is due by ``at`` (microseconds)."""
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
        with self._store.read() as tx:
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
            except Exception:  # the next time may do better; what failed is in the log
                log.exception("sandbox failure")
            if self._stopping.is_set():
                return
            self._waking.wait(_SECONDS)
            self._waking.clear()
