"""The threads for slow requests, shared fairly between their owners."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, NamedTuple

MIB = 1024 * 1024


class ResponseLimits(NamedTuple):
    """The limits of responses in one worker.

    The bytes that may be made or may wait for clients, in total and per partner or address. The minimum rate of a
    client in bytes a second. The streams of changes that one partner may keep open.
    """

    most: int = 64 * MIB
    most_of_one: int = 32 * MIB
    least_rate: int = 4 * 1024
    streams_of_one: int = 100


class OutgoingRoom:
    """Counts the bytes of responses. Not thread-safe."""

    def __init__(self, limits: ResponseLimits) -> None:
        """Begin empty."""
        self._limits = limits
        self._held: Counter[str] = Counter()

    @property
    def held(self) -> int:
        """The bytes of all owners."""
        return self._held.total()

    def held_by(self, owner: str) -> int:
        """Return the bytes of one owner."""
        return self._held[owner]

    def largest(self) -> str:
        """Return the owner with the most bytes, or an empty string."""
        return max(self._held, key=self._held.__getitem__, default="")

    def fits(self, owner: str, more: int) -> bool:
        """Return whether ``more`` bytes fit. The only response of an owner, or of all owners, always fits."""
        own = self._held.get(owner, 0)
        return (not own or own + more <= self._limits.most_of_one) and self.fits_in_all(more)

    def fits_in_all(self, more: int) -> bool:
        """Return whether ``more`` bytes fit into the total limit."""
        return not self._held or self.held + more <= self._limits.most

    def count(self, owner: str, more: int) -> None:
        """Add ``more`` bytes to an owner's count; a negative number removes them."""
        self._held[owner] += more
        if self._held[owner] <= 0:
            del self._held[owner]


# Concurrent requests of one owner: of any sort, with a body, and with a large body.
_MOST_AT_ONCE, _MOST_BODIES, _MOST_LARGE = 8, 2, 1
_MOST_LARGE_OF_ALL = 2
# Responses of one MiB or more that are made at the same time: for one owner and for all. Each needs twice its size
# while it is made.
_LARGE_ROOM = 1024 * 1024
_MOST_PAGES, _MOST_PAGES_OF_ALL = 1, 2
# Waiting requests of one owner. Further ones are rejected until later.
_MOST_WAITING = 128
# The longest wait for response memory, and the time until a slow reader is dropped to free some.
_PATIENCE_SECONDS, _STARVED_SECONDS = 20.0, 2.0


class TooManyWaiting(Exception):
    """The owner has too many waiting requests, or there is no memory for the response."""


class QueuedWork(NamedTuple):
    """A call for an owner, and its weight: 0 without a body, 1 with a small one, 2 with a large one.

    It has waited since ``since`` (monotonic) for ``room`` bytes of its ``holder``.
    """

    owner: str
    weight: int
    call: Callable[[], Any]
    future: "Future[Any]"
    holder: str
    room: int
    since: float


class FairExecutor:
    """Runs calls in threads, one for each owner in turn."""

    def __init__(self, threads: Executor, number: int, limits: ResponseLimits | None = None) -> None:
        """Run calls in ``threads``, of which there are ``number``. ``limits`` bound the memory of responses."""
        self._threads = threads
        self._free = number
        self._changing = threading.Lock()
        # By owner, in the order of their turns.
        self._waiting: dict[str, deque[QueuedWork]] = {}
        self._running: dict[str, list[int]] = {}
        self._large = 0
        # Owners whose large responses are being made.
        self._pages: list[str] = []
        self._room = OutgoingRoom(limits or ResponseLimits())

    def submit(
        self, owner: str, weight: int, call: Callable[[], Any], *, holder: str = "", room: int = 0
    ) -> "Future[Any]":
        """Run ``call`` for ``owner`` at its turn. Raises ``TooManyWaiting``.

        The call begins once ``room`` bytes are free for ``holder``. They are counted until ``resize`` releases them. If
        they do not become free in time, the future raises ``TooManyWaiting`` and nothing is counted.
        """
        work = QueuedWork(owner, weight, call, Future(), holder, room, time.monotonic())
        with self._changing:
            queue = self._waiting.setdefault(owner, deque())
            if len(queue) >= _MOST_WAITING:
                raise TooManyWaiting
            queue.append(work)
            try:
                self._begin()
            except Exception:
                # The caller gets the fault, so the work must not run later and hold its room.
                if work in queue:
                    queue.remove(work)
                raise
        return work.future

    def has_room(self, holder: str, more: int) -> bool:
        """Return whether ``more`` bytes of responses of ``holder`` fit."""
        with self._changing:
            return self._room.fits(holder, more)

    def resize(self, holder: str, before: int, after: int) -> None:
        """Count ``after`` bytes of responses of ``holder`` instead of ``before``."""
        if before == after:
            return
        with self._changing:
            self._room.count(holder, after - before)
            if after < before:
                self._begin()

    def give_up(self) -> str:
        """End calls that have waited too long for memory. Call it about every second.

        Return the owner with the most bytes, if other owners have waited for some time and it leaves them no room.
        """
        now, overdue, starving = time.monotonic(), [], ""
        with self._changing:
            for queue in self._waiting.values():
                while queue and queue[0].room and queue[0].since < now - _PATIENCE_SECONDS:
                    overdue.append(queue.popleft())
                if queue and queue[0].room and queue[0].since < now - _STARVED_SECONDS:
                    largest = self._room.largest()
                    less = self._room.held_by(queue[0].holder) < self._room.held_by(largest) // 2
                    starving = largest if less and not self._room.fits_in_all(queue[0].room) else starving
            self._begin()
        for work in overdue:
            work.future.set_exception(TooManyWaiting())
        return starving

    def _begin(self) -> None:
        """Start every call that may start, one owner after the other, until none is left that may start."""
        began = True
        while began:
            began = False
            for owner in list(self._waiting):
                queue = self._waiting[owner]
                if queue and self._may(queue[0]):
                    self._start(queue.popleft())
                    began = True
                    # An owner that has had its turn goes to the end.
                    self._waiting[owner] = self._waiting.pop(owner)
                if not queue:
                    del self._waiting[owner]

    def _may(self, work: QueuedWork) -> bool:
        running = self._running.get(work.owner, [])
        if not self._free or len(running) >= _MOST_AT_ONCE:
            return False
        if work.room and not self._room.fits(work.holder, work.room):
            return False
        if work.room >= _LARGE_ROOM and (
            len(self._pages) >= _MOST_PAGES_OF_ALL or self._pages.count(work.holder) >= _MOST_PAGES
        ):
            return False
        if work.weight and sum(1 for weight in running if weight) >= _MOST_BODIES:
            return False
        return work.weight < 2 or (self._large < _MOST_LARGE_OF_ALL and running.count(2) < _MOST_LARGE)

    def _start(self, work: QueuedWork) -> None:
        if work.room:
            self._room.count(work.holder, work.room)
        self._running.setdefault(work.owner, []).append(work.weight)
        self._large += work.weight == 2
        self._free -= 1
        if work.room >= _LARGE_ROOM:
            self._pages.append(work.holder)
        self._threads.submit(self._do, work)

    def _do(self, work: QueuedWork) -> None:
        try:
            try:
                result = work.call()
            finally:
                self._ended(work)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the caller gets it
            work.future.set_exception(error)
        else:
            work.future.set_result(result)

    def _ended(self, work: QueuedWork) -> None:
        with self._changing:
            running = self._running[work.owner]
            running.remove(work.weight)
            if work.room >= _LARGE_ROOM:
                self._pages.remove(work.holder)
            if not running:
                del self._running[work.owner]
            self._large -= work.weight == 2
            self._free += 1
            self._begin()
