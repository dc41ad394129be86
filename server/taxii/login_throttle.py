"""The throttle for whoever guesses passwords, which never stands in the way of a partner that knows its own.

It counts by address and user name together, so that nobody elsewhere can lock a partner out; by address alone it is a
looser one. A password that this process has verified before is verified whatever the throttle says.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Wrong passwords at once, and the seconds after which one more is taken.
_PAIR = (10, 6.0)
_ADDRESS = (100, 0.5)
_REMEMBERED_AT_MOST = 20_000
# A verification takes 19 MiB and a processor; those who wait beyond this come again later.
_AT_ONCE = 2
_WAITING = 16


class LoginThrottle:
    """Counts wrong passwords by where they come from and whom they are for, in this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with nothing counted; ``clock`` returns seconds."""
        self._clock = clock
        self._debts: OrderedDict[tuple[str, str | None], float] = OrderedDict()
        self._changing = threading.Lock()
        self._room = threading.BoundedSemaphore(_AT_ONCE)
        self._queue = threading.BoundedSemaphore(_WAITING)

    def wait(self, remote: str, user: str) -> float:
        """Return the seconds until a password for ``user`` is verified for ``remote``; 0 is now."""
        now = self._clock()
        with self._changing:
            return max(self._owed((remote, user), *_PAIR, now), self._owed((remote, None), *_ADDRESS, now))

    def failed(self, remote: str, user: str) -> None:
        """Count a wrong password."""
        now = self._clock()
        with self._changing:
            for key, (_, seconds) in (((remote, user), _PAIR), ((remote, None), _ADDRESS)):
                self._debts[key] = max(now, self._debts.get(key, now)) + seconds
                self._debts.move_to_end(key)
            while len(self._debts) > _REMEMBERED_AT_MOST:
                self._debts.popitem(last=False)

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Wait for the turn to verify a password; yields False where too many wait already."""
        if not self._queue.acquire(blocking=False):
            yield False
            return
        try:
            with self._room:
                yield True
        finally:
            self._queue.release()

    def _owed(self, key: tuple[str, str | None], burst: int, seconds: float, now: float) -> float:
        """Return the seconds until the debt of ``key`` is down to what is let through."""
        return max(0.0, self._debts.get(key, now) - now - (burst - 1) * seconds)
