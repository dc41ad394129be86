"""Asking again what failed: a few times, after a pause, and never so often that it makes a peer's trouble worse."""

import threading
from typing import Any, Self

from urllib3 import BaseHTTPResponse, Retry
from urllib3.exceptions import MaxRetryError

_AGAIN = (429, 502, 503, 504)
# A peer that asks for more is tried again by the next run.
_LONGEST_PAUSE = 30.0
_REPEATS = 10.0
_EARNED = 0.1


class Budget:
    """How many repeats a session may still make: some, and one more for every ten requests.

    A peer in trouble gets a tenth more requests from us then, and not several times as many.
    """

    def __init__(self) -> None:
        """Begin with some."""
        self._left = _REPEATS
        self._changing = threading.Lock()

    def earn(self) -> None:
        """Count a request."""
        with self._changing:
            self._left = min(_REPEATS, self._left + _EARNED)

    def spend(self) -> bool:
        """Take one repeat; False where none is left."""
        with self._changing:
            if self._left < 1:
                return False
            self._left -= 1
            return True


class Retrying(Retry):
    """Asks again where that is wanted, and waits no longer than a run should, whatever the peer asks."""

    budget: Budget

    @classmethod
    def times(cls, count: int, *, posts: bool) -> Self:
        """Ask again up to ``count`` times, with ``posts`` also what is not safe by its method to repeat."""
        made = cls(
            total=count,
            status_forcelist=_AGAIN,
            allowed_methods=None if posts else Retry.DEFAULT_ALLOWED_METHODS,
            backoff_factor=0.5,
            backoff_jitter=0.5,
            raise_on_status=False,
        )
        made.budget = Budget()
        return made

    def new(self, **more: Any) -> Self:
        """Count on, out of the same budget."""
        made = super().new(**more)
        made.budget = self.budget
        return made

    def increment(self, *args: Any, **more: Any) -> Self:
        """Count one attempt. Raises ``MaxRetryError`` where there are to be no more."""
        counted = super().increment(*args, **more)
        if not self.budget.spend():
            raise MaxRetryError(more["_pool"], more.get("url") or "", more.get("error"))
        return counted

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        """Give what the peer asks, or the longest pause where that is shorter."""
        asked = super().get_retry_after(response)
        return None if asked is None else min(asked, _LONGEST_PAUSE)
