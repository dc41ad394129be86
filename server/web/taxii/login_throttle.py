"""The throttle against password guessing. It never delays a partner that knows its password.

It counts wrong passwords by address and user name together, so that a client at another address cannot lock a partner
out, and with a higher limit by address alone. The store counts for all processes and nodes; each process also counts
for itself, for the time that the store is unavailable.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from server.store import Store, StoreUnavailable
from server.store.operators import attempts

log = logging.getLogger(__name__)

# The number of attempts at once, and the seconds until another one is verified.
_SECOND = 1_000_000
_PAIR, _ADDRESS = ((limit.burst, limit.each / _SECOND) for limit in (attempts.PAIR, attempts.ADDRESS))
_REMEMBERED_AT_MOST = 20_000
# A verification takes 19 MiB and a processor; further clients have to try again later.
_AT_ONCE = 2
_WAITING = 16
# Passwords of partners and passwords of the pages are counted separately.
_DOOR = "taxii"


class LoginThrottle:
    """Counts wrong passwords by their address and user name."""

    def __init__(self, store: Store | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """Count in ``store``, or only in this process without one; ``clock`` returns seconds."""
        self._store = store
        self._clock = clock
        self._debts: OrderedDict[tuple[str, str | None], float] = OrderedDict()
        self._changing = threading.Lock()
        self._room = threading.BoundedSemaphore(_AT_ONCE)
        self._queue = threading.BoundedSemaphore(_WAITING)
        # Limit the threads that guesses occupy during a long write.
        self._counting = threading.BoundedSemaphore(_WAITING)

    def take(self, remote: str, user: str) -> float:
        """Count a password for ``user`` from ``remote`` before it is verified, and return 0.

        After too many wrong passwords, do not count it, and return the seconds to wait. Counting comes first, so that
        parallel attempts get no further than sequential ones.
        """
        now = self._clock()
        with self._changing:
            wait = max(self._owed((remote, user), *_PAIR, now), self._owed((remote, None), *_ADDRESS, now))
            if wait:
                # Further guesses cause no writes.
                return wait
            self._add(remote, user, 1, now)
        if self._store is None:
            return 0.0
        if not self._counting.acquire(blocking=False):
            return 1.0
        try:
            return attempts.take_in_passing(self._store, remote, user, _DOOR) / _SECOND
        except StoreUnavailable as error:
            log.warning("password-counted-here reason=%s", error)
            return 0.0
        finally:
            self._counting.release()

    def give_back(self, remote: str, user: str, *, was_right: bool = True) -> None:
        """Undo the count of ``take``: the password was right, or was not verified."""
        with self._changing:
            self._add(remote, user, -1, self._clock())
        try:
            if self._store is not None:
                attempts.give_back_in_passing(self._store, remote, user, _DOOR, was_right=was_right)
        except StoreUnavailable as error:
            log.warning("password-counted-here reason=%s", error)

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Wait for the turn to verify a password; yield False if too many are waiting."""
        if not self._queue.acquire(blocking=False):
            yield False
            return
        try:
            with self._room:
                yield True
        finally:
            self._queue.release()

    def _add(self, remote: str, user: str, passwords: int, now: float) -> None:
        for key, (_, seconds) in (((remote, user), _PAIR), ((remote, None), _ADDRESS)):
            self._debts[key] = max(now, self._debts.get(key, now)) + passwords * seconds
            self._debts.move_to_end(key)
        while len(self._debts) > _REMEMBERED_AT_MOST:
            self._debts.popitem(last=False)

    def _owed(self, key: tuple[str, str | None], burst: int, seconds: float, now: float) -> float:
        """Return the seconds until the debt of ``key`` is below its limit."""
        return max(0.0, self._debts.get(key, now) - now - (burst - 1) * seconds)
