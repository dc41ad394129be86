"""Large work in batches: each is a short transaction that ends where the next begins, so that others are not
blocked.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from server.release.hub import Hub
from server.store import Store, Tx, jobs
from server.store.database.engine import Contended

# Objects in a transaction while others wait to write.
_CROWDED = 20
# Values or reports in a batch at least, as each batch costs as much as ten values by itself, and at most.
_LEAST, _USUAL = 50, 500
# The seconds that a batch should take: they bound how long others wait.
_SECONDS = 0.05
# Give up a batch after this many conflicts in a row.
_MOST_CONTENDED = 20

State = Mapping[str, Any]


class Progress(NamedTuple):
    """The state of a job after a batch, and whether it is finished."""

    state: State
    ended: bool


class BatchJob(ABC):
    """A job with a name. Its state is JSON and holds all that it has to remember."""

    name: str

    @abstractmethod
    def first(self, tx: Tx) -> State:
        """Return the initial state."""

    def goes_on(self, tx: Tx, state: State) -> bool:
        """Return whether the job may continue from a state that an earlier run left."""
        return True

    @abstractmethod
    def batch(self, tx: Tx, state: State, most: int) -> Progress:
        """Do a batch of about ``most`` values or reports in the transaction."""


class BatchSize:
    """The number of values or reports for the next batch, so that each batch takes about a twentieth of a second."""

    def __init__(self) -> None:
        """Begin with a small batch."""
        self.most = min(_LEAST, _USUAL)

    def note(self, done: int, seconds: float) -> None:
        """Note how long a batch of this size took."""
        self.most = min(_USUAL, max(_LEAST, int(done * _SECONDS / max(seconds, 1e-6))))

    def note_conflict(self) -> None:
        """Note that others changed the same values: a smaller batch concerns fewer of them."""
        self.most = max(1, self.most // 2)


def begin(tx: Tx, job: BatchJob, *, anew: bool = False) -> jobs.Job:
    """Continue the job if an earlier run left it unfinished; start it if there is none, or with ``anew``."""
    found = jobs.find(tx, job.name)
    if anew or found is None or found.ended is not None or not job.goes_on(tx, found.state):
        return jobs.begin(tx, job.name, job.first(tx))
    return found


def run(hub: Hub, job: BatchJob) -> Iterator[State]:
    """Do all remaining batches, each in its own transaction; yields the state after each.

    Another process may work on the same job: they take turns, and both end when nothing is left.
    """
    size, contended = BatchSize(), 0
    while True:
        try:
            progress, seconds = _batch(hub, job, size.most)
        except Contended:
            contended += 1
            if contended > _MOST_CONTENDED:
                raise
            size.note_conflict()
            continue
        if progress is None:
            return
        yield progress.state
        if progress.ended:
            return
        size.note(size.most, seconds)
        contended = 0


def _batch(hub: Hub, job: BatchJob, most: int) -> tuple[Progress | None, float]:
    """Do one batch in a transaction, and return how long others had to wait; the progress is None if nothing is
    left.
    """
    with hub.store.begin(in_passing=True) as tx:
        begun = time.perf_counter()
        found = jobs.find(tx, job.name)
        if found is None or found.ended is not None:
            return None, 0.0
        progress = job.batch(tx, found.state, most)
        jobs.save(tx, job.name, progress.state, ended=progress.ended)
    return progress, time.perf_counter() - begun


def at_once(store: Store, usual: int) -> int:
    """Return how much to do in one transaction: little while others wait to write, otherwise the ``usual`` number."""
    return _CROWDED if store.has_waiting_writers() else usual
