"""The threads for slow requests, shared fairly between their owners."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, NamedTuple

# At once, for one owner: requests of any sort, those with a body, and those with a large body; and for all owners.
_MOST_AT_ONCE, _MOST_BODIES, _MOST_LARGE = 8, 2, 1
_MOST_LARGE_OF_ALL = 2
# Waiting, for one owner; beyond, it has to come again later.
_MOST_WAITING = 128


class TooManyWaiting(Exception):
    """The owner has too many requests waiting already."""


class QueuedWork(NamedTuple):
    """A call for an owner, and its weight: 0 without a body, 1 with a small one, 2 with a large one."""

    owner: str
    weight: int
    call: Callable[[], Any]
    future: "Future[Any]"


class FairExecutor:
    """Runs calls in threads, one for each owner in turn."""

    def __init__(self, threads: Executor, number: int) -> None:
        """Run calls in ``threads``, of which there are ``number``."""
        self._threads = threads
        self._free = number
        self._changing = threading.Lock()
        # By owner, in the order of their turns.
        self._waiting: dict[str, deque[QueuedWork]] = {}
        self._running: dict[str, list[int]] = {}
        self._large = 0

    def submit(self, owner: str, weight: int, call: Callable[[], Any]) -> "Future[Any]":
        """Run ``call`` for ``owner`` as soon as it is its turn. Raises ``Crowded``."""
        work = QueuedWork(owner, weight, call, Future())
        with self._changing:
            queue = self._waiting.setdefault(owner, deque())
            if len(queue) >= _MOST_WAITING:
                raise TooManyWaiting
            queue.append(work)
            self._begin()
        return work.future

    def _begin(self) -> None:
        """Start every call that may start: each owner's first one, one owner after the other, until none may."""
        began = True
        while began:
            began = False
            for owner in list(self._waiting):
                queue = self._waiting[owner]
                if queue and self._may(queue[0]):
                    self._start(queue.popleft())
                    began = True
                    # An owner that has had its turn comes behind all others.
                    self._waiting[owner] = self._waiting.pop(owner)
                if not queue:
                    del self._waiting[owner]

    def _may(self, work: QueuedWork) -> bool:
        running = self._running.get(work.owner, [])
        if not self._free or len(running) >= _MOST_AT_ONCE:
            return False
        if work.weight and sum(1 for weight in running if weight) >= _MOST_BODIES:
            return False
        return work.weight < 2 or (self._large < _MOST_LARGE_OF_ALL and running.count(2) < _MOST_LARGE)

    def _start(self, work: QueuedWork) -> None:
        self._running.setdefault(work.owner, []).append(work.weight)
        self._large += work.weight == 2
        self._free -= 1
        self._threads.submit(self._do, work)

    def _do(self, work: QueuedWork) -> None:
        try:
            result = work.call()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the caller gets it
            self._ended(work)
            work.future.set_exception(error)
        else:
            self._ended(work)
            work.future.set_result(result)

    def _ended(self, work: QueuedWork) -> None:
        with self._changing:
            running = self._running[work.owner]
            running.remove(work.weight)
            if not running:
                del self._running[work.owner]
            self._large -= work.weight == 2
            self._free += 1
            self._begin()
