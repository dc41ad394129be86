"""The threads that answer what takes long, shared out fairly: nobody has more than some of them at once."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, NamedTuple

# At once, of one owner: requests of any sort, those with a body, and those with a large body; and of all owners.
_OF_ONE, _BODIES_OF_ONE, _LARGE_OF_ONE = 8, 2, 1
_LARGE_OF_ALL = 2
# Waiting, of one owner; beyond, it is told to come again.
_WAITING_OF_ONE = 128


class TooManyWaiting(Exception):
    """The owner has too many requests waiting already."""


class QueuedWork(NamedTuple):
    """What is to be done for an owner, and how much it takes: 0 is no body, 1 a small one, 2 a large one."""

    owner: str
    weight: int
    call: Callable[[], Any]
    future: "Future[Any]"


class FairExecutor:
    """Hands work to threads, a piece for each owner in turn."""

    def __init__(self, threads: Executor, number: int) -> None:
        """Work in ``threads``, of which there are so many."""
        self._threads = threads
        self._free = number
        self._changing = threading.Lock()
        # By owner, in the order of their turns.
        self._waiting: dict[str, deque[QueuedWork]] = {}
        self._running: dict[str, list[int]] = {}
        self._large = 0

    def submit(self, owner: str, weight: int, call: Callable[[], Any]) -> "Future[Any]":
        """Do this for ``owner`` as soon as it is its turn. Raises ``Crowded``."""
        work = QueuedWork(owner, weight, call, Future())
        with self._changing:
            mine = self._waiting.setdefault(owner, deque())
            if len(mine) >= _WAITING_OF_ONE:
                raise TooManyWaiting
            mine.append(work)
            self._begin()
        return work.future

    def _begin(self) -> None:
        """Begin all that may begin: each owner's first work, one owner after the other, until nothing may."""
        began = True
        while began:
            began = False
            for owner in list(self._waiting):
                mine = self._waiting[owner]
                if mine and self._may(mine[0]):
                    self._start(mine.popleft())
                    began = True
                    # Whose turn it was comes behind all others.
                    self._waiting[owner] = self._waiting.pop(owner)
                if not mine:
                    del self._waiting[owner]

    def _may(self, work: QueuedWork) -> bool:
        running = self._running.get(work.owner, [])
        if not self._free or len(running) >= _OF_ONE:
            return False
        if work.weight and sum(1 for weight in running if weight) >= _BODIES_OF_ONE:
            return False
        return work.weight < 2 or (self._large < _LARGE_OF_ALL and running.count(2) < _LARGE_OF_ONE)

    def _start(self, work: QueuedWork) -> None:
        self._running.setdefault(work.owner, []).append(work.weight)
        self._large += work.weight == 2
        self._free -= 1
        self._threads.submit(self._do, work)

    def _do(self, work: QueuedWork) -> None:
        try:
            result = work.call()
        except BaseException as error:  # noqa: BLE001 - whatever it is, who asked for the work gets it
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
