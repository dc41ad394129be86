"""Large work in batches: each a short transaction that ends where the next begins, so that others go on meanwhile."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from server.release.hub import Hub
from server.store import Store, Tx, jobs
from server.store.database.engine import Contended

# Values or reports of one batch: while others wait to write, and while nobody does.
_CROWDED, _USUAL = 20, 500
# A batch that others hold up so often in a row is given up.
_MOST_CONTENDED = 20

State = Mapping[str, Any]


class Progress(NamedTuple):
    """The state of a job after a batch, and whether nothing is left to do."""

    state: State
    ended: bool


class BatchJob(ABC):
    """A job of one name. All that it has to know of what was done is in its state, which is JSON."""

    name: str

    @abstractmethod
    def first(self, tx: Tx) -> State:
        """Return the state to begin at."""

    def goes_on(self, tx: Tx, state: State) -> bool:
        """Return whether the job may go on from a state that an earlier run left."""
        return True

    @abstractmethod
    def batch(self, tx: Tx, state: State, most: int) -> Progress:
        """Do a batch of about ``most`` values or reports in the transaction."""


def begin(tx: Tx, job: BatchJob, *, anew: bool = False) -> jobs.Job:
    """Go on with a job that an earlier run left unfinished; begin it if there is none, or ``anew`` is given."""
    found = jobs.find(tx, job.name)
    if anew or found is None or found.ended is not None or not job.goes_on(tx, found.state):
        return jobs.begin(tx, job.name, job.first(tx))
    return found


def run(hub: Hub, job: BatchJob) -> Iterator[State]:
    """Do all batches that are left, each in a transaction of its own; yields the state after each.

    Another process may work on the same job: they take turns, and both end when nothing is left.
    """
    most, contended = at_once(hub.store), 0
    while True:
        try:
            progress = _batch(hub, job, most)
        except Contended:
            # Others contribute about the same values: a smaller batch concerns fewer of them.
            contended += 1
            if contended > _MOST_CONTENDED:
                raise
            most = max(1, most // 2)
            continue
        if progress is None:
            return
        yield progress.state
        if progress.ended:
            return
        most, contended = at_once(hub.store), 0


def _batch(hub: Hub, job: BatchJob, most: int) -> Progress | None:
    """Do one batch in a transaction; None where nothing is left."""
    with hub.store.begin() as tx:
        found = jobs.find(tx, job.name)
        if found is None or found.ended is not None:
            return None
        progress = job.batch(tx, found.state, most)
        jobs.save(tx, job.name, progress.state, ended=progress.ended)
    return progress


def at_once(store: Store, usual: int | None = None) -> int:
    """Return how much to do in one transaction: little while others wait to write, else the ``usual``."""
    return _CROWDED if store.has_waiting_writers() else usual or _USUAL
