"""Large work in batches: each a short transaction that ends where the next begins, so that others go on meanwhile."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from server.release.hub import Hub
from server.store import Store, Tx, jobs

# Values or reports of one batch: while others wait to write, and while nobody does.
_CROWDED, _USUAL = 50, 500

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
    while True:
        with hub.store.begin() as tx:
            found = jobs.find(tx, job.name)
            if found is None or found.ended is not None:
                return
            progress = job.batch(tx, found.state, at_once(hub.store))
            jobs.save(tx, job.name, progress.state, ended=progress.ended)
        yield progress.state
        if progress.ended:
            return


def at_once(store: Store) -> int:
    """Return how much to do in one transaction: little while others wait to write."""
    return _CROWDED if store.has_waiting_writers() else _USUAL
