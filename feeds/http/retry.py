"""Asking again what failed: a few times, after a pause, and never so often that it makes a peer's trouble worse."""

import threading
from typing import Any, Self

from urllib3 import BaseHTTPResponse, Retry
from urllib3.exceptions import InvalidHeader, MaxRetryError

_AGAIN = (429, 502, 503, 504)
# A peer that asks for more is tried again by the next run, and that no earlier than it asks.
_LONGEST_PAUSE = 30.0
# Who asks for more than a day is asked once a day.
_LONGEST_WAIT = 86_400
_REPEATS = 10.0
_EARNED = 0.1


def retry_after_seconds(retry_after: str | None) -> float:
    """Give how many seconds a peer asks, by its header ``Retry-After``, not to be asked: a day at most."""
    try:
        return Retry(retry_after_max=_LONGEST_WAIT).parse_retry_after(retry_after) if retry_after else 0.0
    except (InvalidHeader, ValueError, OverflowError):
        return 0.0


class RetryBudget:
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


class BoundedRetry(Retry):
    """Asks again where that is wanted, and not where the peer asks for a longer pause than a run should make."""

    budget: RetryBudget

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
        made.budget = RetryBudget()
        return made

    def new(self, **more: Any) -> Self:
        """Count on, out of the same budget."""
        made = super().new(**more)
        made.budget = self.budget
        return made

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: Any = None,
        _stacktrace: Any = None,
    ) -> Self:
        """Count one attempt. Raises ``MaxRetryError`` where there are to be no more."""
        counted = super().increment(method, url, response, error, _pool, _stacktrace)
        said = response.headers.get("Retry-After") if response is not None else None
        if retry_after_seconds(said) > _LONGEST_PAUSE or not self.budget.spend():
            raise MaxRetryError(_pool, url or "", error)
        return counted

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        """Give what the peer asks; nothing where what it says cannot be read."""
        return retry_after_seconds(response.headers.get("Retry-After")) or None
