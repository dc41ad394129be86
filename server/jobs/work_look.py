"""The look for work: one thread per worker asks in one statement which of the worker's other threads have any.

So an idle hub sends its database one statement in two seconds, instead of several by each thread.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

from server.jobs.repeated import RepeatedStep
from server.store import Store
from server.store.database.looks import Finding, which_find
from server.store.database.times import now

_SECONDS = 2.0


@runtime_checkable
class Watched(Protocol):
    """Background work that can wait until it is woken; see ``RepeatedStep``."""

    def work(self, at: int) -> Sequence[Finding]:
        """Return statements of which one finds a row if there is work at a moment (microseconds); none: unknown."""

    def watch(self) -> None:
        """Wait for work from now on."""

    def wake(self) -> None:
        """Do the work that was found."""


class WorkLook(RepeatedStep):
    """Wakes those of some threads that have work."""

    begins_at_once = False

    def __init__(self, store: Store, threads: Iterable[object]) -> None:
        """Look in ``store`` for the work of those of the ``threads`` that are ``Watched`` and state it."""
        super().__init__("work-look", _SECONDS, "work look waits", "work look failure")
        self._store = store
        self._steps = [thread for thread in threads if isinstance(thread, Watched) and thread.work(0)]
        for step in self._steps:
            step.watch()

    def step(self) -> None:
        """Look once."""
        at = now()
        found = which_find(self._store, [step.work(at) for step in self._steps])
        for step, has_work in zip(self._steps, found, strict=True):
            if has_work:
                step.wake()
